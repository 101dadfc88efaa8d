/** `<details>` with the lines that ask for a picture, each with a button that copies it. */
import { h } from "../core/dom.js";
import { linesFor, linesForUpload } from "../core/snippets.js";

/**
 * @param {import("../app.js").App} app
 * @param {() => import("../core/snippets.js").Picture} picture what the lines are to ask for, when they are shown
 * @returns {HTMLDetailsElement & {refresh: () => void}}
 */
export function copyLines(app, picture) {
  const body = h("div");
  const details = h(
    "details",
    { className: "copy", ontoggle: () => refresh() },
    h("summary", {}, "Copy as URL, curl, Python, TypeScript"),
    body,
  );
  const refresh = () => {
    if (!details.open) return;
    const asked = picture();
    const url = new URL(app.service.url(asked.path, asked.params), location.href).href;
    const lines = linesFor(location.origin + app.service.root, url, asked, app.access.isWanted);
    body.replaceChildren(...Object.entries(lines).map(([name, text]) => line(app, name, text)));
  };
  return Object.assign(details, { refresh });
}

/**
 * Return the lines that send a drawing's file, folded up.
 * @param {import("../app.js").App} app
 * @param {string} path
 * @param {import("../core/service.js").Params} params
 * @param {string} call what the Python client is to do
 * @param {string} [saved] the name of the file that comes back; unset if it is JSON
 */
export function uploadLines(app, path, params, call, saved = "") {
  const url = new URL(app.service.url(path, params), location.href).href;
  const lines = linesForUpload(location.origin + app.service.root, url, call, saved, app.access.isWanted);
  const summary = h("summary", {}, "Copy as curl, Python, TypeScript");
  const entries = Object.entries(lines).map(([name, text]) => line(app, name, text));
  return h("details", { className: "copy" }, summary, ...entries);
}

/**
 * @param {import("../app.js").App} app
 * @param {string} name
 * @param {string} text
 */
function line(app, name, text) {
  const copy = () => app.copy(text, `${name} copied`);
  return h(
    "div",
    { className: "line" },
    h("pre", { tabIndex: 0, "aria-label": name }, text),
    h("button", { type: "button", onclick: copy }, name),
  );
}
