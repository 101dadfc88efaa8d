/** Moves a viewport to another part of the plane within a moment. */
import { calm } from "../core/dom.js";

const FLIGHT_MS = 450;

/**
 * @param {import("./viewport.js").Viewport} viewport
 * @param {{x: number, y: number, span: number}} target
 * @param {(change: () => void) => boolean} look makes a change seen; false ends the flight
 */
export function fly(viewport, target, look) {
  const { x, y, span } = viewport;
  const begun = performance.now();
  const step = () => {
    const part = calm() ? 1 : Math.min(1, (performance.now() - begun) / FLIGHT_MS);
    const eased = part * part * (3 - 2 * part);
    const mix = (/** @type {number} */ from, /** @type {number} */ to) => from + eased * (to - from);
    const now = {
      x: mix(x, target.x),
      y: mix(y, target.y),
      span: Math.exp(mix(Math.log(span), Math.log(target.span))),
    };
    if (look(() => Object.assign(viewport, now)) && part < 1) requestAnimationFrame(step);
  };
  step();
}
