/** A model of the service as the page uses it: its description, its atlas, and its decoder for previews. */
import { readNpy } from "../core/npy.js";
import { Decoder, toImageData } from "../decoder/decoder.js";
import { Atlas } from "./atlas.js";
import { findAxes } from "./axes.js";

/**
 * @typedef {{height: number, width: number, channels: number, polarity: string}} ImageInfo
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {string} version
 * @property {string} reference `name@version`
 * @property {number} latent_dim
 * @property {ImageInfo} image
 * @property {number[]} classes
 * @property {boolean} conditional
 * @property {boolean} default
 * @property {{provider: string, onnxruntime: string}} runtime
 * @property {Record<string, number>} metrics
 * @property {{class_names?: unknown[]}} [dataset]
 */

/**
 * Return what a class is called.
 * @param {ModelInfo} info
 * @param {number} label
 * @returns {string}
 */
export function nameOf(info, label) {
  const name = info.dataset?.class_names?.[label];
  return typeof name === "string" && name ? name : String(label);
}

/**
 * Return the classes as a row of buttons takes them: what each is called, and its label.
 * @param {ModelInfo} info
 * @returns {[string, number | null][]}
 */
export function classOptions(info) {
  return info.classes.map((label) => [nameOf(info, label), label]);
}

/** A loaded model. */
export class Model {
  /**
   * @param {ModelInfo} info
   * @param {Atlas} atlas
   */
  constructor(info, atlas) {
    this.info = info;
    this.atlas = atlas;
    this.dim = info.latent_dim;
    this.axes = findAxes(atlas.points, this.dim);
    /** Each point's place on the map, x and y in turn. */
    this.places = placesOf(atlas, this.axes);
    /** @type {Decoder | null} */
    this.decoder = null;
    /** @type {ArrayBuffer | null} */
    this.graph = null;
    /** Whether it is known if the page can decode. */
    this.isTried = false;
  }

  /** The middle of latent space. @returns {number[]} */
  get origin() {
    return new Array(this.dim).fill(0);
  }

  /** @param {number | null} label @returns {number[] | null} one-hot, or null for a model that takes no label */
  oneHot(label) {
    if (!this.info.conditional) return null;
    return this.info.classes.map((each) => (each === (label ?? this.info.classes[0]) ? 1 : 0));
  }

  /**
   * Return a preview of what a vector decodes to.
   * @param {number[]} z
   * @param {number | null} label
   * @param {number[] | null} [mixture] in place of the label: how much of each
   * @returns {ImageData | null} null where only the service can tell
   */
  preview(z, label, mixture = null) {
    if (!this.decoder) return null;
    return toImageData(this.decoder.decode(z, mixture ?? this.oneHot(label)), this.info.image);
  }

  /** @param {ArrayBuffer} graph */
  useGraph(graph) {
    this.isTried = true;
    this.graph = graph;
    try {
      this.decoder = new Decoder(new Uint8Array(graph));
      this.decoder.decode(this.origin, this.oneHot(null));
    } catch (error) {
      console.info(`${this.info.name}: pictures come from the service: ${error}`);
      this.decoder = this.graph = null;
    }
  }
}

/**
 * Load a model's atlas.
 * @param {import("../core/service.js").Service} service
 * @param {ModelInfo} info
 * @returns {Promise<Model>}
 */
export async function loadModel(service, info) {
  const path = `/models/${info.reference}/latents`;
  const [points, labels] = await Promise.all(
    ["z_mean", "label"].map(async (array) => {
      const answer = await service.fetch(path, { format: "npy", array });
      return readNpy(await answer.arrayBuffer());
    }),
  );
  const atlas = new Atlas(
    /** @type {Float32Array} */ (points.data),
    Int32Array.from(/** @type {BigInt64Array} */ (labels.data), Number),
    info.latent_dim,
  );
  return new Model(info, atlas);
}

/**
 * Load a model's decoder, for previews.
 * @param {import("../core/service.js").Service} service
 * @param {Model} model
 */
export async function loadDecoder(service, model) {
  const answer = await service.fetch(`/models/${model.info.reference}/decoder.onnx`);
  model.useGraph(await answer.arrayBuffer());
}

/**
 * @param {Atlas} atlas
 * @param {import("./axes.js").Axes} axes
 */
function placesOf(atlas, axes) {
  const places = new Float32Array(2 * atlas.count);
  for (let i = 0; i < atlas.count; i++) places.set(axes.project(atlas.points, i * atlas.dim), 2 * i);
  return places;
}
