/** The map of a latent space: pictures, points and marks; hover, drag and keys move the current point. */
import { context2d, h, settle } from "../core/dom.js";
import { Gestures } from "./gestures.js";
import { ManifoldLayer } from "./manifold-layer.js";
import { drawMarks, noMarks } from "./overlay.js";
import { PointLayer } from "./point-layer.js";
import { Viewport } from "./viewport.js";

const GRAB_PIXELS = 16;
const STEP_PIXELS = 8;
const FAR_PIXELS = 48;
const ZOOM_STEP = 1.4;
// The pictures are faint, so that the points on them stand out.
const FAINT = 0.5;

/** @typedef {[number, number]} Place */

/** `<latent-map>`. Events: `hover` (detail: Place or null), `steer` (place, done), `look` (viewport), `lasso` (places). */
export class LatentMap extends HTMLElement {
  constructor() {
    super();
    this.viewport = new Viewport();
    this.marks = noMarks();
    /** @type {{hidden: number[], layers: string}} */
    this.options = { hidden: [], layers: "both" };
    this.lassoes = false;
    /** @type {import("../space/model.js").Model | null} */
    this.model = null;
    /** @type {ManifoldLayer | null} */
    this.manifold = null;
    /** @type {PointLayer | null} */
    this.points = null;
    this.dirty = new Set();
    this.tellLook = settle(150, () => this.#tell("look", this.viewport));
    this.sharpen = settle(120, () => this.redraw("points"));
    /** What the points' canvas shows, while it is only moved. */
    this.drawn = new Viewport();
  }

  connectedCallback() {
    if (this.canvases) return;
    const [manifold, points, overlay] = ["manifold", "points", "overlay"].map(
      (name) => h("canvas", { className: name, "aria-hidden": "true" }),
    );
    this.canvases = { manifold, points, overlay };
    this.append(manifold, points, overlay);
    new Gestures(this, {
      grabs: (left, top) => this.#grabs(left, top),
      lassoes: () => this.lassoes,
      hover: (left, top) => this.#hover(this.viewport.toPlane(left, top)),
      leave: () => this.#hover(null),
      steer: (left, top, done) =>
        this.#tell("steer", { place: this.viewport.toPlane(left, top), done }),
      pick: (left, top) =>
        this.#tell("steer", {
          place: this.viewport.toPlane(left, top),
          done: true,
        }),
      pan: (right, down) => this.#look(() => this.viewport.pan(right, down)),
      zoom: (factor, left, top) =>
        this.#look(() => this.viewport.zoom(factor, left, top)),
      lasso: (left, top, done) =>
        this.#lasso(this.viewport.toPlane(left, top), done),
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
    this.manifold?.close();
    this.service = service;
    this.model = model;
    this.manifold = new ManifoldLayer(service, model, () =>
      this.redraw("manifold"),
    );
    this.points = new PointLayer(model);
    this.marks = noMarks();
    this.#nameClasses(model);
    this.fit();
    this.points.fitSpan = this.viewport.span;
  }

  /** Take pictures from the model's decoder, now that it is there. */
  useDecoder() {
    if (!this.model || !this.service) return;
    this.manifold?.close();
    const { z, label } = this.manifold ?? { z: this.model.origin, label: null };
    this.manifold = new ManifoldLayer(this.service, this.model, () =>
      this.redraw("manifold"),
    );
    this.manifold.pass(z, label);
    this.redraw("manifold");
  }

  /** Show nearly all points. */
  fit() {
    if (this.model)
      this.#look(() =>
        this.viewport.fit(
          /** @type {import("../space/model.js").Model} */ (this.model).places,
        ),
      );
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#look(() => this.viewport.zoom(factor));
  }

  /**
   * Show this part.
   * @param {number[]} at the middle's x and y, and the width in units
   */
  lookAt([x, y, span]) {
    this.#look(() => Object.assign(this.viewport, { x, y, span }));
  }

  /**
   * Change what is marked.
   * @param {Partial<import("./overlay.js").Marks>} changes
   */
  mark(changes) {
    Object.assign(this.marks, changes);
    this.redraw("overlay");
  }

  /** @param {Partial<LatentMap["options"]>} changes */
  setOptions(changes) {
    Object.assign(this.options, changes);
    this.redraw();
  }

  /**
   * Draw again with the next frame.
   * @param {...string} layers manifold, points, overlay; none: all
   */
  redraw(...layers) {
    if (!this.dirty.size) requestAnimationFrame(() => this.#draw());
    for (const layer of layers.length
      ? layers
      : ["manifold", "points", "overlay"])
      this.dirty.add(layer);
  }

  /** Draw all anew in the colours of another theme. */
  recolour() {
    this.manifold?.clear();
    this.redraw();
  }

  #draw() {
    const dirty = this.dirty;
    this.dirty = new Set();
    const { manifold, points, overlay } =
      /** @type {Record<string, HTMLCanvasElement>} */ (this.canvases);
    const { layers, hidden } = this.options;
    if (dirty.has("manifold")) {
      const context = this.#clear(manifold);
      context.globalAlpha =
        layers === "both" && this.model?.info.image.channels !== 3 ? FAINT : 1;
      if (layers !== "points") this.manifold?.draw(context, this.viewport);
      context.globalAlpha = 1;
    }
    if (dirty.has("points")) {
      const context = this.#clear(points);
      points.classList.remove("moving");
      points.style.transform = "";
      Object.assign(this.drawn, this.viewport);
      if (layers !== "pictures")
        this.points?.draw(context, this.viewport, {
          hidden,
          density: this.density,
        });
    }
    if (dirty.has("overlay"))
      drawMarks(this.#clear(overlay), this.viewport, this.marks);
  }

  /** @param {HTMLCanvasElement} canvas */
  #clear(canvas) {
    const context = context2d(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    return context;
  }

  /** Move and zoom: ten thousand points are moved as one picture, and drawn again once all is still. @param {() => void} change */
  #look(change) {
    change();
    const { points } = /** @type {Record<string, HTMLCanvasElement>} */ (
      this.canvases
    );
    const { drawn, viewport } = this;
    const factor = drawn.span / viewport.span;
    const [left, top] = viewport.toPixels(...drawn.toPlane(0, 0));
    points.style.transform = `translate(${left}px, ${top}px) scale(${factor})`;
    this.redraw("manifold", "overlay");
    this.sharpen();
    this.tellLook();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this;
    if (!width || !height || !this.canvases) return;
    this.density = Math.min(2, devicePixelRatio || 1);
    const first = this.viewport.width === 1;
    Object.assign(this.viewport, { width, height });
    for (const canvas of Object.values(this.canvases)) {
      canvas.width = Math.round(width * this.density);
      canvas.height = Math.round(height * this.density);
    }
    if (first) this.fit();
    this.redraw();
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
    const moves = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (move && event.shiftKey)
      this.#look(() =>
        this.viewport.pan(-FAR_PIXELS * move[0], FAR_PIXELS * move[1]),
      );
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
      this.#look(() =>
        this.viewport.pan(-STEP_PIXELS * right, STEP_PIXELS * up),
      );
    this.#tell("steer", { place, done: true, keys: true });
  }

  /** @param {import("../space/model.js").Model} model */
  #nameClasses({ info, atlas, axes }) {
    const names = info.classes.flatMap((label, index) => {
      const mean = atlas.mean(atlas.ofLabel(label));
      return mean && !info.conditional
        ? [{ text: String(label), index, place: axes.project(mean) }]
        : [];
    });
    this.mark({ names });
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  density = 1;
}

customElements.define("latent-map", LatentMap);
