/** The map of a latent space: pictures, points and marks; hover, drag and keys move the current point. */
import { settle } from "../core/dom.js";
import { Canvases } from "./canvases.js";
import { fly } from "./flight.js";
import { Gestures } from "./gestures.js";
import { ManifoldLayer } from "./manifold-layer.js";
import { noMarks } from "./overlay.js";
import { nameClasses, PointLayer } from "./point-layer.js";
import { Viewport } from "./viewport.js";

const GRAB_PIXELS = 16;
const STEP_PIXELS = 8;
const FAR_PIXELS = 48;
const ZOOM_STEP = 1.4;
// How many pixels a standard deviation is to be, and how much nearer the map goes for it at most.
const SEEN_PIXELS = 26;
const MOST_NEARER = 8;
const MOVES = new Map([
  ["ArrowLeft", [-1, 0]],
  ["ArrowRight", [1, 0]],
  ["ArrowUp", [0, 1]],
  ["ArrowDown", [0, -1]],
]);

/** @typedef {[number, number]} Place */

/**
 * `<latent-map>`. Events: `hover` (detail: Place or null), `steer` (place, done, keys), `look` (x, y and span, or
 * null where all is shown), `lasso` (places).
 */
export class LatentMap extends HTMLElement {
  constructor() {
    super();
    this.viewport = new Viewport();
    this.marks = noMarks();
    this.options = { hidden: /** @type {number[]} */ ([]), layers: "both" };
    this.lassoes = false;
    /** @type {import("../space/model.js").Model | null} */
    this.model = null;
    /** @type {ManifoldLayer | null} */
    this.manifold = null;
    /** @type {PointLayer | null} */
    this.points = null;
    this.canvases = new Canvases(this);
    this.tellLook = settle(150, () =>
      this.#tell("look", [this.viewport.x, this.viewport.y, this.viewport.span]),
    );
    this.sharpen = settle(120, () => this.canvases.redraw("points"));
    this.flight = {};
  }

  connectedCallback() {
    if (this.childElementCount) return;
    const { manifold, points, overlay } = this.canvases;
    this.append(manifold, points, overlay);
    const toPlane = (/** @type {number} */ left, /** @type {number} */ top) =>
      this.viewport.toPlane(left, top);
    new Gestures(this, {
      grabs: (left, top) => this.#grabs(left, top),
      lassoes: () => this.lassoes,
      hover: (left, top) => this.#hover(toPlane(left, top)),
      leave: () => this.#hover(null),
      steer: (left, top, done) => this.#tell("steer", { place: toPlane(left, top), done }),
      pick: (left, top) => this.#tell("steer", { place: toPlane(left, top), done: true }),
      pan: (right, down) => this.#look(() => this.viewport.pan(right, down)),
      zoom: (factor, left, top) => this.#look(() => this.viewport.zoom(factor, left, top)),
      lasso: (left, top, done) => this.#lasso(toPlane(left, top), done),
    });
    this.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#resize()).observe(this);
    this.#resize();
  }

  /**
   * Show another model.
   * @param {import("../core/service.js").Service} service
   * @param {import("../space/model.js").Model} model
   */
  show(service, model) {
    this.service = service;
    this.model = model;
    this.points = new PointLayer(model);
    this.marks = { ...noMarks(), names: nameClasses(model) };
    this.#openManifold(service, model);
    this.#fit(model);
    this.points.fitSpan = this.viewport.span;
  }

  /** Take pictures from the model's decoder, now that it is there. */
  useDecoder() {
    if (!this.model || !this.service) return;
    const { z, label } = this.manifold ?? { z: this.model.origin, label: null };
    this.#openManifold(this.service, this.model).pass(z, label);
    this.canvases.redraw("manifold");
  }

  /** Show nearly all points. */
  fit() {
    if (!this.model) return;
    this.#fit(this.model);
    this.tellLook.cancel();
    this.#tell("look", null);
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#look(() => this.viewport.zoom(factor));
  }

