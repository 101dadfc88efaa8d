/** Turns pointers, wheel and keys into what they mean on the map. */

/**
 * @typedef {object} Handlers
 * @property {(left: number, top: number) => boolean} grabs whether the current point is under a pixel
 * @property {() => boolean} lassoes whether dragging draws a lasso
 * @property {(left: number, top: number) => void} hover
 * @property {() => void} leave
 * @property {(left: number, top: number, done: boolean) => void} steer move the current point
 * @property {(left: number, top: number) => void} pick
 * @property {(right: number, down: number) => void} pan
 * @property {(factor: number, left: number, top: number) => void} zoom
 * @property {(left: number, top: number, done: boolean) => void} lasso
 */

const CLICK_PIXELS = 5;

/** Watches the pointers on an element. */
export class Gestures {
  /**
   * @param {HTMLElement} element
   * @param {Handlers} handlers
   */
  constructor(element, handlers) {
    this.element = element;
    this.handlers = handlers;
    /** @type {Map<number, [number, number]>} */
    this.pointers = new Map();
    /** @type {"" | "pan" | "steer" | "pinch" | "lasso"} */
    this.mode = "";
    this.moved = 0;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#up(event));
    element.addEventListener("pointerleave", () => this.handlers.leave());
    element.addEventListener("wheel", (event) => this.#wheel(event), {
      passive: false,
    });
  }

  /** @param {MouseEvent} event @returns {[number, number]} */
  #place(event) {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button > 0) return;
    const place = this.#place(event);
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, place);
    this.moved = 0;
    if (this.pointers.size > 1) this.mode = "pinch";
    else if (this.handlers.lassoes()) this.mode = "lasso";
    else this.mode = event.pointerType === "touch" || this.handlers.grabs(...place) ? "steer" : "pan";
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const place = this.#place(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.handlers.hover(...place);
    const [right, down] = [place[0] - before[0], place[1] - before[1]];
    this.moved += Math.abs(right) + Math.abs(down);
    if (this.mode === "pinch") this.#pinch(event.pointerId, place);
    else if (this.moved >= CLICK_PIXELS) this.#drag(place, right, down);
    this.pointers.set(event.pointerId, place);
  }

  /** @param {[number, number]} place @param {number} right @param {number} down */
  #drag(place, right, down) {
    if (this.mode === "pan") this.handlers.pan(right, down);
    if (this.mode === "steer") this.handlers.steer(...place, false);
    if (this.mode === "lasso") this.handlers.lasso(...place, false);
  }

  /** @param {number} id @param {[number, number]} place */
  #pinch(id, place) {
    const before = /** @type {[number, number]} */ (this.pointers.get(id));
    const other = [...this.pointers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const apart = (/** @type {[number, number]} */ at) =>
      Math.max(10, Math.hypot(at[0] - other[0], at[1] - other[1]));
    const middle = (/** @type {[number, number]} */ at) => [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    const [now, then] = [middle(place), middle(before)];
    this.handlers.pan(now[0] - then[0], now[1] - then[1]);
    this.handlers.zoom(apart(place) / apart(before), now[0], now[1]);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const place = this.#place(event);
    const clicked = this.moved < CLICK_PIXELS && event.type === "pointerup";
    if (this.mode === "lasso") this.handlers.lasso(...place, true);
    else if (this.mode !== "pinch" && clicked) this.handlers.pick(...place);
    else if (this.mode === "steer") this.handlers.steer(...place, true);
    if (!this.pointers.size) this.mode = "";
    else this.mode = "pinch";
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.handlers.zoom(2 ** ((-event.deltaY * lines) / 320), ...this.#place(event));
  }
}
