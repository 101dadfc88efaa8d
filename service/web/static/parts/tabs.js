/** The tabs of the views. */
import { h } from "../core/dom.js";

/** Shows which view is open, and opens another. */
export class Tabs {
  /**
   * @param {import("../core/store.js").Store} store
   * @param {HTMLElement} root
   * @param {Record<string, {title: string}>} views
   */
  constructor(store, root, views) {
    this.store = store;
    this.root = root;
    this.ids = Object.keys(views);
    const tab = (/** @type {string} */ id) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${id}`,
          "aria-controls": "view",
          onclick: () => this.#open(id),
        },
        views[id].title,
      );
    root.replaceChildren(...this.ids.map(tab));
    root.addEventListener("keydown", (event) => this.#walk(event));
    this.mark();
  }

  /** Mark the tab of the view that is open. */
  mark() {
    for (const tab of this.root.children) {
      const selected = tab.id === `tab-${this.store.state.view}`;
      tab.setAttribute("aria-selected", String(selected));
      tab.setAttribute("tabindex", selected ? "0" : "-1");
      if (selected) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  /** @param {string} id */
  #open(id) {
    this.store.set({ view: id }, { step: true });
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = (this.ids.indexOf(this.store.state.view) + step + this.ids.length) % this.ids.length;
    this.#open(this.ids[next]);
    /** @type {HTMLElement} */ (this.root.children[next]).focus();
  }
}
