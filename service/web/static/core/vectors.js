/** How vectors are written, for addresses and for people. */
import { round } from "./store.js";

/** @param {number[]} z @returns {string} as image URLs take it */
export const toText = (z) => z.map(round).join(",");

/** @param {number[]} z @returns {number[]} the vector that `toText` writes */
export const rounded = (z) => z.map(round);

/** @param {number[][]} vectors at least one @returns {number[]} */
export const meanOf = (vectors) =>
  vectors[0].map((_, i) => vectors.reduce((sum, z) => sum + z[i], 0) / vectors.length);

/** @param {number[]} z @returns {string} */
export const toWords = (z) => `z = (${z.map((value) => value.toFixed(2).replace("-", "−")).join(", ")})`;
