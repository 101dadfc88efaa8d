/** Puts the page together: what is shown follows the state, and the state follows what is done. */
import { App } from "./app.js";
import { calm, find, h } from "./core/dom.js";
import { rounded } from "./core/vectors.js";
import "./map/latent-map.js";
import { isDark } from "./map/palette.js";
import { CurrentPicture } from "./parts/current-picture.js";
import { showLegend } from "./parts/legend.js";
import { Lens } from "./parts/lens.js";
import { StatusLine } from "./parts/status-line.js";
import { VIEWS } from "./views/index.js";

const THEME = "cvae-theme";

/** The page. */
class Page {
  constructor() {
    const root = find("meta[name=service-root]").getAttribute("content") ?? "";
    this.app = new App(root, find("#notice"));
    this.map = /** @type {import("./map/latent-map.js").LatentMap} */ (find("latent-map"));
    this.current = new CurrentPicture(this.app, find("#current"));
    this.lens = new Lens(this.app, find("canvas.lens"), this.map);
    this.status = new StatusLine(this.app, find("#status"));
    this.panel = find("#view");
    /** @type {import("./views/index.js").View | null} */
    this.view = null;
    this.#listen();
    this.#addTabs();
    this.#addButtons();
  }

  async start() {
    await this.app.attempt(() => this.app.start());
    if (!this.app.model) setTimeout(() => this.start(), 2000);
  }

  #listen() {
    const { app, map } = this;
    app.addEventListener("model", () => this.#showModel());
    app.addEventListener("decoder", () => this.#useDecoder());
    app.store.addEventListener("change", (event) =>
      this.#follow(new Set(/** @type {CustomEvent} */ (event).detail)),
    );
    map.addEventListener("hover", (event) => this.lens.hover(/** @type {CustomEvent} */ (event).detail));
    map.addEventListener("steer", (event) => this.#steer(/** @type {CustomEvent} */ (event).detail));
    map.addEventListener("look", (event) => this.#keepLook(/** @type {CustomEvent} */ (event).detail));
    map.addEventListener("lasso", (event) => this.view?.lasso?.(/** @type {CustomEvent} */ (event).detail));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recolour());
    find("#theme").addEventListener("click", () => this.#switchTheme());
    find("#share").addEventListener("click", () =>
      app.copy(location.href, "Link copied: it shows this very view"),
    );
    find("#model").addEventListener("change", (event) =>
      this.#pickModel(/** @type {HTMLSelectElement} */ (event.target).value),
    );
  }

  #addTabs() {
    const tabs = find(".tabs");
    tabs.replaceChildren(
      ...Object.entries(VIEWS).map(([id, { title }]) =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            id: `tab-${id}`,
            "aria-controls": "view",
            onclick: () => this.app.store.set({ view: id }, { step: true }),
          },
          title,
        ),
      ),
    );
    tabs.addEventListener("keydown", (event) => this.#walkTabs(/** @type {KeyboardEvent} */ (event)));
    this.#markTab();
  }

  /** @param {KeyboardEvent} event */
  #walkTabs(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const ids = Object.keys(VIEWS);
    const next = ids[(ids.indexOf(this.app.store.state.view) + step + ids.length) % ids.length];
    this.app.store.set({ view: next }, { step: true });
    find(`#tab-${next}`).focus();
  }

  #markTab() {
    for (const tab of find(".tabs").children) {
      const selected = tab.id === `tab-${this.app.store.state.view}`;
      tab.setAttribute("aria-selected", String(selected));
      tab.setAttribute("tabindex", selected ? "0" : "-1");
      if (selected) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    this.panel.setAttribute("aria-labelledby", `tab-${this.app.store.state.view}`);
  }

