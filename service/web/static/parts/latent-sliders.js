/** A slider for each dimension, with what it does shown at both ends. */
import { h, settle } from "../core/dom.js";
import { paint } from "./live-picture.js";

const EXTENT = 3;

/** The sliders of the current point. */
export class LatentSliders {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.element = h("div", { className: "sliders" });
    this.showEnds = settle(160, () => this.#showEnds());
    this.sliders = this.app.model.origin.map((_, i) => this.#slider(i));
    this.element.append(...this.sliders.map(({ row }) => row));
  }

  /** @param {number} i */
  #slider(i) {
    const range = h("input", {
      type: "range",
      min: -EXTENT,
      max: EXTENT,
      step: 0.05,
      "aria-label": `Dimension ${i}`,
    });
    range.addEventListener("input", () => {
      const z = this.app.z.slice();
      z[i] = range.valueAsNumber;
      this.app.store.set({ z });
    });
    const [low, high] = [h("canvas", { "aria-hidden": "true" }), h("canvas", { "aria-hidden": "true" })];
    const output = h("output");
    const row = h("div", { className: "slider" }, `z${i}`, low, range, high, output);
    return { row, range, output, low, high };
  }

  /** Show the current point. */
  update() {
    this.app.z.forEach((value, i) => {
      const { range, output } = this.sliders[i];
      if (document.activeElement !== range || Math.abs(range.valueAsNumber - value) > 0.05)
        range.value = String(value);
      output.textContent = value.toFixed(2).replace("-", "−");
    });
    this.showEnds();
  }

  #showEnds() {
    if (!this.app.model.decoder) return;
    this.sliders.forEach(({ low, high }, i) => {
      const at = (/** @type {number} */ value) => this.app.z.map((each, j) => (i === j ? value : each));
      paint(this.app, low, at(-EXTENT), this.app.label);
      paint(this.app, high, at(EXTENT), this.app.label);
    });
  }
}
