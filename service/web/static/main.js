/** Puts the page together: what is shown follows the state, and the state follows what is done. */
import { App } from "./app.js";
import { calm, find, h } from "./core/dom.js";
import { rounded } from "./core/vectors.js";
import "./map/latent-map.js";
import { isDark } from "./core/palette.js";
import { CurrentPicture } from "./parts/current-picture.js";
import { showLegend } from "./map/legend.js";
import { Lens } from "./map/lens.js";
import { KeyDialog } from "./core/key-dialog.js";
import { MapButtons } from "./parts/map-buttons.js";
import { StatusLine } from "./parts/status-line.js";
import { Tabs } from "./parts/tabs.js";
import { VIEWS } from "./views/index.js";

const THEME = "cvae-theme";
const RETRY_MS = 2000;

/** The page. */
class Page {
  constructor() {
    const root = find("meta[name=service-root]").getAttribute("content") ?? "";
    this.app = new App(root, find("#notice"));
    this.map = /** @type {import("./map/latent-map.js").LatentMap} */ (find("latent-map"));
    this.keys = new KeyDialog(this.app.access, find("#key-button"));
    this.current = new CurrentPicture(this.app, find("#current"));
    this.lens = new Lens(this.app, find("canvas.lens"), this.map);
    this.status = new StatusLine(this.app, find("#status"));
    this.tabs = new Tabs(this.app.store, find(".tabs"), VIEWS);
    this.buttons = new MapButtons(this.app.store, this.map, find(".map-buttons"));
    this.panel = find("#view");
    this.isStarting = false;
    /** @type {import("./views/index.js").View | null} */
    this.view = null;
    this.#listen();
  }

  /** Load the first model. What fails is tried again, but not while the visitor has no key to give. */
  async start() {
    if (this.isStarting || this.app.model) return;
    this.isStarting = true;
    await this.app.attempt(() => this.app.start());
    this.isStarting = false;
    if (!this.app.access.isDeclined) setTimeout(() => this.start(), RETRY_MS);
  }

  #listen() {
    const { app, map } = this;
    app.addEventListener("model", () => this.#showModel());
    app.addEventListener("decoder", () => this.#useDecoder());
    app.access.addEventListener("change", () => this.start());
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
    this.#follow(new Set(["z", "decoder"]));
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
    this.tabs.mark();
    this.panel.setAttribute("aria-labelledby", `tab-${this.app.store.state.view}`);
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
    this.buttons.update();
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
