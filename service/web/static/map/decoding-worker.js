/** Decodes the cells of the map beside the page's own thread. */
import { Decoder } from "../decoder/decoder.js";

/** @type {Decoder | null} */
let decoder = null;

addEventListener("message", ({ data }) => {
  if (data.graph) decoder = new Decoder(new Uint8Array(data.graph));
  if (!decoder || !data.vectors) return;
  const pictures = data.vectors.map((/** @type {number[]} */ z) => decoder?.decode(z, data.label));
  postMessage(
    { ticket: data.ticket, pictures },
    { transfer: pictures.map((/** @type {Float32Array} */ p) => p.buffer) },
  );
});
