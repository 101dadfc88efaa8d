/** One's own handwriting: from one drawn digit all others in its style, and texts of digits. */
import { context2d, h, settle } from "../core/dom.js";
import { meanOf, rounded, toText } from "../core/vectors.js";
import { choices } from "../parts/choices.js";
import { copyLines, uploadLines } from "../parts/copy-lines.js";
import "../parts/drawing-pad.js";
import { paint } from "../parts/live-picture.js";
import { classOptions, nameOf } from "../space/model.js";
import { readDrawing } from "../space/reading.js";
import { drawPhrase, isLabel } from "./phrase.js";

/** The panel. */
export class HandView {
  hint = "Your style is a point of latent space; the digit is told beside it";

  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   */
  constructor(app, root) {
    this.app = app;
    this.turn = 0;
    /** @type {number[][]} the styles of the drawings that were kept, and of the one on the board */
    this.kept = [];
    /** @type {number[] | null} */
    this.drawn = null;
    this.redraw = settle(60, () => this.#draw());
    if (app.model.info.conditional) this.#build(root);
    else root.append(...this.#explain());
  }

  /** @param {HTMLElement} root */
  #build(root) {
    const { app } = this;
    this.pad = document.createElement("drawing-pad");
    this.told = h("div", { "aria-live": "polite", id: "reading" });
    this.mean = h("div", { className: "row", id: "mean", hidden: true });
    this.sheet = h("div", { className: "grid", id: "sheet" });
    this.phrase = h("canvas", { className: "hand", role: "img" });
    const text = h("input", {
      type: "text",
      id: "phrase",
      maxLength: 40,
      value: app.store.state.text,
    });
    text.addEventListener("input", () => app.store.set({ text: text.value }));
    const save = h("button", { type: "button", onclick: () => this.#save() }, "Save as PNG");
    this.command = h("div");
    this.copy = copyLines(app, () => this.#picture());
    root.append(
      h(
        "p",
        { className: "quiet" },
        "Draw one digit: the model reads its style and writes the others in it. Of several, it takes the mean.",
      ),
      this.pad,
      this.told,
      this.mean,
      h("h2", {}, "All in this style"),
      this.sheet,
      this.copy,
      h("label", { className: "field" }, h("span", {}, "Write digits: a date, a number, a time"), text),
      h("div", { className: "row phrase" }, this.phrase),
      h("div", { className: "row" }, save),
      h("p", { className: "quiet" }, "The same from a file, by the API (/restyle):"),
      this.command,
    );
    this.pad.addEventListener("drawn", (event) => this.#read(/** @type {CustomEvent} */ (event).detail));
    this.#draw();
  }

  #explain() {
    const { models, store, model } = this.app;
    const able = models.find((each) => each.conditional);
    const text = `${model.info.name} mixes up style and digit: this needs a model that is told the label beside the style.`;
    if (!able) return [h("p", {}, `${text} The service has none.`)];
    const pick = () =>
      store.set(
        {
          model: able.name,
          z: [],
          label: null,
          at: [],
          hidden: [],
          path: [],
          labels: [],
        },
        { step: true },
      );
    return [
      h("p", {}, text),
      h(
        "button",
        {
          type: "button",
          className: "primary",
          id: "use-conditional",
          onclick: pick,
        },
        `Use ${able.name}`,
      ),
    ];
  }

  /** @param {Blob | null} picture */
  async #read(picture) {
    const turn = ++this.turn;
    if (!picture) return;
    await this.app.attempt(async () => {
      const reading = await readDrawing(this.app, picture);
      if (turn !== this.turn) return;
      this.drawn = reading.zMean;
      this.app.store.set({ z: meanOf([...this.kept, this.drawn]), label: reading.label }, { step: true });
      this.#count();
      const options = classOptions(this.app.model.info);
      this.told?.replaceChildren(
        h("p", { id: "told" }, `Read as a ${nameOf(this.app.model.info, reading.label ?? 0)}.`),
        h("p", { className: "quiet" }, "It is a"),
        choices("What you drew", options, reading.label, (label) => this.app.store.set({ label })),
      );
    });
  }

  /** Say of how many drawings the style is the mean, and offer to add one. */
  #count() {
    const count = this.kept.length + (this.drawn ? 1 : 0);
    const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", onclick }, text);
    const more = this.drawn ? [button("Keep it, and draw another", () => this.#keep())] : [];
    const over = this.kept.length ? [button("Start over", () => this.#restart())] : [];
    const text = count > 1 ? [h("span", {}, `The style is the mean of ${count} drawings.`)] : [];
    this.mean?.replaceChildren(...text, ...more, ...over);
    if (this.mean) this.mean.hidden = !count;
  }

  #keep() {
    if (this.drawn) this.kept.push(this.drawn);
    this.#restart(this.kept);
  }

  /** @param {number[][]} kept */
  #restart(kept = []) {
    this.kept = kept;
    this.drawn = null;
    this.told?.replaceChildren();
    /** @type {import("../parts/drawing-pad.js").DrawingPad | undefined} */ (this.pad)?.clear();
    this.#count();
  }

  /** @param {Set<string>} names */
  update(names) {
    if (["z", "label", "text"].some((name) => names.has(name)) && this.app.model.info.conditional)
      this.redraw();
  }

  /** @returns {import("../core/snippets.js").Picture} */
  #picture() {
    const { classes, reference } = this.app.model.info;
    return {
      path: "/decode.png",
      params: {
        z: classes.map(() => toText(this.app.z)),
        label: classes,
        model: reference,
        columns: classes.length,
        scale: 4,
        resample: "smooth",
      },
    };
  }

  /** Return the lines that write the digits of the text in the style of a file. */
  #restyle() {
    const { reference } = this.app.model.info;
    const signs = Array.from(this.app.store.state.text);
    const labels = signs.filter((sign) => isLabel(this.app, sign)).join("");
    const call = `client.into("png").restyle("drawing.png", "${labels}", model="${reference}").save("hand.png")`;
    return uploadLines(this.app, "/restyle", { labels, model: reference }, call, "hand.png");
  }

  #draw() {
    const { app } = this;
    const z = rounded(app.z);
    const canvases = app.model.info.classes.map((label) => {
      const canvas = h("canvas");
      paint(app, canvas, z, label);
      return h(
        "button",
        {
          type: "button",
          "aria-pressed": String(label === app.label),
          "aria-label": `${nameOf(app.model.info, label)}: make it the current one`,
          onclick: () => app.store.set({ label }, { step: true }),
        },
        canvas,
      );
    });
    this.sheet?.replaceChildren(...canvases);
    this.copy?.refresh();
    this.command?.replaceChildren(this.#restyle());
    if (!this.phrase) return;
    drawPhrase(context2d(this.phrase), app, z, app.store.state.text);
    this.phrase.setAttribute("aria-label", `${app.store.state.text}, in this style`);
  }

  #save() {
    const link = h("a", {
      href: /** @type {HTMLCanvasElement} */ (this.phrase).toDataURL("image/png"),
      download: "in-my-hand.png",
    });
    link.click();
  }

  close() {
    this.turn++;
    this.redraw.cancel();
  }
}
