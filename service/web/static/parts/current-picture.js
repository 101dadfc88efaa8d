/** The card of the current point: its picture, its vector, what it is most like, lines to copy. */
import { h, settle } from "../core/dom.js";
import { toWords } from "../core/vectors.js";
import { classOptions } from "../space/model.js";
import { choices } from "./choices.js";
import { copyLines } from "./copy-lines.js";
import { likenessOf } from "./likeness.js";
import { LivePicture } from "./live-picture.js";

/** Shows the current point. */
export class CurrentPicture {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   */
  constructor(app, root) {
    this.app = app;
    this.canvas = h("canvas", {
      className: "main",
      role: "img",
      "aria-label": "What the current point decodes to",
    });
    const badge = h("span", { className: "badge" });
    this.live = new LivePicture(app, this.canvas, badge);
    this.vector = h("div", { className: "vector", id: "vector" });
    this.likeness = h("div");
    this.labels = h("div");
    this.copy = copyLines(app, () => this.live.picture);
    const words = h("div", {}, this.vector, this.labels, this.likeness);
    root.append(
      h("div", { className: "card" }, h("div", { className: "shown" }, this.canvas, badge), words),
      this.copy,
    );
    this.think = settle(90, () => this.#think());
  }

  /** Show another model's labels. */
  reset() {
    const { info } = this.app.model;
    this.labels.replaceChildren();
    if (!info.conditional) return;
    const options = classOptions(info);
    this.labels.append(
      choices("Label", options, this.app.label, (label) => this.app.store.set({ label }, { step: true })),
    );
  }

  /** Show the current point. */
  show() {
    const { z, label } = this.app;
    this.live.show(z, label);
    this.vector.textContent =
      z.length <= 4 ? toWords(z) : `${z.length} dimensions, |z| = ${Math.hypot(...z).toFixed(2)}`;
    this.labels.querySelectorAll("button").forEach((button, i) => {
      button.setAttribute("aria-pressed", String(this.app.model.info.classes[i] === label));
    });
    this.think();
  }

  #think() {
    this.likeness.replaceChildren(likenessOf(this.app.model, this.app.z));
    this.copy.refresh();
  }
}
