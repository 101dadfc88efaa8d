/** The state of the page, which its URL holds: a link shows the same, and Back goes back. */

/** How a value stands in a URL. @template T @typedef {{initial: T, read: (text: string) => T, write: (value: T) => string}} Kind */

/** @param {string} text */
const numbers = (text) =>
  text
    .split(",")
    .filter((part) => part.trim())
    .map(Number)
    .filter(Number.isFinite);
/** @param {number} value at most 4 decimals, so that links stay short */
export const round = (value) => Math.round(value * 1e4) / 1e4;

/** @param {string} initial @returns {Kind<string>} */
const text = (initial) => ({
  initial,
  read: (value) => value,
  write: (value) => value,
});
/** @param {number | null} initial @returns {Kind<number | null>} */
const number = (initial) => ({
  initial,
  read: (value) => (value !== "" && Number.isFinite(Number(value)) ? Number(value) : initial),
  write: (value) => (value === null ? "" : String(round(value))),
});
/** @returns {Kind<number[]>} */
const list = () => ({
  initial: [],
  read: numbers,
  write: (value) => value.map(round).join(","),
});
/** @returns {Kind<number[][]>} */
const lists = () => ({
  initial: [],
  read: (value) =>
    value
      .split(";")
      .map(numbers)
      .filter((entry) => entry.length),
  write: (value) => value.map((entry) => entry.map(round).join(",")).join(";"),
});

/**
 * @typedef {object} State
 * @property {string} view the panel that is open
 * @property {string} model its name; empty: the service's default
 * @property {number[]} z the current point; empty: the middle
 * @property {number | null} label for a label-conditioned model
 * @property {number[]} at the middle of the map and how many units of latent space it is wide; empty: all points
 * @property {number[]} hidden classes that the map leaves out
 * @property {string} layers what the map shows: both, points or pictures
 * @property {number | null} digit the class to generate; null: the prior
 * @property {number | null} seed
 * @property {number | null} temperature
 * @property {number | null} n how many pictures to generate
 * @property {number | null} around how far around the current point to generate, in standard deviations; null: anywhere
 * @property {number[][]} path the points to interpolate between
 * @property {number[]} labels their labels, for a label-conditioned model
 * @property {number | null} steps
 * @property {string} method lerp or slerp; empty: as the service chooses
 * @property {number | null} speed milliseconds a picture
 * @property {string} text the digits to write in one's own hand
 */

/** @type {{[K in keyof State]: Kind<State[K]>}} */
const KINDS = {
  view: text("map"),
  model: text(""),
  z: list(),
  label: number(null),
  at: list(),
  hidden: list(),
  layers: text("both"),
  digit: number(null),
  seed: number(1),
  temperature: number(1),
  n: number(16),
  around: number(null),
  path: lists(),
  labels: list(),
  steps: number(12),
  method: text(""),
  speed: number(100),
  text: text("0123456789"),
};
const URL_MS = 350;
const NAMES = /** @type {(keyof State)[]} */ (Object.keys(KINDS));

/**
 * Return the state that a query stands for.
 * @param {string} query
 * @returns {State}
 */
export function readState(query) {
  const params = new URLSearchParams(query);
  const entries = NAMES.map((name) => {
    const value = params.get(name);
    return [name, value === null ? KINDS[name].initial : KINDS[name].read(value)];
  });
  return /** @type {State} */ (Object.fromEntries(entries));
}

/**
 * Return the query that stands for a state, without what is as at the beginning.
 * @param {State} state
 * @returns {string}
 */
export function writeState(state) {
  const parts = NAMES.flatMap((name) => {
    const kind = /** @type {Kind<unknown>} */ (KINDS[name]);
    const value = kind.write(state[name]);
    return value === kind.write(kind.initial)
      ? []
      : [`${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3B", ";")}`];
  });
  return parts.length ? `?${parts.join("&")}` : "";
}

/** The state, kept in the URL. Event: `change` (detail: the names that changed). */
export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.pending = "";
    this.state = readState(location.search);
    addEventListener("popstate", () => this.#follow());
  }

  /**
   * Change the state.
   * @param {Partial<State>} changes
   * @param {{step?: boolean}} [how] step: whether Back comes back to what was before
   */
  set(changes, { step = false } = {}) {
    const before = { ...this.state };
    Object.assign(this.state, changes);
    const names = this.#differences(before);
    if (!names.length) return;
    const url = location.pathname + writeState(this.state);
    if (step) this.#push(url);
    else this.#replaceSoon(url);
    this.#tell(names);
  }

  /** @param {string} url */
  #push(url) {
    this.#write();
    history.pushState(null, "", url);
  }

  /** Browsers allow a hundred changes of the URL in half a minute. @param {string} url */
  #replaceSoon(url) {
    this.pending = url;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#write(), URL_MS);
  }

  #write() {
    clearTimeout(this.timer);
    if (this.pending) history.replaceState(null, "", this.pending);
    this.pending = "";
  }

  #follow() {
    clearTimeout(this.timer);
    this.pending = "";
    const before = this.state;
    this.state = readState(location.search);
    this.#tell(this.#differences(before));
  }

  /** @param {State} before */
  #differences(before) {
    return NAMES.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(this.state[name]));
  }

  /** @param {(keyof State)[]} names */
  #tell(names) {
    this.dispatchEvent(new CustomEvent("change", { detail: names }));
  }
}
