/** A canvas that shows what a vector decodes to: a preview at once, the service's own picture once all is still. */
import { context2d, settle } from "../core/dom.js";
import { rounded, toText } from "../core/vectors.js";

const REST_MS = 140;

/** Keeps one canvas up to date. While a picture is on its way, further ones wait, and only the last is asked for. */
export class LivePicture {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLCanvasElement} canvas its `data-state` is preview, exact or waiting; its `data-url` the picture's
   * @param {HTMLElement | null} badge says in words which it is
   */
  constructor(app, canvas, badge = null) {
    this.app = app;
    this.canvas = canvas;
    this.badge = badge;
    this.turn = 0;
    /** @type {AbortController | null} */
    this.asking = null;
    this.rest = settle(REST_MS, () => this.#ask());
    /** @type {number[]} */
    this.z = [];
    /** @type {number | null} */
    this.label = null;
  }

  /** The picture as the API knows it. @returns {import("../core/snippets.js").Picture} */
  get picture() {
    const label = this.app.model.info.conditional ? this.label : null;
    return {
      path: "/decode.png",
      params: {
        z: toText(this.z),
        label,
        model: this.app.model.info.reference,
      },
    };
  }

  /**
   * @param {number[]} z
   * @param {number | null} label
   */
  show(z, label) {
    this.turn++;
    this.z = rounded(z);
    this.label = label;
    const preview = this.app.model.preview(this.z, label);
    if (preview) {
      this.asking?.abort();
      this.#paint(preview.width, preview.height, (context) => context.putImageData(preview, 0, 0));
      this.#say("preview");
      this.rest();
    } else if (!this.asking) this.#ask();
  }

  /** Forget what was to be shown. */
  cancel() {
    this.rest.cancel();
    this.asking?.abort();
    this.asking = null;
    this.turn++;
  }

  async #ask() {
    const turn = this.turn;
    const { path, params } = this.picture;
    this.asking = new AbortController();
    try {
      const answer = await this.app.service.fetch(path, params, {
        signal: this.asking.signal,
      });
      const bitmap = await createImageBitmap(await answer.blob(), {
        colorSpaceConversion: "none",
      });
      const decodes = this.app.model.decoder !== null;
      if (turn === this.turn || !decodes) {
        this.#paint(bitmap.width, bitmap.height, (context) => context.drawImage(bitmap, 0, 0));
        this.canvas.dataset.url = answer.url;
        this.#say(turn === this.turn ? "exact" : "waiting");
      }
    } catch (error) {
      this.app.complain(error);
    }
    this.asking = null;
    if (turn !== this.turn && !this.app.model.decoder && this.app.service.isOnline) this.#ask();
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {(context: CanvasRenderingContext2D) => void} draw
   */
  #paint(width, height, draw) {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    draw(context2d(this.canvas));
  }

  /** @param {string} state */
  #say(state) {
    this.canvas.dataset.state = state;
    if (!this.badge) return;
    this.badge.textContent = state;
    this.badge.classList.toggle("exact", state === "exact");
  }
}

/**
 * Draw a picture on a canvas: a preview where the page can decode, else the service's.
 * @param {import("../app.js").App} app
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} z
 * @param {number | null} label
 * @param {number[] | null} [mixture] in place of the label: how much of each
 */
export function paint(app, canvas, z, label, mixture = null) {
  const preview = app.model.preview(z, label, mixture);
  if (!preview) return void new LivePicture(app, canvas).show(z, label);
  canvas.width = preview.width;
  canvas.height = preview.height;
  context2d(canvas).putImageData(preview, 0, 0);
}
