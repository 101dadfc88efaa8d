/** Asks for the API key of a service that wants one, and lets it be changed or forgotten. */
import { h } from "./dom.js";
import { isKey } from "./access.js";

const HAS_ONE = "The page has a key. Give it another one, or have it forget this one.";
const HAS_NONE = "The service asks for a key.";

/** The dialog, and the button in the page's bar that opens it. */
export class KeyDialog {
  /**
   * @param {import("./access.js").Access} access
   * @param {HTMLElement} button
   */
  constructor(access, button) {
    this.access = access;
    this.button = button;
    this.reason = h("p", { id: "key-reason" });
    this.field = h("input", {
      type: "password",
      id: "key",
      autocomplete: "off",
      spellcheck: false,
      required: true,
    });
    this.forget = h("button", { type: "button", onclick: () => this.#finish("") }, "Forget it");
    this.dialog = this.#build();
    /** @type {(key: string | null) => void} */
    this.tell = () => {};
    document.body.append(this.dialog);
    button.addEventListener("click", () => access.change(access.key ? HAS_ONE : HAS_NONE));
    access.ask = (reason) => this.ask(reason);
    access.addEventListener("wanted", () => this.#show());
    this.#show();
  }

  /**
   * Return the key that the visitor gives; empty to forget it, null if all is to stay as it is.
   * @param {string} reason why it is asked for
   * @returns {Promise<string | null>}
   */
  ask(reason) {
    this.reason.textContent = reason;
    this.field.value = "";
    this.forget.hidden = !this.access.key;
    this.field.setCustomValidity("");
    this.dialog.showModal();
    return new Promise((resolve) => (this.tell = resolve));
  }

  #build() {
    const cancel = h("button", { type: "button", onclick: () => this.#finish(null) }, "Cancel");
    const use = h("button", { type: "submit", className: "primary" }, "Use it");
    const label = h("label", { className: "field" }, h("span", {}, "Key"), this.field);
    const note = h(
      "p",
      { className: "quiet" },
      "It is kept until this tab is closed, and sent to this service alone.",
    );
    const form = h("form", {}, h("h2", { id: "key-title" }, "API key"), this.reason, label, note);
    form.append(h("div", { className: "row" }, use, cancel, this.forget));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.field.addEventListener("input", () => this.field.setCustomValidity(""));
    const dialog = h("dialog", { id: "key-dialog", "aria-labelledby": "key-title" }, form);
    dialog.addEventListener("cancel", () => this.#finish(null));
    return dialog;
  }

  #submit() {
    const key = this.field.value.trim();
    if (isKey(key)) return this.#finish(key);
    this.field.setCustomValidity("A key has letters, digits and signs, and no spaces");
    this.field.reportValidity();
  }

  /** @param {string | null} key */
  #finish(key) {
    this.field.value = "";
    this.dialog.close();
    this.tell(key);
  }

  #show() {
    this.button.hidden = !this.access.isWanted;
  }
}
