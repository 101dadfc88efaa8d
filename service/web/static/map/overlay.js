/** What is drawn over the points: the current point, an ellipse, a path, a lasso, names of classes. */
import { colourOf, isDark } from "../core/palette.js";

/**
 * @typedef {import("./viewport.js").Viewport} Viewport
 * @typedef {object} Marks
 * @property {[number, number] | null} point the current one
 * @property {[number, number] | null} hover
 * @property {{middle: [number, number], axes: [number, number][]} | null} ellipse one standard deviation each way
 * @property {[number, number][]} path
 * @property {[number, number][]} stops the path's ends and corners
 * @property {[number, number] | null} walker where on the path the animation is
 * @property {[number, number][]} lasso
 * @property {[number, number][]} chosen points that are marked
 * @property {{text: string, index: number, place: [number, number]}[]} names
 */

/** @returns {Marks} */
export function noMarks() {
  return {
    point: null,
    hover: null,
    ellipse: null,
    path: [],
    stops: [],
    walker: null,
    lasso: [],
    chosen: [],
    names: [],
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {Marks} marks
 */
export function drawMarks(context, viewport, marks) {
  const ink = isDark() ? "#ffffff" : "#10131c";
  const ground = isDark() ? "#0b0e17" : "#ffffff";
  const accent = isDark() ? "#ffd166" : "#b4530a";
  for (const name of marks.names) drawName(context, viewport, name, ground);
  for (const place of marks.chosen) ring(context, viewport.toPixels(...place), 5, accent, ground);
  if (marks.ellipse)
    for (const sigma of [2, 1]) drawEllipse(context, viewport, marks.ellipse, sigma, accent, ground);
  line(
    context,
    marks.path.map((place) => viewport.toPixels(...place)),
    accent,
    ground,
  );
  line(
    context,
    marks.lasso.map((place) => viewport.toPixels(...place)),
    accent,
    ground,
  );
  marks.stops.forEach((place, i) =>
    drawStop(context, viewport.toPixels(...place), String.fromCharCode(65 + (i % 26)), accent),
  );
  if (marks.walker) disc(context, viewport.toPixels(...marks.walker), 6, ink, ground);
  if (marks.hover) crosshair(context, viewport.toPixels(...marks.hover), ink, ground);
  if (marks.point) {
    ring(context, viewport.toPixels(...marks.point), 10, ink, ground);
    disc(context, viewport.toPixels(...marks.point), 3, accent, ground);
  }
}

/** @typedef {[number, number]} Pixel */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {string} ground
 * @param {number} width
 */
function strokeTwice(context, colour, ground, width) {
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = ground;
  context.lineWidth = width + 2.5;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {Pixel} at @param {number} radius @param {string} colour @param {string} ground */
function ring(context, [left, top], radius, colour, ground) {
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  strokeTwice(context, colour, ground, 2);
}

/** @param {CanvasRenderingContext2D} context @param {Pixel} at @param {number} radius @param {string} colour @param {string} ground */
function disc(context, [left, top], radius, colour, ground) {
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  strokeTwice(context, ground, ground, 1);
  context.fillStyle = colour;
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {Pixel} at @param {string} colour @param {string} ground */
function crosshair(context, [left, top], colour, ground) {
  context.beginPath();
  for (const [x, y] of [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ]) {
    context.moveTo(left + 4 * x, top + 4 * y);
    context.lineTo(left + 9 * x, top + 9 * y);
  }
  strokeTwice(context, colour, ground, 1.5);
}

/** @param {CanvasRenderingContext2D} context @param {Pixel[]} pixels @param {string} colour @param {string} ground */
function line(context, pixels, colour, ground) {
  if (pixels.length < 2) return;
  context.beginPath();
  pixels.forEach(([left, top], i) => (i ? context.lineTo(left, top) : context.moveTo(left, top)));
  strokeTwice(context, colour, ground, 2);
}

/** @param {CanvasRenderingContext2D} context @param {Pixel} at @param {string} letter @param {string} colour */
function drawStop(context, [left, top], letter, colour) {
  context.beginPath();
  context.arc(left, top, 9, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.fillStyle = isDark() ? "#1a1204" : "#ffffff";
  text(context, letter, left, top, "700 11px");
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {{middle: [number, number], axes: [number, number][]}} ellipse
 * @param {number} sigma
 * @param {string} colour
 * @param {string} ground
 */
function drawEllipse(context, viewport, { middle, axes }, sigma, colour, ground) {
  context.beginPath();
  for (let i = 0; i <= 64; i++) {
    const [c, s] = [sigma * Math.cos((Math.PI * i) / 32), sigma * Math.sin((Math.PI * i) / 32)];
    const place = /** @type {const} */ ([
      middle[0] + c * axes[0][0] + s * axes[1][0],
      middle[1] + c * axes[0][1] + s * axes[1][1],
    ]);
    const [left, top] = viewport.toPixels(...place);
    if (i) context.lineTo(left, top);
    else context.moveTo(left, top);
  }
  context.closePath();
  context.fillStyle = isDark() ? "rgb(255 209 102 / 14%)" : "rgb(180 83 10 / 12%)";
  context.fill();
  strokeTwice(context, colour, ground, 1.5);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Viewport} viewport
 * @param {Marks["names"][number]} name
 * @param {string} ground
 */
function drawName(context, viewport, name, ground) {
  const [left, top] = viewport.toPixels(...name.place);
  context.lineJoin = "round";
  context.lineWidth = 6;
  context.strokeStyle = ground;
  context.font = "700 22px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.strokeText(name.text, left, top);
  context.fillStyle = colourOf(name.index);
  context.fillText(name.text, left, top);
}

/** @param {CanvasRenderingContext2D} context @param {string} words @param {number} left @param {number} top @param {string} font */
function text(context, words, left, top, font) {
  context.font = `${font} system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(words, left, top + 0.5);
}
