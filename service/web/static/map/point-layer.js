/** The encodings of the test pictures, in their classes' colours and shapes. */
import { context2d } from "../core/dom.js";
import { nameOf } from "../space/model.js";
import { colourOf, isDark, shapeOf } from "../core/palette.js";

// How many points the whole map shows; more as one looks nearer.
const FIRST = 3500;
const MARGIN = 12;

/** Draws the points. */
export class PointLayer {
  /** @param {import("../space/model.js").Model} model */
  constructor(model) {
    this.model = model;
    const { classes } = model.info;
    this.groups = Int16Array.from(model.atlas.labels, (label) => classes.indexOf(label));
    /** @type {Map<number, OffscreenCanvas>} */
    this.stamps = new Map();
    this.stampKey = "";
    this.fitSpan = 8;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./viewport.js").Viewport} viewport
   * @param {{hidden: number[], density: number}} options density: pixels of the screen a pixel of the page
   */
  draw(context, viewport, { hidden, density }) {
    const near = this.fitSpan / viewport.span;
    const radius = Math.min(4.6, 2.3 * Math.max(1, near) ** 0.45);
    this.#stamp(radius, density);
    const count = Math.min(this.groups.length, Math.max(FIRST, Math.round(FIRST * near * near)));
    const classes = this.model.info.classes;
    const shown = new Set(
      [-1, ...classes.keys()].filter((group) => group < 0 || !hidden.includes(classes[group])),
    );
    const places = this.model.places;
    const { scale, width, height } = viewport;
    const [originX, originY] = viewport.toPixels(0, 0);
    const size = 2 * radius + 3;
    for (let i = 0; i < count; i++) {
      if (!shown.has(this.groups[i])) continue;
      const left = originX + places[2 * i] * scale;
      const top = originY - places[2 * i + 1] * scale;
      if (left < -MARGIN || top < -MARGIN || left > width + MARGIN || top > height + MARGIN) continue;
      context.drawImage(
        /** @type {OffscreenCanvas} */ (this.stamps.get(this.groups[i])),
        left - size / 2,
        top - size / 2,
        size,
        size,
      );
    }
  }

  /**
   * Draw each class's mark once, in the size that is needed now.
   * @param {number} radius
   * @param {number} density
   */
  #stamp(radius, density) {
    const key = `${radius.toFixed(1)} ${density} ${isDark()}`;
    if (key === this.stampKey) return;
    this.stampKey = key;
    for (const group of new Set(this.groups)) this.stamps.set(group, drawStamp(group, radius, density));
  }
}

/**
 * Return each class's name and the middle of its points; none of a label-conditioned model, whose classes lie on
 * each other.
 * @param {import("../space/model.js").Model} model
 * @returns {import("./overlay.js").Marks["names"]}
 */
export function nameClasses({ info, atlas, axes }) {
  if (info.conditional) return [];
  return info.classes.flatMap((label, index) => {
    const mean = atlas.mean(atlas.ofLabel(label));
    return mean ? [{ text: nameOf(info, label), index, place: axes.project(mean) }] : [];
  });
}

/**
 * @param {number} group
 * @param {number} radius
 * @param {number} density
 */
export function drawStamp(group, radius, density) {
  const side = Math.ceil((2 * radius + 3) * density);
  const canvas = new OffscreenCanvas(side, side);
  const context = context2d(canvas);
  const shape = shapeOf(group);
  context.translate(side / 2, side / 2);
  context.scale(radius * density, radius * density);
  context.lineWidth = 1.1 / radius;
  context.strokeStyle = isDark() ? "rgb(12 15 24 / 70%)" : "rgb(255 255 255 / 80%)";
  context.fillStyle = colourOf(group);
  context.stroke(shape);
  context.fill(shape);
  return canvas;
}
