/** The map's three canvases: pictures, points, marks. Each is drawn anew only when it changes. */
import { context2d, h } from "../core/dom.js";
import { drawMarks } from "./overlay.js";
import { Viewport } from "./viewport.js";

/** @typedef {"manifold" | "points" | "overlay"} Layer */
/**
 * @typedef {object} Scene what the canvases show
 * @property {Viewport} viewport
 * @property {import("./manifold-layer.js").ManifoldLayer | null} manifold
 * @property {import("./point-layer.js").PointLayer | null} points
 * @property {import("./overlay.js").Marks} marks
 * @property {{hidden: number[], layers: string}} options
 */

/** @type {Layer[]} */
const LAYERS = ["manifold", "points", "overlay"];
const MAX_DENSITY = 2;
// The pictures are faint, so that the points on them stand out.
const FAINT = 0.6;

/** Draws a scene, with the next frame of the screen. */
export class Canvases {
  /** @param {Scene} scene */
  constructor(scene) {
    this.scene = scene;
    this.density = 1;
    const make = (/** @type {Layer} */ className) => h("canvas", { className, "aria-hidden": "true" });
    this.manifold = make("manifold");
    this.points = make("points");
    this.overlay = make("overlay");
    /** @type {Set<Layer>} */
    this.dirty = new Set();
    /** What the points' canvas shows, while it is only moved. */
    this.drawn = new Viewport();
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    this.density = Math.min(MAX_DENSITY, devicePixelRatio || 1);
    for (const layer of LAYERS) {
      this[layer].width = Math.round(width * this.density);
      this[layer].height = Math.round(height * this.density);
    }
    this.redraw();
  }

  /** Draw again with the next frame. @param {...Layer} layers none: all */
  redraw(...layers) {
    if (!this.dirty.size) requestAnimationFrame(() => this.#draw());
    for (const layer of layers.length ? layers : LAYERS) this.dirty.add(layer);
  }

  /** Show another part: ten thousand points are moved as one picture until they are drawn again. */
  shift() {
    const { drawn } = this;
    const { viewport } = this.scene;
    const [left, top] = viewport.toPixels(...drawn.toPlane(0, 0));
    const factor = drawn.span / viewport.span;
    this.points.style.transform = `translate(${left}px, ${top}px) scale(${factor})`;
    this.redraw("manifold", "overlay");
  }

  #draw() {
    const { dirty, scene } = this;
    this.dirty = new Set();
    if (dirty.has("manifold")) this.#drawManifold();
    if (dirty.has("points")) this.#drawPoints();
    if (dirty.has("overlay")) drawMarks(this.#clear(this.overlay), scene.viewport, scene.marks);
  }

  #drawManifold() {
    const { manifold, options, viewport } = this.scene;
    const context = this.#clear(this.manifold);
    if (options.layers === "points" || !manifold) return;
    context.globalAlpha = options.layers === "both" && manifold.model.info.image.channels !== 3 ? FAINT : 1;
    manifold.draw(context, viewport);
    context.globalAlpha = 1;
  }

  #drawPoints() {
    const { points, options, viewport } = this.scene;
    const context = this.#clear(this.points);
    this.points.style.transform = "";
    Object.assign(this.drawn, viewport);
    if (options.layers !== "pictures")
      points?.draw(context, viewport, { hidden: options.hidden, density: this.density });
  }

  /** @param {HTMLCanvasElement} canvas */
  #clear(canvas) {
    const context = context2d(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
    return context;
  }
}
