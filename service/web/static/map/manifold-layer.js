/** The pictures under the points: what each place of the map decodes to. */
import { context2d } from "../core/dom.js";
import { cellsIn, keyOf, levelFor, middleOf, parentOf } from "./grid.js";
import { vote } from "../space/atlas.js";
import { channelsOf, colourOf, isDark } from "../core/palette.js";
import { PictureSource } from "./picture-source.js";

/** @typedef {import("./grid.js").Cell} Cell */

const SLOTS_A_SIDE = 48;
// How many levels coarser a picture may be that stands in for one that is not there yet.
const STAND_INS = 4;
// Vectors this near to each other lie in the same plane.
const SAME = 1e-9;
const INK = { dark: [226, 232, 244], light: [38, 46, 66] };
// How much of its nearest points' class a picture's ink has, and how many of them say which.
const TINT = 0.5;
const TINT_NEIGHBOURS = 3;
// Of ten thousand points, two thousand colour the map as well in a fifth of the time.
const TINT_POINTS = 2000;

/** Draws the grid of pictures, and decodes those that are missing, the middle ones first. */
export class ManifoldLayer {
  /**
   * @param {import("../core/service.js").Service} service
   * @param {import("../space/model.js").Model} model
   * @param {() => void} changed called when there is more to draw
   */
  constructor(service, model, changed) {
    this.model = model;
    this.changed = changed;
    this.source = new PictureSource(service, model);
    const { height, width } = model.info.image;
    this.sheet = new OffscreenCanvas(width * SLOTS_A_SIDE, height * SLOTS_A_SIDE);
    this.sheetContext = context2d(this.sheet);
    /** @type {Map<string, {slot: number, turn: number}>} each cell's picture, the last used one last */
    this.slots = new Map();
    this.z = model.origin;
    /** @type {number | null} */
    this.label = null;
    /** @type {Cell[]} */
    this.wanted = [];
    this.busy = false;
    this.turn = 0;
  }

  /**
   * Go through another point: in more than two dimensions the map then shows another plane.
   * @param {number[]} z
   * @param {number | null} label
   */
  pass(z, label) {
    const moved = this.model.axes.move(z, ...this.model.axes.project(this.z));
    const same = moved.every((value, i) => Math.abs(value - this.z[i]) < SAME) && label === this.label;
    this.z = z;
    this.label = label;
    if (!same) this.renew();
  }

  /** Decode all pictures again; until then, the old ones are shown. */
  renew() {
    this.turn++;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./viewport.js").Viewport} viewport
   */
  draw(context, viewport) {
    const level = levelFor(viewport.scale);
    const cells = cellsIn(viewport, level, this.model.dim === 1);
    this.wanted = cells.filter((cell) => this.slots.get(keyOf(cell))?.turn !== this.turn);
    for (const cell of new Map(
      cells.map((each) => this.#standIn(each)).map((each) => [keyOf(each), each]),
    ).values())
      if (cell.level !== level) this.#drawCell(context, viewport, cell);
    for (const cell of cells) this.#drawCell(context, viewport, cell);
    this.#decodeNext();
  }

  /** @param {Cell} cell @returns {Cell} */
  #standIn(cell) {
    let found = cell;
    for (let i = 0; i < STAND_INS && !this.slots.has(keyOf(found)); i++) found = parentOf(found);
    return found;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./viewport.js").Viewport} viewport
   * @param {Cell} cell
   */
  #drawCell(context, viewport, cell) {
    const key = keyOf(cell);
    const entry = this.slots.get(key);
    if (!entry) return;
    this.slots.delete(key);
    this.slots.set(key, entry);
    const { slot } = entry;
    const { width, height } = this.model.info.image;
    const size = 2 ** cell.level * viewport.scale;
    const [x, y] = middleOf(cell);
    const [left, top] = viewport.toPixels(x, y);
    const from = [(slot % SLOTS_A_SIDE) * width, Math.floor(slot / SLOTS_A_SIDE) * height];
    context.drawImage(
      this.sheet,
      from[0],
      from[1],
      width,
      height,
      left - size / 2,
      top - size / 2,
      size,
      size,
    );
  }

  async #decodeNext() {
    // Until the decoder is there, or known to be of no use here, nothing is asked of the service.
    if (this.busy || !this.wanted.length || !this.model.isTried) return;
    this.busy = true;
    const cells = this.wanted.splice(0, this.source.rows);
    const turn = this.turn;
    try {
      const vectors = cells.map((cell) => this.model.axes.move(this.z, ...middleOf(cell)));
      const pictures = await this.source.decode(vectors, this.label);
      if (turn === this.turn) cells.forEach((cell, i) => this.#keep(cell, pictures[i]));
    } catch {
      // The service said so already, or will be asked again with the next movement.
      this.wanted = [];
    }
    this.busy = false;
    this.changed();
  }

  /**
   * @param {Cell} cell
   * @param {Float32Array} pixels
   */
  #keep(cell, pixels) {
    const slot = this.#slotFor(keyOf(cell));
    this.slots.set(keyOf(cell), { slot, turn: this.turn });
    const { width, height } = this.model.info.image;
    const picture = inked(pixels, this.model.info.image, this.#inkAt(cell));
    this.sheetContext.putImageData(
      picture,
      (slot % SLOTS_A_SIDE) * width,
      Math.floor(slot / SLOTS_A_SIDE) * height,
    );
  }

  /** Return the slot of a cell's old picture, a free one, or that of the picture that was used least lately. @param {string} key */
  #slotFor(key) {
    const known = this.slots.get(key);
    if (known) return known.slot;
    if (this.slots.size < SLOTS_A_SIDE ** 2) return this.slots.size;
    const [oldest, { slot }] = /** @type {[string, {slot: number}]} */ (this.slots.entries().next().value);
    this.slots.delete(oldest);
    return slot;
  }

  /** @param {Cell} cell @returns {number[]} red, green and blue */
  #inkAt(cell) {
    const ink = INK[isDark() ? "dark" : "light"];
    const { atlas, axes, info } = this.model;
    if (info.conditional || info.classes.length < 2) return ink;
    const near = atlas.nearest(axes.move(this.z, ...middleOf(cell)), TINT_NEIGHBOURS, TINT_POINTS);
    const colour = channelsOf(colourOf(info.classes.indexOf(vote(near)[0].label)));
    return ink.map((value, i) => (1 - TINT) * value + TINT * colour[i]);
  }

  close() {
    this.source.close();
  }
}

/**
 * Return pixels as ink on nothing, so that they show on dark and on light; colours stay as they are.
 * @param {Float32Array} pixels
 * @param {import("../space/model.js").ImageInfo} image
 * @param {number[]} ink red, green and blue
 * @returns {ImageData}
 */
function inked(pixels, { width, height, channels, polarity }, ink) {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const value = pixels[i * channels];
    for (let c = 0; c < 3; c++) data[4 * i + c] = channels === 3 ? 255 * pixels[3 * i + c] : ink[c];
    data[4 * i + 3] = channels === 3 ? 255 : 255 * (polarity === "dark-on-light" ? 1 - value : value);
  }
  return new ImageData(data, width, height);
}