  /**
   * Show this part, or with no numbers all points.
   * @param {number[]} at the middle's x and y, and the width in units
   */
  lookAt(at) {
    const [x, y, span] = at;
    if (at.length === 3 && span > 0) this.#move(() => Object.assign(this.viewport, { x, y, span }));
    else if (this.model) this.#fit(this.model);
  }

  /**
   * Go where an ellipse is seen, and large enough to be seen.
   * @param {{middle: Place, axes: Place[]}} ellipse one standard deviation each way
   */
  reveal({ middle, axes }) {
    const { viewport } = this;
    const radius = Math.max(...axes.map(([x, y]) => Math.hypot(x, y)));
    const near = Math.max((radius * viewport.width) / SEEN_PIXELS, viewport.span / MOST_NEARER);
    if (near > viewport.span && viewport.shows(...middle, FAR_PIXELS)) return;
    const flight = (this.flight = {});
    const look = (/** @type {() => void} */ change) => {
      const goesOn = this.flight === flight;
      if (goesOn) this.#look(change, flight);
      return goesOn;
    };
    fly(viewport, { x: middle[0], y: middle[1], span: Math.min(viewport.span, near) }, look);
  }

  /**
   * Change what is marked.
   * @param {Partial<import("./overlay.js").Marks>} changes
   */
  mark(changes) {
    Object.assign(this.marks, changes);
    this.canvases.redraw("overlay");
  }

  /** @param {Partial<LatentMap["options"]>} changes */
  setOptions(changes) {
    Object.assign(this.options, changes);
    this.canvases.redraw();
  }

  /** Draw all anew in the colours of another theme. */
  recolour() {
    this.manifold?.renew();
    this.canvases.redraw();
  }

  /** @param {import("../core/service.js").Service} service @param {import("../space/model.js").Model} model */
  #openManifold(service, model) {
    this.manifold?.close();
    this.manifold = new ManifoldLayer(service, model, () => this.canvases.redraw("manifold"));
    return this.manifold;
  }

  /** @param {import("../space/model.js").Model} model */
  #fit(model) {
    this.flight = {};
    this.#move(() => this.viewport.fit(model.places));
  }

  /** Move or zoom, and tell of it; ends a flight that it is no part of. @param {() => void} change @param {object} flight */
  #look(change, flight = {}) {
    this.flight = flight;
    this.#move(change);
    this.tellLook();
  }

  /** @param {() => void} change */
  #move(change) {
    change();
    this.canvases.shift();
    this.sharpen();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this;
    if (!width || !height) return;
    Object.assign(this.viewport, { width, height });
    this.canvases.resize(width, height);
  }

  /** @param {number} left @param {number} top */
  #grabs(left, top) {
    if (!this.marks.point) return false;
    const [x, y] = this.viewport.toPixels(...this.marks.point);
    return Math.hypot(x - left, y - top) < GRAB_PIXELS;
  }

  /** @param {Place | null} place */
  #hover(place) {
    if (this.lassoes && place) return;
    this.mark({ hover: place });
    this.#tell("hover", place);
  }

  /** @param {Place} place @param {boolean} done */
  #lasso(place, done) {
    this.mark({ lasso: [...this.marks.lasso, place] });
    if (!done) return;
    this.#tell("lasso", this.marks.lasso);
    this.mark({ lasso: [] });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const move = MOVES.get(event.key);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move && event.shiftKey)
      this.#look(() => this.viewport.pan(-FAR_PIXELS * move[0], FAR_PIXELS * move[1]));
    else if (move) this.#step(move);
    else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
    else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  /** @param {number[]} move */
  #step([right, up]) {
    const [x, y] = this.marks.point ?? [this.viewport.x, this.viewport.y];
    const step = STEP_PIXELS / this.viewport.scale;
    const place = /** @type {Place} */ ([x + step * right, y + step * up]);
    if (!this.viewport.shows(...place, FAR_PIXELS))
      this.#look(() => this.viewport.pan(-STEP_PIXELS * right, STEP_PIXELS * up));
    this.#tell("steer", { place, done: true, keys: true });
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("latent-map", LatentMap);
