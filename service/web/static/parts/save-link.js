/** A link that saves a picture of the service. */
import { h } from "../core/dom.js";

/**
 * Return the link. The page fetches the picture itself: with the key, where one is asked for, and so that an error is told.
 * @param {import("../app.js").App} app
 * @param {import("../core/snippets.js").Picture} picture
 * @param {string} text
 */
export function saveLink(app, { path, params }, text) {
  const name = path.split("/").at(-1) ?? "";
  const href = app.service.url(path, { ...params, download: true });
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await app.attempt(async () => saveBlob(await (await app.service.fetch(path, params)).blob(), name));
  };
  return h("a", { href, download: name, onclick: save }, text);
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  // Once the browser has begun to save.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
