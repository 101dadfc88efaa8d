/** The views, by their names in the URL. */
import { ArithmeticView } from "./arithmetic.js";
import { DrawView } from "./draw.js";
import { ExploreView } from "./explore.js";
import { GenerateView } from "./generate.js";
import { HandView } from "./hand.js";
import { InterpolateView } from "./interpolate.js";

/**
 * @typedef {object} View what a view may do beside showing itself
 * @property {string} [hint] what the pointer does on the map
 * @property {(names: Set<string>) => void} [update] the state changed
 * @property {(place: [number, number]) => boolean} [pick] a click on the map; whether it was the view's
 * @property {(places: [number, number][]) => void} [lasso]
 * @property {() => void} [close]
 * @typedef {new (app: import("../app.js").App, root: HTMLElement, map: import("../map/latent-map.js").LatentMap) => View} ViewClass
 */

/** @type {Record<string, {title: string, View: ViewClass}>} */
export const VIEWS = {
  map: { title: "Explore", View: ExploreView },
  draw: { title: "Draw", View: DrawView },
  generate: { title: "Generate", View: GenerateView },
  interpolate: { title: "Interpolate", View: InterpolateView },
  hand: { title: "In my hand", View: HandView },
  arithmetic: { title: "Arithmetic", View: ArithmeticView },
};
