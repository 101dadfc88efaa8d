/** New pictures: of a class or of the prior, from a seed; or more like the current one. */
import { h, settle } from "../core/dom.js";
import { toText } from "../core/vectors.js";
import { choices, numberField } from "../parts/choices.js";
import { copyLines } from "../parts/copy-lines.js";
import { paint } from "../parts/live-picture.js";
import { drawPixels } from "../parts/pixels.js";
import { classOptions } from "../space/model.js";
import { normal } from "../space/random.js";

const SHOWN = ["digit", "seed", "temperature", "n", "around", "label"];
const MAX_PICTURES = 100;

/** The panel. */
export class GenerateView {
  hint = "The pictures on the right are marked on the map";

  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   * @param {import("../map/latent-map.js").LatentMap} map
   */
  constructor(app, root, map) {
    this.app = app;
    this.map = map;
    this.grid = h("div", { className: "grid" });
    this.controls = h("div");
    this.copy = copyLines(app, () => this.#picture());
    /** @type {number[]} the point that more is drawn around */
    this.middle = app.z;
    this.turn = 0;
    root.append(this.controls, this.grid, this.copy);
    this.draw = settle(60, () => app.attempt(() => this.#draw()));
    this.#showControls();
    this.draw();
  }

  /** @param {Set<string>} names */
  update(names) {
    if (SHOWN.some((name) => names.has(name))) this.draw();
    if (names.has("around") || names.has("seed")) this.#showControls();
  }

  /** The class to draw from. A conditional model is always told one. */
  get digit() {
    const { digit } = this.app.store.state;
    return this.app.model.info.conditional ? (digit ?? this.app.label) : digit;
  }

  #showControls() {
    const { store, model } = this.app;
    const { seed, temperature, n, around } = store.state;
    const set = (/** @type {Partial<import("../core/store.js").State>} */ changes) => store.set(changes);
    const options = classOptions(model.info);
    if (!model.info.conditional) options.unshift(["Any", null]);
    const classes =
      options.length > 1
        ? [
            choices("Class", options, this.digit, (digit) =>
              store.set(
                {
                  digit,
                  around: null,
                  ...(model.info.conditional ? { label: digit } : {}),
                },
                { step: true },
              ),
            ),
          ]
        : [];
    const more = () => {
      this.middle = this.app.z;
      set({ around: around === null ? 0.4 : null });
    };
    const spread =
      around === null
        ? numberField(
            "Temperature",
            { value: temperature, min: 0, max: 3, step: 0.05, type: "range" },
            (value) => set({ temperature: value }),
          )
        : numberField(
            "How far around, in σ",
            { value: around, min: 0.05, max: 2, step: 0.05, type: "range" },
            (value) => set({ around: value }),
          );
    const focus = /** @type {HTMLElement | null} */ (
      this.controls.contains(document.activeElement) ? document.activeElement : null
    )?.id;
    this.controls.replaceChildren(
      ...classes,
      h(
        "div",
        { className: "row" },
        spread,
        numberField("Pictures", { value: n, min: 1, max: MAX_PICTURES }, (value) =>
          set({ n: Math.round(value) }),
        ),
        numberField("Seed", { value: seed, min: 0, max: 2 ** 32 - 1 }, (value) =>
          set({ seed: Math.round(value) }),
        ),
      ),
      h(
        "div",
        { className: "row" },
        h(
          "button",
          {
            type: "button",
            className: "primary",
            id: "again",
            onclick: () => set({ seed: Math.floor(Math.random() * 1e6) }),
          },
          "Draw others",
        ),
        h(
          "button",
          {
            type: "button",
            className: "choice",
            id: "more",
            "aria-pressed": String(around !== null),
            onclick: more,
          },
          "More like the current",
        ),
      ),
    );
    if (focus) document.getElementById(focus)?.focus();
  }

  /** @returns {import("../core/snippets.js").Picture} */
  #picture() {
    const { seed, temperature, n, around } = this.app.store.state;
    const model = this.app.model.info.reference;
    if (around === null)
      return {
        path: "/sample.png",
        params: { n, seed, temperature, digit: this.digit, model },
      };
    return {
      path: "/decode.png",
      params: { z: this.#near().map(toText), label: this.app.label, model },
    };
  }

  /** Return vectors around the middle. @returns {number[][]} */
  #near() {
    const { seed, n, around } = this.app.store.state;
    const next = normal(seed ?? 0);
    return Array.from({ length: n ?? 1 }, () => this.middle.map((value) => value + (around ?? 0) * next()));
  }

  async #draw() {
    const turn = ++this.turn;
    if (this.app.store.state.around !== null) {
      const points = this.#near();
      this.#show(points, (canvas, i) => paint(this.app, canvas, points[i], this.app.label));
    } else {
      const { params } = this.#picture();
      const answer = await this.app.service.fetch("/sample.json", params);
      const { z, images } = await answer.json();
      if (turn === this.turn)
        this.#show(z, (canvas, i) => drawPixels(canvas, images[i], this.app.model.info.image));
    }
    this.copy.refresh();
  }

  /**
   * @param {number[][]} points
   * @param {(canvas: HTMLCanvasElement, i: number) => void} draw
   */
  #show(points, draw) {
    const label = this.digit;
    this.map.mark({
      chosen: points.map((z) => this.app.model.axes.project(z)),
    });
    this.grid.replaceChildren(
      ...points.map((z, i) => {
        const canvas = h("canvas");
        draw(canvas, i);
        const pick = () =>
          this.app.store.set({ z, ...(this.app.model.info.conditional ? { label } : {}) }, { step: true });
        return h(
          "button",
          {
            type: "button",
            "aria-label": `Picture ${i + 1}: make it the current one`,
            onclick: pick,
          },
          canvas,
        );
      }),
    );
  }

  close() {
    this.draw.cancel();
    this.turn++;
  }
}
