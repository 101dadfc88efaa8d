/** The way through latent space that the state describes. */
import { rounded } from "../core/vectors.js";
import { between, defaultMethod, walkThrough } from "./interpolation.js";

const FINE_STEPS = 24;
// The classes that a way begins and ends at before one chooses: far apart, so that much happens between them.
const FIRST = 7;
const LAST = 0;

/** Points, their labels, and the pictures between them. */
export class Route {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
  }

  /** The points to go through. @returns {number[][]} */
  get points() {
    const { model, store } = this.app;
    const given = store.state.path.filter((z) => z.length === model.dim);
    if (given.length) return given;
    const ends = [FIRST, LAST].map((index) => model.info.classes[index]);
    const found = ends.map((label) => (label === undefined ? null : model.atlas.typical(label)));
    return [found[0] ?? model.origin.map(() => -1.5), found[1] ?? model.origin.map(() => 1.5)].map(rounded);
  }

  /** Each point's label, for a label-conditioned model; else null. @returns {(number | null)[]} */
  get labels() {
    const { classes, conditional } = this.app.model.info;
    const { labels } = this.app.store.state;
    if (!conditional) return this.points.map(() => null);
    return this.points.map((_, i) => labels[i] ?? classes[i ? LAST : FIRST] ?? classes[0]);
  }

  get method() {
    return this.app.store.state.method || defaultMethod(this.app.model.dim);
  }

  get steps() {
    return this.app.store.state.steps ?? 2;
  }

  /** The vectors of all pictures on the way. @returns {number[][]} */
  get frames() {
    return walkThrough(this.points, this.steps, this.method);
  }

  /** How much of each label each picture has, for a label-conditioned model. @returns {number[][] | null} */
  get mixtures() {
    if (!this.app.model.info.conditional) return null;
    const oneHots = this.labels.map((label) => this.app.model.oneHot(label) ?? []);
    return walkThrough(oneHots, this.steps, "lerp");
  }

  /** Many points on the way, to draw it. @returns {number[][]} */
  get line() {
    const { points, method } = this;
    const leg = (/** @type {number} */ i) =>
      Array.from({ length: FINE_STEPS }, (_, step) =>
        between(points[i - 1], points[i], (step + 1) / FINE_STEPS, method),
      );
    return points.flatMap((z, i) => (i ? leg(i) : [z]));
  }

  /** Return the label of a picture on the way where it is not mixed. @param {number} frame */
  labelOf(frame) {
    const leg = Math.round(frame / Math.max(1, this.steps - 1));
    return this.labels[Math.min(leg, this.labels.length - 1)];
  }

  /** Go on to a point. @param {number[]} z @param {number | null} label */
  goOn(z, label) {
    const labels = this.app.model.info.conditional ? [...this.labels, label].map(Number) : [];
    this.app.store.set({ path: [...this.points, rounded(z)], labels }, { step: true });
  }

  /** Go from one point to another, and nowhere else. @param {number[]} z @param {number | null} label */
  begin(z, label) {
    this.app.store.set({ path: [rounded(z)], labels: label === null ? [] : [label] }, { step: true });
  }

  /** Leave out a point. @param {number} i */
  leaveOut(i) {
    const keep = (/** @type {unknown} */ _, /** @type {number} */ j) => i !== j;
    const labels = this.app.model.info.conditional ? this.labels.map(Number).filter(keep) : [];
    this.app.store.set({ path: this.points.filter(keep), labels }, { step: true });
  }
}
