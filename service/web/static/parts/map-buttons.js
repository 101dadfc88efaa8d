/** The buttons on the map: zoom, and what it shows. */
import { h } from "../core/dom.js";

const ZOOM_STEP = 1.6;
/** What the map may show, by its name in the URL. */
const LAYERS = new Map([
  ["both", "Points + pictures"],
  ["points", "Points"],
  ["pictures", "Pictures"],
]);

/** The buttons. */
export class MapButtons {
  /**
   * @param {import("../core/store.js").Store} store
   * @param {import("../map/latent-map.js").LatentMap} map
   * @param {HTMLElement} root
   */
  constructor(store, map, root) {
    this.store = store;
    const zoom = (
      /** @type {string} */ name,
      /** @type {string} */ text,
      /** @type {() => void} */ onclick,
    ) => h("button", { type: "button", "aria-label": name, title: name, onclick }, text);
    this.layers = h("button", {
      type: "button",
      title: "Change what the map shows",
      onclick: () => this.#next(),
    });
    root.append(
      h(
        "div",
        { className: "zoom" },
        zoom("Zoom in", "+", () => map.zoom(ZOOM_STEP)),
        zoom("Zoom out", "−", () => map.zoom(1 / ZOOM_STEP)),
        zoom("Show all", "⤢", () => map.fit()),
      ),
      this.layers,
    );
  }

  /** Say what the map shows. */
  update() {
    this.layers.textContent = LAYERS.get(this.store.state.layers) ?? "Pictures";
  }

  #next() {
    const names = [...LAYERS.keys()];
    this.store.set({ layers: names[(names.indexOf(this.store.state.layers) + 1) % names.length] });
  }
}
