/** A way through latent space, from A to B or through several points, that plays and can be saved. */
import { h, settle } from "../core/dom.js";
import { toText } from "../core/vectors.js";
import { choices, numberField } from "../parts/choices.js";
import { copyLines } from "../parts/copy-lines.js";
import { paint } from "../parts/live-picture.js";
import { saveLink } from "../parts/save-link.js";
import { Player } from "../parts/player.js";
import { classOptions, nameOf } from "../space/model.js";
import { Route } from "../space/route.js";

// Between two labels, only the page's own decoder draws pictures alone: until it is there, the service draws one label.
const SHOWN = ["path", "labels", "steps", "method", "decoder"];
const FORMATS = { gif: "GIF", apng: "APNG", webp: "WebP", png: "PNG strip" };
const MAX_STEPS = 60;
const SCALE = 8;

/** The panel. */
export class InterpolateView {
  hint = "Click on the map to go on to there";

  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   * @param {import("../map/latent-map.js").LatentMap} map
   */
  constructor(app, root, map) {
    this.app = app;
    this.map = map;
    this.route = new Route(app);
    /** @type {number[][]} */
    this.frames = [];
    this.player = new Player({
      speedMs: app.store.state.speed ?? 100,
      changeSpeed: (speed) => app.store.set({ speed }),
      draw: (canvas, i) => this.#draw(canvas, i),
      shown: (i) => map.mark({ walker: app.model.axes.project(this.frames[i]) }),
    });
    this.stops = h("div", { className: "row tight" });
    this.save = h("div", { id: "save" });
    this.copy = copyLines(app, () => this.#picture("gif"));
    root.append(this.player.element, this.stops, ...this.#waysOn(), this.#options(), this.save, this.copy);
    this.build = settle(40, () => this.#build());
    this.#build();
  }

  #waysOn() {
    const { route, app } = this;
    const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", onclick }, text);
    const classes = classOptions(app.model.info);
    const row = h(
      "div",
      { className: "row" },
      button("Start anew at the current", () => route.begin(app.z, app.label)),
      button("Go on to it", () => route.goOn(app.z, app.label)),
    );
    if (!classes.length) return [row];
    const note = h("p", { className: "quiet" }, "Or go on to a class:");
    return [row, note, choices("Go on to a class", classes, null, (label) => this.#goToClass(label))];
  }

  #options() {
    const { store } = this.app;
    /** @type {[string, string][]} */
    const ways = [
      ["straight", "lerp"],
      ["on an arc", "slerp"],
    ];
    const steps = { value: store.state.steps, min: 2, max: MAX_STEPS };
    return h(
      "div",
      { className: "row" },
      numberField("Pictures a leg", steps, (value) => store.set({ steps: Math.round(value) })),
      h(
        "div",
        { className: "field" },
        h("span", {}, "Way"),
        choices("Way", ways, this.route.method, (method) => store.set({ method })),
      ),
    );
  }

  /** @param {number | null} label */
  #goToClass(label) {
    const { model, z } = this.app;
    if (label === null) return;
    const point = model.info.conditional ? z : model.atlas.typical(label);
    if (point) this.route.goOn(point, label);
  }

  /** @param {[number, number]} place */
  pick(place) {
    this.route.goOn(this.app.model.axes.move(this.app.z, ...place), this.app.label);
    return true;
  }

  /** @param {Set<string>} names */
  update(names) {
    if (SHOWN.some((name) => names.has(name))) this.build();
    if (names.has("speed")) this.#showSave();
  }

  #build() {
    const { route } = this;
    this.frames = route.frames;
    this.mixtures = route.mixtures;
    const project = (/** @type {number[]} */ z) => this.app.model.axes.project(z);
    this.map.mark({
      path: route.line.map(project),
      stops: route.points.map(project),
    });
    this.player.load(this.frames.length);
    this.#showStops();
    this.#showSave();
  }

  /** @param {HTMLCanvasElement} canvas @param {number} i */
  #draw(canvas, i) {
    paint(this.app, canvas, this.frames[i], this.route.labelOf(i), this.mixtures?.[i]);
  }

  #showStops() {
    const { points, labels } = this.route;
    this.stops.replaceChildren(
      ...points.map((_, i) => {
        const label = labels[i];
        const told = label === null ? "" : ` (${nameOf(this.app.model.info, label)})`;
        const settings = {
          type: "button",
          disabled: points.length < 2,
          "aria-label": `Leave out ${letterOf(i)}`,
          title: "Leave out",
          onclick: () => this.route.leaveOut(i),
        };
        return h("button", settings, `${letterOf(i)}${told} ×`);
      }),
    );
  }

  /**
   * Return the service's picture of the whole way.
   * @param {string} format
   * @returns {import("../core/snippets.js").Picture}
   */
  #picture(format) {
    const { points, labels, method, steps } = this.route;
    const last = Math.max(1, points.length - 1);
    const params = {
      from: toText(points[0]),
      through: points.slice(1, last).map(toText),
      to: toText(points[last] ?? points[0]),
      from_label: labels[0],
      through_label: labels.slice(1, last).filter((label) => label !== null),
      to_label: labels[last] ?? labels[0],
      steps: last * (steps - 1) + 1,
      method,
      model: this.app.model.info.reference,
      scale: SCALE,
      resample: "smooth",
      ...(format === "png" ? {} : { duration_ms: this.app.store.state.speed }),
    };
    return { path: `/interpolate.${format}`, params };
  }

  #showSave() {
    const { points } = this.route;
    const links = Object.entries(FORMATS).map(([format, name]) =>
      saveLink(this.app, this.#picture(format), name),
    );
    const note = h("span", { className: "quiet" }, `Save ${points.map((_, i) => letterOf(i)).join(" → ")}`);
    const row = points.length > 1 ? [h("div", { className: "row" }, note, ...links)] : [];
    this.save.replaceChildren(...row);
    this.copy.refresh();
  }

  close() {
    this.player.stop();
    this.build.cancel();
  }
}

/** @param {number} i */
function letterOf(i) {
  return String.fromCharCode(65 + (i % 26));
}
