/** A way through latent space, from A to B or through several points, that plays and can be saved. */
import { calm, h, settle } from "../core/dom.js";
import { rounded, toText } from "../core/vectors.js";
import { choices, numberField } from "../parts/choices.js";
import { copyLines } from "../parts/copy-lines.js";
import { paint } from "../parts/live-picture.js";
import { between, defaultMethod, walkThrough } from "../space/interpolation.js";

const SHOWN = ["path", "labels", "steps", "method"];
const FORMATS = ["gif", "apng", "webp", "png"];
const SCALE = 8;

/** The panel. */
export class InterpolateView {
  hint = "Click on the map to go on to there";

  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   * @param {import("../map/latent-map.js").LatentMap} map
   */
  constructor(app, root, map) {
    this.app = app;
    this.map = map;
    this.at = 0;
    this.direction = 1;
    this.playing = !calm();
    /** @type {number[][]} */
    this.frames = [];
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
    this.play = h("button", {
      type: "button",
      className: "primary",
      id: "play",
      onclick: () => this.#setPlaying(!this.playing),
    });
    this.stops = h("div", { className: "row tight" });
    this.save = h("div");
    this.slider = h("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": "Picture",
    });
    this.slider.addEventListener("input", () =>
      this.#pause(this.slider.valueAsNumber),
    );
    this.copy = copyLines(app, () => this.#leg(0, "gif"));
    root.append(...this.#controls());
    this.build = settle(40, () => this.#build());
    this.#build();
    this.#setPlaying(this.playing);
  }

  /** The points to go through. @returns {number[][]} */
  get points() {
    const given = this.app.store.state.path.filter(
      (z) => z.length === this.app.model.dim,
    );
    if (given.length) return given;
    const { atlas, info, origin } = this.app.model;
    const ends = [info.classes[3], info.classes[8]].map((label) =>
      label === undefined ? null : atlas.typical(label),
    );
    return [
      ends[0] ?? origin.map(() => -1),
      ends[1] ?? origin.map(() => 1),
    ].map(rounded);
  }

  /** Each point's label, for a label-conditioned model. @returns {(number | null)[]} */
  get labels() {
    const { info } = this.app.model;
    const { labels } = this.app.store.state;
    if (!info.conditional) return this.points.map(() => null);
    return this.points.map(
      (_, i) =>
        labels[i] ??
        (i ? (info.classes[8] ?? info.classes[0]) : this.app.label),
    );
  }

  get method() {
    return this.app.store.state.method || defaultMethod(this.app.model.dim);
  }

  #controls() {
    const { store, model } = this.app;
    const { steps, speed } = store.state;
    const add = () => this.#go(this.app.z);
    const start = () =>
      store.set(
        { path: [rounded(this.app.z)], labels: this.#label() },
        { step: true },
      );
    const classes = model.info.classes.map(
      (label) =>
        /** @type {[string, number | null]} */ ([String(label), label]),
    );
    return [
      this.stops,
      h(
        "div",
        { className: "row" },
        h("button", { type: "button", onclick: start }, "Start at the current"),
        h("button", { type: "button", onclick: add }, "Go on to the current"),
      ),
      ...(classes.length
        ? [
            h("p", { className: "quiet" }, "Or go on to a"),
            choices("Go on to a", classes, null, (label) =>
              this.#goToClass(label),
            ),
          ]
        : []),
      h(
        "div",
        { className: "pair" },
        this.canvas,
        h(
          "div",
          { className: "beside" },
          this.play,
          numberField(
            "Milliseconds a picture",
            { value: speed, min: 40, max: 500, step: 10, type: "range" },
            (value) => store.set({ speed: value }),
          ),
        ),
      ),
      this.slider,
      this.strip,
      h(
        "div",
        { className: "row" },
        numberField("Steps", { value: steps, min: 2, max: 60 }, (value) =>
          store.set({ steps: Math.round(value) }),
        ),
        h(
          "div",
          { className: "field" },
          h("span", {}, "Way"),
          choices(
            "Way",
            [
              ["straight (lerp)", "lerp"],
              ["arc (slerp)", "slerp"],
            ],
            this.method,
            (method) => store.set({ method }),
          ),
        ),
      ),
      this.save,
      this.copy,
    ];
  }

  /** @returns {number[]} */
  #label() {
    return this.app.label === null ? [] : [this.app.label];
  }

  /** @param {number | null} label */
  #goToClass(label) {
    const { model } = this.app;
    if (label === null) return;
    const z = model.info.conditional ? this.app.z : model.atlas.typical(label);
    if (z) this.#go(z, label);
  }

