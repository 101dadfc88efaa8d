/** Talks to the service: addresses, errors as it words them, and what its answers say of themselves. */

import { Access, wantsKey } from "./access.js";

/** @typedef {Record<string, string | number | boolean | null | undefined | (string | number)[]>} Params */
/**
 * @typedef {object} Report what an answer says of itself
 * @property {string} path
 * @property {string} model `name@version`, or empty
 * @property {Record<string, number>} timing milliseconds by step, from Server-Timing
 * @property {number} tookMs from the call to the answer's head
 * @property {"browser" | "service" | "none"} cache which cache answered
 */

const HEALTH_MS = 2000;
// An answer that took less than this, and no time on the wire, came from the browser's own cache.
const NO_BYTES = 0;

/** An error that the service explained. */
export class ServiceError extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The service that served the page. Events: `report` (detail: Report), `offline`, `online`. */
export class Service extends EventTarget {
  /**
   * @param {string} root the path that it is served under, without a slash at the end
   * @param {Access} [access] the key to send, if it asks for one
   */
  constructor(root, access = new Access()) {
    super();
    this.root = root;
    this.access = access;
    this.isOnline = true;
  }

  /**
   * Return an address.
   * @param {string} path
   * @param {Params} [params] those that are null, undefined or empty are left out; lists stand several times
   * @returns {string}
   */
  url(path, params = {}) {
    const query = Object.entries(params).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value])
        .filter((each) => each !== null && each !== undefined && each !== "")
        .map(
          (each) =>
            `${name}=${encodeURIComponent(String(each)).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%40", "@")}`,
        ),
    );
    return this.root + path + (query.length ? `?${query.join("&")}` : "");
  }

  /**
   * Send a request, and return the answer to it. One that is refused for want of a key is sent again, once there is one.
   * @param {string} path
   * @param {Params} [params]
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   * @throws {ServiceError} the answer is an error
   */
  async fetch(path, params = {}, init = {}) {
    const begun = performance.now();
    const { key, headers } = this.access;
    const answer = await this.#send(this.url(path, params), {
      ...init,
      headers: { ...init.headers, ...headers },
    });
    if (answer.ok) {
      this.#report(path, answer, performance.now() - begun);
      return answer;
    }
    const reason = await explain(answer);
    if (wantsKey(answer) && (await this.access.renew(key, reason))) return this.fetch(path, params, init);
    throw new ServiceError(answer.status, reason);
  }

  /**
   * @param {string} url
   * @param {RequestInit} init
   */
  async #send(url, init) {
    try {
      return await fetch(url, init);
    } catch (error) {
      if (!init.signal?.aborted) this.#lose();
      throw error;
    }
  }

  /**
   * Send JSON, and return the answer.
   * @param {string} path
   * @param {unknown} body
   * @param {Params} [params]
   * @param {AbortSignal} [signal]
   */
  post(path, body, params = {}, signal = undefined) {
    const headers = { "content-type": "application/json" };
    return this.fetch(path, params, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal,
    });
  }

  /**
   * @param {string} path
   * @param {Response} answer
   * @param {number} tookMs
   */
  #report(path, answer, tookMs) {
    const model = answer.headers.get("cvae-model") ?? "";
    const timing = parseTiming(answer.headers.get("server-timing") ?? "");
    const entry = /** @type {PerformanceResourceTiming | undefined} */ (
      performance.getEntriesByName(answer.url, "resource").at(-1)
    );
    const local = entry !== undefined && entry.transferSize === NO_BYTES && entry.decodedBodySize > 0;
    const cache = local ? "browser" : model && timing.inference === 0 ? "service" : "none";
    this.dispatchEvent(
      new CustomEvent("report", {
        detail: { path, model, timing, tookMs, cache },
      }),
    );
  }

  #lose() {
    if (!this.isOnline) return;
    this.isOnline = false;
    this.dispatchEvent(new Event("offline"));
    this.#wait();
  }

  /** Ask until the service is there again. */
  #wait() {
    setTimeout(async () => {
      const answer = await fetch(this.url("/health/ready"), {
        cache: "no-store",
      }).catch(() => null);
      if (!answer?.ok) return this.#wait();
      this.isOnline = true;
      this.dispatchEvent(new Event("online"));
    }, HEALTH_MS);
  }
}

/**
 * Return what an answer says is wrong.
 * @param {Response} answer
 */
async function explain(answer) {
  const problem = await answer.json().catch(() => null);
  return problem?.detail ?? `the service answered ${answer.status}`;
}

/**
 * Return the milliseconds of a Server-Timing header by their names.
 * @param {string} header
 * @returns {Record<string, number>}
 */
export function parseTiming(header) {
  const entries = header.split(",").map((part) => part.trim().match(/^([\w-]+);dur=([\d.]+)/));
  return Object.fromEntries(entries.flatMap((found) => (found ? [[found[1], Number(found[2])]] : [])));
}
