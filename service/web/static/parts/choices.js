/** A row of buttons of which one is pressed. */
import { h } from "../core/dom.js";

/**
 * @template T
 * @param {string} label what is chosen
 * @param {[string, T][]} options what each is called, and what it stands for
 * @param {T} chosen
 * @param {(value: T) => void} choose
 */
export function choices(label, options, chosen, choose) {
  const group = h("div", {
    className: "choices",
    role: "group",
    "aria-label": label,
  });
  for (const [name, value] of options) {
    const press = () => {
      for (const each of group.children) each.setAttribute("aria-pressed", String(each === button));
      choose(value);
    };
    const button = h(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        onclick: press,
      },
      name,
    );
    group.append(button);
  }
  return group;
}

/**
 * Return a field for a number.
 * @param {string} label
 * @param {{value: number | null, min: number, max: number, step?: number, type?: "number" | "range"}} options
 * @param {(value: number) => void} change
 */
export function numberField(label, { value, min, max, step = 1, type = "number" }, change) {
  const input = h("input", {
    type,
    min,
    max,
    step,
    value: value === null ? "" : String(value),
  });
  input.addEventListener(type === "range" ? "input" : "change", () => {
    const given = Math.min(max, Math.max(min, input.valueAsNumber));
    if (!Number.isFinite(given)) return;
    input.value = String(given);
    change(given);
  });
  return h("label", { className: "field" }, h("span", {}, label), input);
}
