/** The API key that a service may ask for: kept for as long as the tab is open, sent with every request, never in a URL. */

const KEPT = "cvae-key";

/** Whether something can be a key. @param {string} text */
export function isKey(text) {
  return /^[\x21-\x7e]+$/.test(text);
}

/** Whether an answer refuses for want of a key, or of a better one. @param {Response} answer */
export function wantsKey(answer) {
  return (
    (answer.status === 401 || answer.status === 403) &&
    /^bearer\b/i.test(answer.headers.get("www-authenticate") ?? "")
  );
}

/** The visitor's key. Events: `wanted`, when it turns out that one is needed; `change`, when there is one, another one, or none. */
export class Access extends EventTarget {
  /**
   * @param {Storage | null} [storage] where the key is kept
   * @param {string} [root] the path that the service is under: others of the origin have keys of their own
   */
  constructor(storage = null, root = "") {
    super();
    this.storage = storage;
    this.name = KEPT + root;
    this.key = storage?.getItem(this.name) ?? "";
    /** Whether the service asks for keys, as far as is known. */
    this.isWanted = this.key !== "";
    /** Whether the visitor was asked and gave none. */
    this.isDeclined = false;
    /** Ask the visitor for a key: null if nothing is to change, empty to forget it. @type {(reason: string) => Promise<string | null>} */
    this.ask = async () => null;
    /** @type {Promise<string | null> | null} */
    this.asking = null;
  }

  /** What goes along with each request. @returns {Record<string, string>} */
  get headers() {
    return this.key ? { "x-api-key": this.key } : {};
  }

  /** @param {string} key empty: none any more */
  use(key) {
    this.key = key;
    if (key) this.storage?.setItem(this.name, key);
    else this.storage?.removeItem(this.name);
    this.isDeclined = !key;
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Return whether a refused request may be tried again, with another key than it was sent with. However many
   * requests are refused at once, the visitor is asked once; if he gave none, not again until he gives one himself.
   * @param {string} sent the key that was refused, or nothing
   * @param {string} reason what the service said
   */
  async renew(sent, reason) {
    this.#want();
    if (this.key !== sent) return true;
    if (this.isDeclined) return false;
    await this.change(reason);
    this.isDeclined = this.key === sent;
    return this.key !== "" && !this.isDeclined;
  }

  #want() {
    if (this.isWanted) return;
    this.isWanted = true;
    this.dispatchEvent(new Event("wanted"));
  }

  /** Have the visitor give another key, or forget it. @param {string} reason */
  async change(reason) {
    this.asking ??= this.ask(reason).finally(() => (this.asking = null));
    const key = await this.asking;
    if (key !== null && key !== this.key) this.use(key);
  }
}
