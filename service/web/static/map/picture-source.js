/** Where the map's pictures come from: a worker with the decoder, or the service where the page cannot decode. */
import { readNpy } from "../core/npy.js";

const WORKER_ROWS = 24;
const SERVICE_ROWS = 128;

/** Decodes vectors in batches, one batch after the other. */
export class PictureSource {
  /**
   * @param {import("../core/service.js").Service} service
   * @param {import("../space/model.js").Model} model
   */
  constructor(service, model) {
    this.service = service;
    this.model = model;
    this.worker = model.graph
      ? new Worker(new URL("./decoding-worker.js", import.meta.url), {
          type: "module",
        })
      : null;
    this.worker?.postMessage({ graph: model.graph });
    this.rows = this.worker ? WORKER_ROWS : SERVICE_ROWS;
  }

  /**
   * Decode vectors.
   * @param {number[][]} vectors
   * @param {number | null} label
   * @returns {Promise<Float32Array[]>} pixels in [0, 1]
   */
  decode(vectors, label) {
    return this.worker ? this.#here(this.worker, vectors, label) : this.#there(vectors, label);
  }

  /**
   * @param {Worker} worker
   * @param {number[][]} vectors
   * @param {number | null} label
   * @returns {Promise<Float32Array[]>}
   */
  #here(worker, vectors, label) {
    return new Promise((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(data.pictures), {
        once: true,
      });
      worker.postMessage({ vectors, label: this.model.oneHot(label) });
    });
  }

  /**
   * @param {number[][]} vectors
   * @param {number | null} label
   */
  async #there(vectors, label) {
    const { reference, conditional, classes } = this.model.info;
    const body = {
      z: vectors,
      model: reference,
      ...(conditional ? { label: label ?? classes[0] } : {}),
    };
    const answer = await this.service.post("/decode", body, { format: "npy" });
    const { data, shape } = readNpy(await answer.arrayBuffer());
    const size = data.length / shape[0];
    return vectors.map((_, i) => /** @type {Float32Array} */ (data).subarray(i * size, (i + 1) * size));
  }

  close() {
    this.worker?.terminate();
  }
}
