/** The classes on the map: their marks, and buttons that hide and show them. */
import { context2d, h } from "../core/dom.js";
import { drawStamp } from "./point-layer.js";
import { nameOf } from "../space/model.js";

/**
 * Write the legend anew.
 * @param {import("../app.js").App} app
 * @param {HTMLElement} root
 */
export function showLegend(app, root) {
  const { classes } = app.model.info;
  const { hidden } = app.store.state;
  const toggle = (/** @type {number} */ label) =>
    app.store.set({
      hidden: hidden.includes(label) ? hidden.filter((each) => each !== label) : [...hidden, label],
    });
  const focused = /** @type {HTMLElement | null} */ (
    root.contains(document.activeElement) ? document.activeElement : null
  )?.dataset.label;
  root.replaceChildren(
    ...classes.map((label, index) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(!hidden.includes(label)),
          "data-label": label,
          title: `Show or hide ${nameOf(app.model.info, label)}`,
          onclick: () => toggle(label),
        },
        mark(index),
        nameOf(app.model.info, label),
      ),
    ),
  );
  if (focused)
    /** @type {HTMLElement | null} */ (root.querySelector(`[data-label="${focused}"]`))?.focus();
}

/** @param {number} index */
function mark(index) {
  const stamp = drawStamp(index, 6, 2);
  const canvas = h("canvas", {
    width: stamp.width,
    height: stamp.height,
    "aria-hidden": "true",
  });
  context2d(canvas).drawImage(stamp, 0, 0);
  return canvas;
}
