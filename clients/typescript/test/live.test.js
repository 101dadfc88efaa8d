// The client against a live service, whose address is in CVAE_URL.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CvaeClient, ServiceError } from "../dist/index.js";

const base = process.env["CVAE_URL"] ?? "";
assert.match(base, /^http/, "CVAE_URL: expected the address of a service");
const cvae = new CvaeClient(`${base}/`);
const Z = [0.5, -1.0];

/** @param {Blob} blob */
const bytes = async (blob) => Buffer.from(await blob.arrayBuffer());
/** @param {string} url */
const get = async (url) => Buffer.from(await (await fetch(url)).arrayBuffer());

test("a vector becomes a picture, the same as by its URL", async () => {
  const picture = await cvae.decode(Z, { scale: 4, colormap: "viridis" });
  assert.equal(picture.type, "image/png");
  assert.deepEqual(await bytes(picture), await get(cvae.urls.decode(Z, { scale: 4, colormap: "viridis" })));
  assert.equal((await cvae.decode([Z, Z], { format: "webp" })).type, "image/webp");
});

test("a vector becomes numbers", async () => {
  const answer = await cvae.decodeNumbers(Z, { dtype: "uint8" });
  assert.deepEqual([answer.model, answer.z], ["mnist-2d", [Z]]);
  assert.deepEqual([answer.images.length, answer.images[0]?.length, answer.images[0]?.[0]?.length], [1, 28, 28]);
  const styles = await cvae.decodeNumbers(Array(16).fill(0), { model: "mnist-16d-conditional", label: 3 });
  assert.equal(styles.model, "mnist-16d-conditional");
});

test("files become vectors", async () => {
  const [three, seven] = await Promise.all([3, 7].map((label) => get(cvae.urls.digit(label, { seed: 1 }))));
  const files = [three, seven].map((content) => new Blob([content ?? ""], { type: "image/png" }));
  const answer = await cvae.encode(files, { neighbours: 1, seed: 2 });
  assert.deepEqual([answer.z_mean.length, answer.z?.length, answer.seed], [2, 2, 2]);
  assert.deepEqual(answer.neighbours?.map(([nearest]) => nearest?.label), [3, 7]);
  assert.equal((await cvae.reconstruct(files, { scale: 2 })).type, "image/png");
});

test("labels are written in the style of a picture", async () => {
  const picture = await cvae.decode(Z);
  const sheet = await cvae.restyle(picture, { model: "mnist-16d-conditional", labels: "2025", columns: 4 });
  const width = (await bytes(sheet)).readUInt32BE(16);
  assert.equal(width % 4, 0);
  const other = await cvae.restyle([picture, picture], { model: "mnist-16d-conditional", labels: "2025", columns: 4 });
  assert.deepEqual(await bytes(other), await bytes(sheet)); // the mean of a style and itself
  await assert.rejects(cvae.restyle(picture, { model: "mnist-2d" }), { status: 422 });
});

test("an interpolation goes between vectors, classes and pictures", async () => {
  const moving = await cvae.interpolate(3, [0.1, -0.4], { steps: 4, format: "gif" });
  assert.deepEqual(await bytes(moving), await get(cvae.urls.interpolate(3, [0.1, -0.4], { steps: 4, extension: "gif" })));
  const through = [7, [0.5, 0.5]];
  const round = await cvae.interpolate(3, 3, { steps: 7, through });
  assert.deepEqual(await bytes(round), await get(cvae.urls.interpolate(3, 3, { steps: 7, through })));
  await assert.rejects(cvae.interpolate(round, 3, { through }), TypeError);
  const strip = await cvae.interpolate(await cvae.decode(Z), 3, { steps: 5, through: [] });
  assert.equal((await bytes(strip)).readUInt32BE(16), 5 * 28); // the width in a PNG's header
});

test("the same seed draws the same", async () => {
  const drawn = await cvae.sample({ n: 4, seed: 1, digit: 7 });
  assert.deepEqual(await bytes(drawn), await get(cvae.urls.sample({ n: 4, seed: 1, digit: 7 })));
});

test("every URL is a picture", async () => {
  const { urls } = cvae;
  for (const url of [urls.decode([Z, Z]), urls.digit(3), urls.manifold({ n: 3 }), urls.latentMap({ size: 64 })]) {
    const answer = await fetch(url);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/png"], url);
  }
});

test("the models are listed", async () => {
  const { models, default: first } = await cvae.models();
  assert.equal(models.find((model) => model.name === first)?.latent_dim, 2);
});

test("what is wrong is said with its field", async () => {
  await assert.rejects(cvae.decode([0.5]), (error) => {
    assert(error instanceof ServiceError);
    assert.deepEqual([error.status, error.problem?.errors[0]?.field], [422, "z"]);
    assert.match(error.message, /expected 2 numbers a vector/);
    return true;
  });
  await assert.rejects(cvae.encode(new Blob(["no picture"], { type: "image/png" })), { status: 400 });
});

test("a call can be ended, and has a limit", async () => {
  await assert.rejects(cvae.decode(Z, { signal: AbortSignal.abort() }), { name: "AbortError" });
  const nowhere = new CvaeClient("http://127.0.0.1:9", { retry: { tries: 100, firstWaitMs: 50 }, timeoutMs: 300 });
  await assert.rejects(nowhere.models(), { name: "TimeoutError" });
});
