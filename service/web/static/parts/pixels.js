/** Pictures of the service's JSON, on canvases. */
import { context2d, h } from "../core/dom.js";
import { toImageData } from "../decoder/decoder.js";

/**
 * Draw pixels on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {unknown[]} rows nested, in [0, 1]
 * @param {import("../space/model.js").ImageInfo} image
 */
export function drawPixels(canvas, rows, image) {
  const pixels = Float32Array.from(/** @type {number[]} */ (rows.flat(Infinity)));
  canvas.width = image.width;
  canvas.height = image.height;
  context2d(canvas).putImageData(toImageData(pixels, image), 0, 0);
}

/**
 * Return a picture with a caption.
 * @param {HTMLCanvasElement} canvas
 * @param {string | Node} caption
 */
export function figure(canvas, caption) {
  return h("figure", {}, canvas, h("figcaption", {}, caption));
}
