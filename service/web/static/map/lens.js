/** The small picture that follows the pointer over the map: what the place under it decodes to. */
import { rounded } from "../core/vectors.js";
import { LivePicture } from "../parts/live-picture.js";

const SIDE = 96;
const GAP = 18;

/** Shows the picture at the pointer. */
export class Lens {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLCanvasElement} canvas
   * @param {import("./latent-map.js").LatentMap} map
   */
  constructor(app, canvas, map) {
    this.app = app;
    this.canvas = canvas;
    this.map = map;
    this.live = new LivePicture(app, canvas);
  }

  /** @param {[number, number] | null} place */
  hover(place) {
    this.canvas.hidden = place === null || !this.app.model;
    if (!place || !this.app.model) return this.live.cancel();
    const z = rounded(this.app.model.axes.move(this.app.z, ...place));
    this.live.show(z, this.app.label);
    const [left, top] = this.map.viewport.toPixels(...place);
    const { width } = this.map.viewport;
    const right = left + GAP + SIDE > width ? left - GAP - SIDE : left + GAP;
    const down = top - GAP - SIDE < 0 ? top + GAP : top - GAP - SIDE;
    this.canvas.style.transform = `translate(${right}px, ${down}px)`;
  }
}
