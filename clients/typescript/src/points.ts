import { toBlob, type Picture } from "./pictures.js";

/** A latent vector. */
export type Vector = readonly number[];
/** An end of an interpolation: a vector, the middle of a class by its label, or a picture. */
export type End = Vector | number | Picture;

/** Write a point as URLs and forms have it. */
export function writePoint(point: Vector | number): string {
  return typeof point === "number" ? `digit:${point}` : point.join(",");
}

/** Write an end as JSON has it, or nothing if it is a picture. */
export function writeEnd(end: End): { z: number[] } | { digit: number } | undefined {
  if (typeof end === "number") return { digit: end };
  return isVector(end) ? { z: [...end] } : undefined;
}

/** Write an end as a field of a form. */
export async function writeField(end: End): Promise<string | Blob> {
  return typeof end === "number" || isVector(end) ? writePoint(end) : await toBlob(end);
}

function isVector(end: Vector | Picture): end is Vector {
  return Array.isArray(end);
}
