/** What a point is most like: how sure its nearest test pictures are of each class. */
import { h } from "../core/dom.js";
import { vote } from "../space/atlas.js";
import { nameOf } from "../space/model.js";

const NEIGHBOURS = 12;
const SHOWN = 3;

/**
 * Return bars of the surest classes.
 * @param {import("../space/model.js").ModelInfo} info
 * @param {{label: number, share: number}[]} shares the surest first
 */
export function sharesBars(info, shares) {
  const bars = shares.slice(0, SHOWN).map(({ label, share }) => {
    const name = nameOf(info, label);
    const percent = `${Math.round(100 * share)}%`;
    return h(
      "li",
      {},
      h("b", {}, name),
      h("progress", {
        max: 1,
        value: share,
        "aria-label": `${name}: ${percent}`,
      }),
      h("span", {}, percent),
    );
  });
  return h("ul", { className: "bars", "aria-label": "How sure of each class" }, ...bars);
}

/**
 * Return the bars of a point, or nothing where labels say nothing.
 * @param {import("../space/model.js").Model} model
 * @param {number[]} z
 */
export function likenessOf(model, z) {
  if (model.info.conditional || model.info.classes.length < 2) return "";
  return sharesBars(model.info, vote(model.atlas.nearest(z, NEIGHBOURS)));
}
