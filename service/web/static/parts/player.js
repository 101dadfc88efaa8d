/** Plays pictures one after the other: a picture, a strip of all, a slider, play and pause. */
import { calm, h } from "../core/dom.js";
import { numberField } from "./choices.js";

/** A player. */
export class Player {
  /**
   * @param {object} options
   * @param {number} options.speedMs of a picture
   * @param {(speedMs: number) => void} options.changeSpeed
   * @param {(canvas: HTMLCanvasElement, index: number) => void} options.draw
   * @param {(index: number) => void} options.shown called with each picture that is shown
   */
  constructor({ speedMs, changeSpeed, draw, shown }) {
    this.draw = draw;
    this.shown = shown;
    this.speedMs = speedMs;
    this.count = 0;
    this.at = 0;
    this.direction = 1;
    this.playing = !calm();
    this.canvas = h("canvas", {
      className: "picture",
      id: "frame",
      role: "img",
      "aria-label": "A picture on the way",
    });
    this.strip = h("div", {
      className: "strip",
      tabIndex: 0,
      role: "group",
      "aria-label": "All pictures on the way",
    });
    this.button = h("button", {
      type: "button",
      className: "primary",
      id: "play",
      onclick: () => this.setPlaying(!this.playing),
    });
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Picture",
    });
    this.slider.addEventListener("input", () => this.#pause(this.slider.valueAsNumber));
    const speed = {
      value: speedMs,
      min: 40,
      max: 500,
      step: 10,
      type: /** @type {const} */ ("range"),
    };
    const pace = numberField("Milliseconds a picture", speed, (value) => {
      this.speedMs = value;
      changeSpeed(value);
    });
    this.element = h(
      "div",
      { className: "player" },
      h("div", { className: "pair" }, this.canvas, h("div", { className: "beside" }, this.button, pace)),
      this.slider,
      this.strip,
    );
  }

  /** Show other pictures. @param {number} count */
  load(count) {
    this.count = count;
    this.slider.max = String(count - 1);
    this.strip.replaceChildren(...Array.from({ length: count }, (_, i) => this.#thumbnail(i)));
    this.#show(Math.min(this.at, count - 1));
    this.setPlaying(this.playing);
  }

  /** @param {boolean} playing */
  setPlaying(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "Pause" : "Play";
    clearTimeout(this.timer);
    if (playing) this.timer = setTimeout(() => this.#step(), this.speedMs);
  }

  stop() {
    clearTimeout(this.timer);
  }

  /** @param {number} i */
  #thumbnail(i) {
    const canvas = h("canvas");
    this.draw(canvas, i);
    return h(
      "button",
      {
        type: "button",
        tabIndex: -1,
        "aria-label": `Picture ${i + 1}`,
        onclick: () => this.#pause(i),
      },
      canvas,
    );
  }

  /** @param {number} i */
  #show(i) {
    this.strip.children[this.at]?.removeAttribute("aria-current");
    this.at = i;
    const thumbnail = /** @type {HTMLElement} */ (this.strip.children[i]);
    thumbnail.setAttribute("aria-current", "true");
    const middle = thumbnail.offsetLeft - this.strip.offsetLeft + thumbnail.offsetWidth / 2;
    this.strip.scrollLeft = middle - this.strip.clientWidth / 2;
    this.draw(this.canvas, i);
    this.slider.value = String(i);
    this.slider.setAttribute("aria-valuetext", `${i + 1} of ${this.count}`);
    this.shown(i);
  }

  /** @param {number} i */
  #pause(i) {
    this.setPlaying(false);
    this.#show(i);
  }

  /** Go to the next picture, and back from the last. */
  #step() {
    if (this.at + this.direction < 0 || this.at + this.direction >= this.count) this.direction *= -1;
    const next = this.at + this.direction;
    if (next >= 0 && next < this.count) this.#show(next);
    this.setPlaying(true);
  }
}
