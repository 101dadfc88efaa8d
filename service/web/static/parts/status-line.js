/** What the model is and what the last answer said of itself. */
import { h } from "../core/dom.js";

/** Keeps the footer up to date. */
export class StatusLine {
  /**
   * @param {import("../app.js").App} app
   * @param {HTMLElement} root
   */
  constructor(app, root) {
    this.model = h("dd", { id: "status-model" });
    this.runs = h("dd");
    this.last = h("dd", { id: "status-last" }, "none yet");
    root.append(
      h(
        "dl",
        {},
        h("dt", {}, "Model"),
        this.model,
        h("dt", {}, "Runs on"),
        this.runs,
        h("dt", {}, "Last answer"),
        this.last,
      ),
    );
    app.service.addEventListener("report", (event) =>
      this.#report(/** @type {CustomEvent} */ (event).detail),
    );
  }

  /** @param {import("../space/model.js").Model} model */
  show({ info, decoder }) {
    this.model.textContent = `${info.reference}, ${info.latent_dim} dimension${info.latent_dim > 1 ? "s" : ""}, ${info.image.width} × ${info.image.height}`;
    const provider = info.runtime.provider.replace("ExecutionProvider", "");
    this.runs.textContent = `${provider}, onnxruntime ${info.runtime.onnxruntime}; previews ${decoder ? "in this page" : "by the service"}`;
  }

  /** @param {import("../core/service.js").Report} report */
  #report({ path, model, timing, tookMs, cache }) {
    if (!model || path.startsWith("/models/")) return;
    const steps = Object.entries(timing).map(([name, ms]) => `${name} ${ms.toFixed(2)}`);
    const from = {
      browser: "browser's cache",
      service: "service's cache",
      none: "computed",
    }[cache];
    this.last.textContent = `${path} in ${tookMs.toFixed(0)} ms (${from}; ${steps.join(", ")} ms)`;
  }
}
