/** Adds the difference between two sets of points to a picture: what makes the one set unlike the other. */
import { h, settle } from "../core/dom.js";
import { rounded, toText } from "../core/vectors.js";
import { choices, numberField } from "../parts/choices.js";
import { copyLines } from "../parts/copy-lines.js";
import { paint } from "../parts/live-picture.js";
import { figure } from "../parts/pixels.js";
import { classOptions, nameOf } from "../space/model.js";
import { inside } from "../space/polygon.js";

const FACTORS = [-1, 0, 0.5, 1, 1.5];

/** @typedef {{label: number | null, indices: number[], mean: number[]}} PointSet all points of a class, or lassoed ones */

/** The panel. */
export class ArithmeticView {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   * @param {import("../map/latent-map.js").LatentMap} map
   */
  constructor(app, root, map) {
    this.app = app;
    this.map = map;
    /** @type {Record<"from" | "to", PointSet | null>} */
    this.sets = { from: null, to: null };
    /** @type {"from" | "to"} */
    this.side = "from";
    this.factor = 1;
    /** The picture that the difference is added to. */
    this.base = app.z;
    this.panels = { from: h("div"), to: h("div") };
    this.result = h("div", { id: "result" });
    this.copy = copyLines(app, () => this.#picture());
    this.draw = settle(40, () => this.#draw());
    root.append(
      h(
        "p",
        { className: "quiet" },
        "Choose two sets of points, by a class or with a lasso. The way from the middle of the first to that of the second is a direction, found and not learned: what it changes is for you to see, and it may change more than you meant.",
      ),
      this.panels.from,
      this.panels.to,
      numberField(
        "How much of it",
        { value: this.factor, min: -2, max: 2, step: 0.05, type: "range" },
        (value) => this.#setFactor(value),
      ),
      this.result,
      this.copy,
    );
    const { classes } = app.model.info;
    this.#choose("from", this.#ofClass(classes[1] ?? classes[0]));
    this.#choose("to", this.#ofClass(classes[0]));
  }

  hint = "";

  /** @param {number | null | undefined} label @returns {PointSet | null} */
  #ofClass(label) {
    return label === undefined || label === null
      ? null
      : this.#toSet(label, this.app.model.atlas.ofLabel(label));
  }

  /** @param {number | null} label @param {number[]} indices @returns {PointSet | null} */
  #toSet(label, indices) {
    const mean = this.app.model.atlas.mean(indices);
    return mean ? { label, indices, mean } : null;
  }

  /** @param {PointSet} set */
  #describe({ label, indices }) {
    const name = label === null ? "lassoed" : `all ${nameOf(this.app.model.info, label)}`;
    return `: ${name}, ${indices.length} points`;
  }

  /** @param {"from" | "to"} side @param {PointSet | null} set */
  #choose(side, set) {
    if (set) this.sets[side] = set;
    this.#showSide(side);
    this.draw();
  }

  /** @param {"from" | "to"} side */
  #showSide(side) {
    const set = this.sets[side];
    const options = classOptions(this.app.model.info);
    const lasso = h(
      "button",
      {
        type: "button",
        className: "choice",
        id: `lasso-${side}`,
        "aria-pressed": String(this.map.lassoes && this.side === side),
        onclick: () => this.#arm(side),
      },
      "Lasso",
    );
    const canvas = h("canvas", {
      className: "small",
      role: "img",
      "aria-label": "The middle of the set",
    });
    if (set) paint(this.app, canvas, set.mean, this.app.label);
    this.panels[side].replaceChildren(
      h(
        "h2",
        {},
        side === "from" ? "From" : "To",
        h("span", { className: "quiet" }, set ? this.#describe(set) : ": nothing yet"),
      ),
      h(
        "div",
        { className: "pair" },
        canvas,
        h(
          "div",
          { className: "beside" },
          choices(`${side} class`, options, set?.label ?? null, (label) =>
            this.#choose(side, this.#ofClass(label)),
          ),
          lasso,
        ),
      ),
    );
  }

  /** @param {"from" | "to"} side */
  #arm(side) {
    this.map.lassoes = !(this.map.lassoes && this.side === side);
    this.side = side;
    for (const each of /** @type {const} */ (["from", "to"])) this.#showSide(each);
    document.getElementById(`lasso-${side}`)?.focus();
    if (this.map.lassoes)
      this.app.tell("Draw around points on the map. Classes that are hidden are left out.");
  }

  /** @param {[number, number][]} places */
  lasso(places) {
    const { model, store } = this.app;
    const hidden = new Set(store.state.hidden);
    const indices = inside(model.places, places).filter((index) => !hidden.has(model.atlas.labels[index]));
    this.map.lassoes = false;
    if (!indices.length) this.app.tell("No points in there.", true);
    this.#choose(this.side, this.#toSet(null, indices));
  }

  /** @param {number} factor */
  #setFactor(factor) {
    this.factor = factor;
    this.draw();
  }

  /** @param {number} factor @returns {number[]} */
  #at(factor) {
    const { from, to } = this.sets;
    if (!from || !to) return this.base;
    return rounded(this.base.map((value, i) => value + factor * (to.mean[i] - from.mean[i])));
  }

  /** @returns {import("../core/snippets.js").Picture} */
  #picture() {
    return {
      path: "/decode.png",
      params: {
        z: FACTORS.map((factor) => toText(this.#at(factor))),
        label: this.app.label,
        model: this.app.model.info.reference,
        columns: FACTORS.length,
      },
    };
  }

  /** @param {Set<string>} names */
  update(names) {
    if (names.has("z")) this.base = this.app.z;
    if (names.has("z") || names.has("label")) this.draw();
  }

  #draw() {
    const { app, map } = this;
    const figures = FACTORS.map((factor) => {
      const canvas = h("canvas", { className: "small" });
      paint(app, canvas, this.#at(factor), app.label);
      return figure(canvas, factor === 0 ? "as it is" : `${factor > 0 ? "+" : "−"}${Math.abs(factor)}`);
    });
    const before = h("canvas", { className: "picture" });
    const after = h("canvas", { className: "picture", id: "sum" });
    paint(app, before, this.base, app.label);
    paint(app, after, this.#at(this.factor), app.label);
    const take = h(
      "button",
      { type: "button", className: "primary", onclick: () => this.#take() },
      "Make it the current one",
    );
    this.result.replaceChildren(
      h(
        "div",
        { className: "pair" },
        figure(before, "The current picture"),
        figure(after, `with ${this.factor} × (to − from)`),
      ),
      h("div", { className: "figures" }, ...figures),
      h("div", { className: "row" }, take),
    );
    map.mark({
      path: [this.#at(-1), this.#at(1.5)].map((z) => app.model.axes.project(z)),
      walker: app.model.axes.project(this.#at(this.factor)),
    });
    this.copy.refresh();
  }

  #take() {
    this.app.store.set({ z: this.#at(this.factor) }, { step: true });
  }

  close() {
    this.draw.cancel();
  }
}