  /** Go on to a point. @param {number[]} z @param {number | null} label */
  #go(z, label = this.app.label) {
    const labels = this.app.model.info.conditional
      ? [...this.labels, label].map(Number)
      : [];
    this.app.store.set(
      { path: [...this.points, rounded(z)], labels },
      { step: true },
    );
  }

  /** @param {[number, number]} place */
  pick(place) {
    this.#go(this.app.model.axes.move(this.app.z, ...place));
    return true;
  }

  /** @param {Set<string>} names */
  update(names) {
    if (SHOWN.some((name) => names.has(name))) this.build();
    if (names.has("speed")) this.#showSave();
  }

  #build() {
    const { steps } = this.app.store.state;
    const { points, labels, method } = this;
    this.frames = walkThrough(points, steps ?? 12, method);
    // A label turns into the next as evenly as the point does.
    this.mixtures = labels.some((label) => label !== labels[0])
      ? walkThrough(
          labels.map((label) => this.app.model.oneHot(label) ?? []),
          steps ?? 12,
          "lerp",
        )
      : null;
    const project = (/** @type {number[]} */ z) =>
      this.app.model.axes.project(z);
    this.map.mark({
      path: this.#finePath(points).map(project),
      stops: points.map(project),
    });
    this.slider.max = String(this.frames.length - 1);
    this.strip.replaceChildren(
      ...this.frames.map((_, i) => this.#thumbnail(i)),
    );
    this.#showStops();
    this.#showSave();
    this.#show(Math.min(this.at, this.frames.length - 1));
  }

  /** @param {number[][]} points */
  #finePath(points) {
    return points.flatMap((z, i) =>
      i
        ? Array.from({ length: 24 }, (_, step) =>
            between(points[i - 1], z, (step + 1) / 24, this.method),
          )
        : [z],
    );
  }

  /** @param {number} i */
  #thumbnail(i) {
    const canvas = h("canvas");
    this.#draw(canvas, i);
    return h(
      "button",
      {
        type: "button",
        "aria-label": `Picture ${i + 1}`,
        onclick: () => this.#pause(i),
      },
      canvas,
    );
  }

  /** @param {HTMLCanvasElement} canvas @param {number} i */
  #draw(canvas, i) {
    const { model } = this.app;
    if (this.mixtures && model.decoder)
      return paint(
        this.app,
        canvas,
        this.frames[i],
        this.labels[0],
        this.mixtures[i],
      );
    const leg = Math.floor(
      i / Math.max(1, (this.app.store.state.steps ?? 12) - 1),
    );
    paint(
      this.app,
      canvas,
      this.frames[i],
      this.labels[Math.min(leg, this.labels.length - 1)],
    );
  }

  #showStops() {
    const drop = (/** @type {number} */ i) => {
      const keep = (/** @type {unknown} */ _, /** @type {number} */ j) =>
        i !== j;
      this.app.store.set(
        {
          path: this.points.filter(keep),
          labels: this.labels.map(Number).filter(keep),
        },
        { step: true },
      );
    };
    const name = (/** @type {number} */ i) =>
      String.fromCharCode(65 + (i % 26));
    this.stops.replaceChildren(
      ...this.points.map((_, i) => {
        const label = this.labels[i] === null ? "" : ` (${this.labels[i]})`;
        return h(
          "button",
          {
            type: "button",
            disabled: this.points.length < 2,
            "aria-label": `Leave out ${name(i)}`,
            title: "Leave out",
            onclick: () => drop(i),
          },
          `${name(i)}${label} ×`,
        );
      }),
    );
  }

  /**
   * Return the service's picture of the way from one point to the next.
   * @param {number} i
   * @param {string} format
   * @returns {import("../core/snippets.js").Picture}
   */
  #leg(i, format) {
    const { points, labels, method } = this;
    const { steps, speed } = this.app.store.state;
    const next = Math.min(i + 1, points.length - 1);
    const moving = format === "png" ? {} : { duration_ms: speed };
    const params = {
      from: toText(points[i]),
      to: toText(points[next]),
      from_label: labels[i],
      to_label: labels[next],
      steps,
      method,
      model: this.app.model.info.reference,
      scale: SCALE,
      resample: "smooth",
      ...moving,
    };
    return { path: `/interpolate.${format}`, params };
  }

  #showSave() {
    const rows = this.points.slice(1).map((_, i) => {
      const links = FORMATS.map((format) => {
        const { path, params } = this.#leg(i, format);
        const name = format === "png" ? "PNG strip" : format.toUpperCase();
        return h(
          "a",
          {
            href: this.app.service.url(path, { ...params, download: true }),
            download: `interpolate.${format}`,
          },
          name,
        );
      });
      return h(
        "div",
        { className: "row" },
        h(
          "span",
          { className: "quiet" },
          `Save ${String.fromCharCode(65 + i)} → ${String.fromCharCode(66 + i)}`,
        ),
        ...links,
      );
    });
    this.save.replaceChildren(...rows);
    this.copy.refresh();
  }

  /** @param {number} i */
  #show(i) {
    this.strip.children[this.at]?.removeAttribute("aria-current");
    this.at = i;
    const thumbnail = /** @type {HTMLElement} */ (this.strip.children[i]);
    thumbnail.setAttribute("aria-current", "true");
    const { offsetLeft, offsetWidth } = thumbnail;
    this.strip.scrollLeft =
      offsetLeft -
      this.strip.offsetLeft -
      this.strip.clientWidth / 2 +
      offsetWidth / 2;
    this.#draw(this.canvas, i);
    this.slider.value = String(i);
    this.slider.setAttribute(
      "aria-valuetext",
      `${i + 1} of ${this.frames.length}`,
    );
    this.map.mark({ walker: this.app.model.axes.project(this.frames[i]) });
  }

  /** @param {number} i */
  #pause(i) {
    this.#setPlaying(false);
    this.#show(i);
  }

  /** @param {boolean} playing */
  #setPlaying(playing) {
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Play";
    clearTimeout(this.timer);
    if (playing)
      this.timer = setTimeout(
        () => this.#step(),
        this.app.store.state.speed ?? 100,
      );
  }

  /** Go to the next picture, and back from the last. */
  #step() {
    if (
      this.at + this.direction < 0 ||
      this.at + this.direction >= this.frames.length
    )
      this.direction *= -1;
    const next = this.at + this.direction;
    if (next >= 0 && next < this.frames.length) this.#show(next);
    this.#setPlaying(true);
  }

  close() {
    clearTimeout(this.timer);
    this.build.cancel();
  }
}
