/** A picture to upload: a file, or what is drawn on a canvas. */
export type Picture = Blob | HTMLCanvasElement | OffscreenCanvas | ImageData;

/** Turn a picture into a file: a canvas into PNG. */
export async function toBlob(picture: Picture): Promise<Blob> {
  if (picture instanceof Blob) return picture;
  if ("convertToBlob" in picture) return await picture.convertToBlob({ type: "image/png" });
  if ("toBlob" in picture) return await fromCanvas(picture);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
  return await canvas.convertToBlob({ type: "image/png" });
}

function fromCanvas(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new RangeError("canvas: expected at least one pixel, received none"));
      else resolve(blob);
    }, "image/png");
  });
}