  #addButtons() {
    const button = (
      /** @type {string} */ name,
      /** @type {string} */ text,
      /** @type {() => void} */ onclick,
    ) => h("button", { type: "button", "aria-label": name, title: name, onclick }, text);
    const layers = ["both", "points", "pictures"];
    const layer = button("What the map shows", "", () => {
      const { layers: now } = this.app.store.state;
      this.app.store.set({
        layers: layers[(layers.indexOf(now) + 1) % layers.length],
      });
    });
    this.layerButton = layer;
    find(".map-buttons").append(
      h(
        "div",
        { className: "zoom" },
        button("Zoom in", "+", () => this.map.zoom(1.6)),
        button("Zoom out", "−", () => this.map.zoom(1 / 1.6)),
        button("Show all", "⤢", () => this.map.fit()),
      ),
      layer,
    );
  }

  #showModel() {
    const { app, map } = this;
    const picker = /** @type {HTMLSelectElement} */ (find("#model"));
    picker.replaceChildren(
      ...app.models.map(({ name }) =>
        h("option", { value: name, selected: name === app.model.info.name }, name),
      ),
    );
    map.show(app.service, app.model);
    if (app.store.state.at.length) map.lookAt(app.store.state.at);
    this.current.reset();
    this.status.show(app.model);
    this.#openView();
    this.#follow(new Set(["z", "label", "hidden", "layers"]));
    document.body.dataset.ready = "model";
  }

  #useDecoder() {
    this.map.useDecoder();
    this.status.show(this.app.model);
    this.#follow(new Set(["z"]));
    document.body.dataset.ready = "decoder";
  }

  #openView() {
    this.view?.close?.();
    this.panel.replaceChildren();
    this.map.lassoes = false;
    this.map.mark({
      path: [],
      stops: [],
      walker: null,
      ellipse: null,
      chosen: [],
      lasso: [],
    });
    const Kind = (VIEWS[this.app.store.state.view] ?? VIEWS.map).View;
    this.view = new Kind(this.app, this.panel, this.map);
    find(".hint").textContent = this.view.hint ?? "";
    this.#markTab();
    document.body.dataset.view = this.app.store.state.view;
  }

  /** @param {Set<string>} names what changed in the state */
  async #follow(names) {
    const { app, map } = this;
    if (names.has("model")) return this.app.attempt(() => app.loadModel());
    if (!app.model) return;
    if (names.has("view")) this.#openView();
    if (names.has("at") && !this.looking) map.lookAt(app.store.state.at);
    if (names.has("hidden") || names.has("layers")) this.#showLayers();
    if (names.has("z") || names.has("label")) this.#showPoint();
    this.view?.update?.(names);
  }

  #showLayers() {
    const { hidden, layers } = this.app.store.state;
    this.map.setOptions({ hidden, layers });
    showLegend(this.app, find(".legend"));
    if (this.layerButton)
      this.layerButton.textContent =
        { both: "Points + pictures", points: "Points", pictures: "Pictures" }[layers] ?? layers;
  }

  #showPoint() {
    const { app, map } = this;
    map.manifold?.pass(app.z, app.label);
    map.mark({ point: app.model.axes.project(app.z) });
    if (app.model.dim > 2 || app.model.info.conditional) map.canvases.redraw("manifold");
    this.current.show();
  }

  /** @param {{place: [number, number], done: boolean, keys?: boolean}} detail */
  #steer({ place, done, keys }) {
    const { app } = this;
    if (!app.model) return;
    if (done && this.view?.pick?.(place)) return;
    if (this.steering === undefined) this.steering = app.store.state.z;
    const z = rounded(app.model.axes.move(app.z, ...place));
    app.store.set({ z }, { step: done && !keys });
    if (done) this.steering = undefined;
  }

  /** Keep what part of the map is shown in the URL. @param {number[] | null} at */
  #keepLook(at) {
    this.looking = true;
    this.app.store.set({ at: at ?? [] });
    this.looking = false;
  }

  /** @param {string} name */
  #pickModel(name) {
    const { view } = this.app.store.state;
    this.app.store.set(
      {
        model: name,
        z: [],
        label: null,
        at: [],
        hidden: [],
        path: [],
        labels: [],
        view,
      },
      { step: true },
    );
  }

  #switchTheme() {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME, theme);
    this.#recolour();
  }

  #recolour() {
    this.map.recolour();
    if (this.app.model) showLegend(this.app, find(".legend"));
  }
}

const theme = localStorage.getItem(THEME);
if (theme) document.documentElement.dataset.theme = theme;
if (calm()) document.documentElement.dataset.calm = "";
new Page().start();
