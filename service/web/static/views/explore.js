/** The map's own panel: what one can do, and a slider a dimension. */
import { h } from "../core/dom.js";
import { normal } from "../space/random.js";
import { LatentSliders } from "../parts/latent-sliders.js";

/** A view: a panel beside the map. */
export class ExploreView {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   */
  constructor(app, root) {
    this.sliders = new LatentSliders(app);
    const { dim, info } = app.model;
    const plane =
      dim > 2
        ? `The map shows the two principal axes of ${dim} dimensions; the sliders move all of them.`
        : "";
    const reset = () => app.store.set({ z: app.model.origin }, { step: true });
    const random = () =>
      app.store.set({ z: app.model.origin.map(normal(Math.random() * 2 ** 32)) }, { step: true });
    root.append(
      h(
        "p",
        { className: "quiet" },
        `Each point of this space is a picture. Move over the map to see them; the marks are where ${info.name} puts its test pictures. ${plane}`,
      ),
      h(
        "div",
        { className: "row" },
        h("button", { type: "button", onclick: random }, "Random point"),
        h("button", { type: "button", onclick: reset }, "Middle"),
      ),
      this.sliders.element,
    );
    this.update();
  }

  hint = "Hover to look, click to keep, drag to pan, scroll to zoom";

  update() {
    this.sliders.update();
  }
}
