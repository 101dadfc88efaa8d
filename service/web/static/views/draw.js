/** Draw a picture: where it lies in latent space, what the model makes of it, what it is. */
import { h } from "../core/dom.js";
import "../parts/drawing-pad.js";
import { uploadLines } from "../parts/copy-lines.js";
import { sharesBars } from "../parts/likeness.js";
import { paint } from "../parts/live-picture.js";
import { drawPixels, figure } from "../parts/pixels.js";
import { projectGaussian } from "../space/ellipse.js";
import { classOptions, nameOf } from "../space/model.js";
import { readDrawing } from "../space/reading.js";

const NEIGHBOURS_SHOWN = 5;

/** The panel. */
export class DrawView {
  hint = "The ellipses are one and two standard deviations of where the drawing may lie";

  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   * @param {import("../map/latent-map.js").LatentMap} map
   */
  constructor(app, root, map) {
    this.app = app;
    this.map = map;
    this.turn = 0;
    const names = classOptions(app.model.info).map(([name]) => name);
    const what = names.length ? `Draw one of ${names[0]} to ${names.at(-1)}` : "Draw";
    this.pad = document.createElement("drawing-pad");
    this.found = h("div", { "aria-live": "polite", id: "reading" });
    root.append(
      h("p", { className: "quiet" }, `${what}, or drop, paste or choose a picture or a photograph of one.`),
      this.pad,
      this.found,
    );
    this.pad.addEventListener("drawn", (event) => this.#read(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {Blob | null} picture */
  async #read(picture) {
    const turn = ++this.turn;
    if (!picture) {
      this.found.replaceChildren();
      return this.map.mark({ ellipse: null, chosen: [] });
    }
    await this.app.attempt(async () => {
      const reading = await readDrawing(this.app, picture);
      if (turn === this.turn) this.#show(reading);
    });
  }

  /** @param {import("../space/reading.js").Reading} reading */
  #show(reading) {
    const { app } = this;
    const { axes, atlas, info } = app.model;
    app.store.set(
      {
        z: reading.zMean,
        ...(info.conditional ? { label: reading.label } : {}),
      },
      { step: true },
    );
    const ellipse = projectGaussian(axes, reading.zMean, reading.zLogVar);
    this.map.reveal(ellipse);
    this.map.mark({
      ellipse,
      chosen: reading.neighbours.slice(0, NEIGHBOURS_SHOWN).map(({ index }) => axes.project(atlas.at(index))),
    });
    const seen = h("canvas", { className: "picture" });
    const made = h("canvas", { className: "picture" });
    drawPixels(seen, reading.x, info.image);
    drawPixels(made, reading.image, info.image);
    const sure =
      reading.label === null
        ? []
        : [
            h("h2", { id: "told" }, `This is a ${nameOf(info, reading.label)}`),
            sharesBars(info, reading.shares),
          ];
    this.found.replaceChildren(
      ...sure,
      h(
        "div",
        { className: "pair" },
        figure(seen, "As the model saw it"),
        figure(made, `Its reconstruction: ${reading.loss.toFixed(0)} nats off`),
      ),
      h(
        "p",
        { className: "quiet" },
        `Its place is ${reading.kl.toFixed(1)} nats from the prior (KL divergence).`,
      ),
      ...this.#neighbours(reading),
      uploadLines(
        app,
        "/encode",
        { model: info.reference },
        `print(client.encode("drawing.png", model="${info.reference}"))`,
      ),
    );
  }

  /** @param {import("../space/reading.js").Reading} reading */
  #neighbours({ neighbours }) {
    if (!neighbours.length) return [];
    const { atlas, info } = this.app.model;
    const figures = neighbours.slice(0, NEIGHBOURS_SHOWN).map(({ index, label, distance }) => {
      const canvas = h("canvas", { className: "small" });
      paint(this.app, canvas, atlas.at(index), info.conditional ? label : null);
      return figure(canvas, `${nameOf(info, label)}, at ${distance.toFixed(2)}`);
    });
    return [
      h("h2", {}, "Nearest test pictures, as the model draws them"),
      h("div", { className: "figures" }, ...figures),
    ];
  }
}
