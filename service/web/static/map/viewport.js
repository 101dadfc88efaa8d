/** Which part of the plane the map shows. Pure: places of the plane to pixels and back. */

const MIN_SPAN = 0.02;
const MAX_SPAN = 200;

/** A part of the plane, around `x` and `y`, as wide as `span`. The plane's y grows upwards. */
export class Viewport {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.span = 8;
    this.width = 1;
    this.height = 1;
  }

  /** Pixels of a unit. */
  get scale() {
    return this.width / this.span;
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toPixels(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  /** @param {number} left @param {number} top @returns {[number, number]} */
  toPlane(left, top) {
    return [this.x + (left - this.width / 2) / this.scale, this.y - (top - this.height / 2) / this.scale];
  }

  /** @param {number} right pixels @param {number} down */
  pan(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
  }

  /**
   * Zoom, so that what is under a pixel stays there.
   * @param {number} factor above 1 to see less, larger
   * @param {number} left
   * @param {number} top
   */
  zoom(factor, left = this.width / 2, top = this.height / 2) {
    const [x, y] = this.toPlane(left, top);
    this.span = Math.min(MAX_SPAN, Math.max(MIN_SPAN, this.span / factor));
    const [nowX, nowY] = this.toPlane(left, top);
    this.x += x - nowX;
    this.y += y - nowY;
  }

  /**
   * Show nearly all of these places.
   * @param {Float32Array} places x and y in turn
   */
  fit(places) {
    const [left, right] = inner(places, 0);
    const [bottom, top] = inner(places, 1);
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    const wide = Math.max(right - left, 1e-3);
    const high = Math.max(top - bottom, 1e-3);
    this.span = Math.max(1, 1.08 * Math.max(wide, (high * this.width) / this.height));
  }

  /** @param {number} x @param {number} y @param {number} margin pixels */
  shows(x, y, margin = 0) {
    const [left, top] = this.toPixels(x, y);
    return left >= margin && top >= margin && left <= this.width - margin && top <= this.height - margin;
  }
}

/**
 * Return where nearly all of the x or y are; a few far ones would make all others small.
 * @param {Float32Array} places
 * @param {number} axis
 */
function inner(places, axis) {
  if (!places.length) return [-3, 3];
  const sorted = Float32Array.from({ length: places.length / 2 }, (_, i) => places[2 * i + axis]).sort();
  const cut = Math.floor(sorted.length * 0.003);
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}
