/** What all parts of the page share: the service, the state, the model, the map, the current point. */
import { settle } from "./core/dom.js";
import { Access } from "./core/access.js";
import { Service, ServiceError } from "./core/service.js";
import { Store } from "./core/store.js";
import { loadDecoder, loadModel } from "./space/model.js";

const NOTICE_MS = 5000;

/** The page's parts. Event: `model` when another model, or its decoder, is there. */
export class App extends EventTarget {
  /**
   * @param {string} root the path that the service is under
   * @param {HTMLElement} notice where to tell what goes wrong
   */
  constructor(root, notice) {
    super();
    this.access = new Access(sessionStorage, root);
    this.service = new Service(root, this.access);
    this.store = new Store();
    this.notice = notice;
    /** @type {import("./space/model.js").ModelInfo[]} */
    this.models = [];
    /** @type {import("./space/model.js").Model} */
    this.model = /** @type {any} */ (null);
    this.hideNotice = settle(NOTICE_MS, () => (this.notice.hidden = true));
    this.service.addEventListener("offline", () =>
      this.tell("The service does not answer. Waiting for it …", true, true),
    );
    this.service.addEventListener("online", () => this.#goOn("The service is there again."));
    this.access.addEventListener("change", () => {
      if (this.access.key) this.#goOn("From now on, the key is sent.");
      else this.tell("The key is forgotten.");
    });
  }

  /** The current point. @returns {number[]} */
  get z() {
    const { z } = this.store.state;
    return z.length === this.model.dim ? z : this.model.origin;
  }

  /** The current label, of a label-conditioned model. @returns {number | null} */
  get label() {
    const { classes, conditional } = this.model.info;
    const { label } = this.store.state;
    if (!conditional) return null;
    return label !== null && classes.includes(label) ? label : (classes[3] ?? classes[0]);
  }

  /** Load the list of models, and the one that the state names. */
  async start() {
    const answer = await this.service.fetch("/models");
    const { models } = await answer.json();
    this.models = models;
    await this.loadModel();
  }

  /** Load the model that the state names, else the default; then its decoder, for previews. */
  async loadModel() {
    const { model: name } = this.store.state;
    const info =
      this.models.find((each) => each.name === name) ??
      this.models.find((each) => each.default) ??
      this.models[0];
    if (name && info.name !== name) this.tell(`There is no model ${name} here; this is ${info.name}.`, true);
    const model = await loadModel(this.service, info);
    this.model = model;
    this.dispatchEvent(new Event("model"));
    await this.#loadDecoder();
  }

  async #loadDecoder() {
    const { model } = this;
    await loadDecoder(this.service, model);
    if (this.model === model) this.dispatchEvent(new Event("decoder"));
  }

  /** Load what could not be loaded before. @param {string} text what has changed */
  #goOn(text) {
    this.tell(text);
    if (this.model && !this.model.isTried) this.attempt(() => this.#loadDecoder());
  }

  /**
   * Show what went wrong, as the service words it.
   * @param {unknown} error
   */
  complain(error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    if (error instanceof ServiceError) this.tell(error.message, true, !this.model);
    else if (this.service.isOnline) this.tell(String(error), true);
  }

  /**
   * @param {string} text
   * @param {boolean} [bad]
   * @param {boolean} [stays]
   */
  tell(text, bad = false, stays = false) {
    this.notice.textContent = text;
    this.notice.classList.toggle("bad", bad);
    this.notice.hidden = false;
    this.hideNotice.cancel();
    if (!stays) this.hideNotice();
  }

  /**
   * @param {string} text
   * @param {string} done what to say then
   */
  async copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      this.tell(done);
    } catch {
      this.tell("The browser does not let this page copy; select the text instead.", true);
    }
  }

  /** Run something that may fail, and show how. @param {() => Promise<unknown>} run */
  async attempt(run) {
    try {
      await run();
    } catch (error) {
      this.complain(error);
    }
  }
}
