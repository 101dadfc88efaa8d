/** Runs a decoder's ONNX graph in the page, for previews at the screen's rate. */
import { readGraph } from "./graph.js";
import { OPERATORS } from "./operators.js";

/**
 * @typedef {import("./tensors.js").Tensor} Tensor
 * @typedef {import("./graph.js").Node} Node
 */

/** A decoder: latent vectors to pixels. */
export class Decoder {
  /**
   * Read a decoder.
   * @param {Uint8Array} bytes the ONNX file
   * @throws {Error} it has an operator, an attribute or a data type that is not known here
   */
  constructor(bytes) {
    const graph = readGraph(bytes);
    const unknown = graph.nodes.filter((node) => !OPERATORS[node.operator]).map((node) => node.operator);
    if (unknown.length) throw new Error(`operators not known: ${unknown.join(", ")}`);
    this.inputs = graph.inputs;
    this.output = graph.outputs[0];
    this.constants = graph.constants;
    this.nodes = this.#fold(graph.nodes);
  }

  /**
   * Decode one vector.
   * @param {ArrayLike<number>} z
   * @param {ArrayLike<number> | null} label one-hot, for a label-conditioned model
   * @returns {Float32Array} rows of pixels, their channels last, in [0, 1]
   */
  decode(z, label = null) {
    /** @type {Map<string, Tensor>} */
    const values = new Map();
    const given = { z, label };
    for (const name of this.inputs) {
      const value = given[/** @type {"z" | "label"} */ (name)];
      if (!value) throw new Error(`the decoder needs ${name}`);
      values.set(name, {
        dims: [1, value.length],
        data: Float32Array.from(value),
      });
    }
    for (const node of this.nodes) this.#run(node, values);
    const image = values.get(this.output);
    if (!image) throw new Error(`the graph does not make ${this.output}`);
    return image.data;
  }

  /**
   * Compute what depends on no input once, and return the other nodes.
   * @param {Node[]} nodes
   */
  #fold(nodes) {
    return nodes.filter((node) => {
      if (!node.inputs.every((name) => !name || this.constants.has(name))) return true;
      this.#run(node, this.constants);
      return false;
    });
  }

  /**
   * @param {Node} node
   * @param {Map<string, Tensor>} values
   */
  #run(node, values) {
    const inputs = node.inputs.map(
      (name) => /** @type {Tensor} */ (values.get(name) ?? this.constants.get(name)),
    );
    values.set(node.outputs[0], OPERATORS[node.operator](inputs, node.attributes));
  }
}

/**
 * Return pixels as a picture of the page.
 * @param {Float32Array} pixels from `decode`
 * @param {{height: number, width: number, channels: number}} image
 * @returns {ImageData}
 */
export function toImageData(pixels, { height, width, channels }) {
  const data = new Uint8ClampedArray(4 * height * width);
  for (let i = 0, from = 0; i < data.length; i += 4, from += channels) {
    for (let channel = 0; channel < 3; channel++)
      data[i + channel] = 255 * pixels[from + (channels === 3 ? channel : 0)];
    data[i + 3] = 255;
  }
  return new ImageData(data, width, height);
}
