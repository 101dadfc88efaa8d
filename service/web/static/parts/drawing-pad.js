/** `<drawing-pad>`: a black board to draw on, or to drop, paste or choose a picture for. Event: `drawn` (detail: Blob or null). */
import { context2d, h } from "../core/dom.js";
import { numberField } from "./choices.js";

/** @typedef {{width: number, points: [number, number][]}} Stroke places in parts of the side */

const SIDE = 448;

/** The board. */
export class DrawingPad extends HTMLElement {
  constructor() {
    super();
    /** @type {Stroke[]} */
    this.strokes = [];
    this.brush = 9;
    this.canvas = h("canvas", {
      width: SIDE,
      height: SIDE,
      tabIndex: 0,
      role: "img",
      "aria-label": "Drawing board: draw with the mouse, a finger or a pen",
    });
    this.file = h("input", { type: "file", accept: "image/*", hidden: true });
  }

  connectedCallback() {
    if (this.childElementCount) return;
    const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
      h("button", { type: "button", onclick }, text);
    this.append(
      this.canvas,
      this.file,
      h(
        "div",
        { className: "tools" },
        button("Undo", () => this.undo()),
        button("Clear", () => this.clear()),
        button("Choose a picture", () => this.file.click()),
        numberField(
          "Brush",
          { value: this.brush, min: 3, max: 18, type: "range" },
          (value) => (this.brush = value),
        ),
      ),
    );
    this.canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => this.#end());
    this.file.addEventListener("change", () => this.#take(this.file.files?.[0]));
    this.addEventListener("dragover", (event) => this.#over(event, true));
    this.addEventListener("dragleave", (event) => this.#over(event, false));
    this.addEventListener("drop", (event) => this.#drop(event));
    this.pasted = (/** @type {ClipboardEvent} */ event) => this.#take(event.clipboardData?.files[0]);
    document.addEventListener("paste", this.pasted);
    this.#paint();
  }

  disconnectedCallback() {
    if (this.pasted) document.removeEventListener("paste", this.pasted);
  }

  undo() {
    this.strokes.pop();
    this.#paint();
    this.#tell();
  }

  clear() {
    this.strokes = [];
    this.#paint();
    this.#tell();
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.drawing && !this.strokes.length) this.#paint();
    this.drawing = true;
    this.strokes.push({
      width: this.brush / 100,
      points: [this.#place(event)],
    });
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #go(event) {
    if (!this.drawing) return;
    this.strokes
      .at(-1)
      ?.points.push(...event.getCoalescedEvents().map((each) => this.#place(each)), this.#place(event));
    this.#paint();
  }

  #end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.#tell();
  }

  #paint() {
    const context = context2d(this.canvas);
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
    context.strokeStyle = "#fff";
    context.lineCap = context.lineJoin = "round";
    for (const { width, points } of this.strokes) {
      context.lineWidth = width * SIDE;
      context.beginPath();
      points.forEach(([x, y], i) =>
        i ? context.lineTo(x * SIDE, y * SIDE) : context.moveTo(x * SIDE, y * SIDE),
      );
      if (points.length === 1) context.lineTo(points[0][0] * SIDE, points[0][1] * SIDE);
      context.stroke();
    }
  }

  #tell() {
    if (!this.strokes.length) return void this.#say(null);
    this.canvas.toBlob((blob) => this.#say(blob), "image/png");
  }

  /** @param {Blob | null} blob */
  #say(blob) {
    this.dispatchEvent(new CustomEvent("drawn", { detail: blob }));
  }

  /** @param {DragEvent} event @param {boolean} over */
  #over(event, over) {
    event.preventDefault();
    this.classList.toggle("over", over);
  }

  /** @param {DragEvent} event */
  #drop(event) {
    this.#over(event, false);
    this.#take(event.dataTransfer?.files[0]);
  }

  /** Show a picture and hand it on as it is; the service reads what it can read. @param {File | undefined} file */
  async #take(file) {
    if (!file) return;
    this.strokes = [];
    this.#paint();
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (bitmap) {
      const scale = Math.min(SIDE / bitmap.width, SIDE / bitmap.height);
      const [width, height] = [bitmap.width * scale, bitmap.height * scale];
      context2d(this.canvas).drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    }
    this.file.value = "";
    this.#say(file);
  }
}

customElements.define("drawing-pad", DrawingPad);
