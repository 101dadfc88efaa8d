/** Reads a drawing with the service: where it lies, what it is, and what the model makes of it. */
import { vote } from "./atlas.js";

/**
 * @typedef {object} Reading
 * @property {number[]} zMean
 * @property {number[]} zLogVar
 * @property {unknown[]} x the picture as the model saw it
 * @property {unknown[]} image its reconstruction
 * @property {number} loss reconstruction loss in nats
 * @property {number} kl divergence from the prior in nats
 * @property {{label: number, share: number}[]} shares how sure of each label, the surest first
 * @property {import("./atlas.js").Neighbour[]} neighbours
 * @property {number | null} label the surest, if there are labels
 */

const NEIGHBOURS = 12;

/**
 * @param {import("../app.js").App} app
 * @param {Blob} picture
 * @returns {Promise<Reading>}
 */
export async function readDrawing(app, picture) {
  const { info, atlas } = app.model;
  const init = {
    method: "POST",
    headers: { "content-type": picture.type || "image/png" },
    body: picture,
  };
  const params = {
    format: "json",
    model: info.reference,
    label: info.conditional ? info.classes[0] : null,
  };
  const answer = await (await app.service.fetch("/reconstruct", params, init)).json();
  const zMean = answer.z_mean[0];
  const neighbours = info.classes.length ? atlas.nearest(zMean, NEIGHBOURS) : [];
  const reading = {
    zMean,
    zLogVar: answer.z_log_var[0],
    x: answer.x[0],
    image: answer.images[0],
    loss: answer.reconstruction_loss[0],
    kl: answer.kl_divergence[0],
    shares: vote(neighbours),
    neighbours,
    label: neighbours.length ? vote(neighbours)[0].label : null,
  };
  return info.conditional ? tryLabels(app, reading) : reading;
}

/**
 * Tell the decoder each label in turn: the likelier one makes the picture, the surer that label is (Bayes, all equally likely).
 * @param {import("../app.js").App} app
 * @param {Reading} reading
 * @returns {Promise<Reading>}
 */
async function tryLabels(app, reading) {
  const { classes, reference } = app.model.info;
  const body = {
    pixels: classes.map(() => reading.x),
    label: classes,
    model: reference,
  };
  const answer = await (await app.service.post("/reconstruct", body, { format: "json" })).json();
  const losses = /** @type {number[]} */ (answer.reconstruction_loss);
  const least = Math.min(...losses);
  const weights = losses.map((loss) => Math.exp(least - loss));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const best = losses.indexOf(least);
  const shares = classes
    .map((label, i) => ({ label, share: weights[i] / sum }))
    .sort((a, b) => b.share - a.share);
  return {
    ...reading,
    image: answer.images[best],
    loss: least,
    shares,
    label: classes[best],
  };
}
