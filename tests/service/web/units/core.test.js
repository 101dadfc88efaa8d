import assert from "node:assert/strict";
import { test } from "node:test";
import { Access } from "../../../../service/web/static/core/access.js";
import { readNpy } from "../../../../service/web/static/core/npy.js";
import { parseTiming, Service } from "../../../../service/web/static/core/service.js";
import { linesFor, linesForUpload } from "../../../../service/web/static/core/snippets.js";
import { readState, writeState } from "../../../../service/web/static/core/store.js";

test("a state is the same after its URL", () => {
  const query = "?view=interpolate&model=mnist-16d&z=0.5,-1&hidden=3,5&path=1,2;3,4.25&steps=5&text=1%2F2";
  assert.equal(writeState(readState(query)), query);
});

test("what is as at the beginning is not in the URL", () => {
  assert.equal(writeState(readState("")), "");
  assert.equal(writeState(readState("?view=map&seed=1&unknown=2")), "");
});

test("nonsense in a URL is as if it were not there", () => {
  const state = readState("?z=a,b&n=many&path=;;&at=1,x&around=");
  assert.deepEqual([state.z, state.n, state.path, state.at, state.around], [[], 16, [], [1], null]);
});

test("vectors in URLs are short", () => {
  const state = { ...readState(""), z: [1 / 3, -0] };
  assert.equal(writeState(state), "?z=0.3333,0");
});

test("addresses have their parameters, lists several times, and nothing that is not set", () => {
  const service = new Service("/cvae");
  assert.equal(
    service.url("/decode.png", { z: ["1,2", "3,4"], label: null, model: "a@b", n: 0, empty: "" }),
    "/cvae/decode.png?z=1,2&z=3,4&model=a@b&n=0",
  );
  assert.equal(service.url("/models"), "/cvae/models");
});

test("Server-Timing is read by its steps", () => {
  assert.deepEqual(parseTiming("queue;dur=0.402, inference;dur=0.713, encode;dur=0.052"), {
    queue: 0.402,
    inference: 0.713,
    encode: 0.052,
  });
  assert.deepEqual(parseTiming(""), {});
});

/** @param {string} header @param {ArrayBuffer} data */
function npy(header, data) {
  const text = header.padEnd(117) + "\n";
  const start = Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
  return new Blob([start, text, data]).arrayBuffer();
}

test("NumPy files are read", async () => {
  const file = await npy(
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }",
    new Float32Array([1.5, -2]).buffer,
  );
  const { shape, data } = readNpy(file);
  assert.deepEqual(
    [shape, Array.from(data, Number)],
    [
      [2, 1],
      [1.5, -2],
    ],
  );
});

test("other files and other types are refused", async () => {
  assert.throws(() => readNpy(new ArrayBuffer(64)), /NumPy/);
  const file = await npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", new ArrayBuffer(4));
  assert.throws(() => readNpy(file), /<f2/);
});

test("lines to copy ask for the very picture", () => {
  const picture = { path: "/decode.png", params: { z: "0.5,-1", label: 3, model: "m@1", scale: 4 } };
  const lines = linesFor(
    "http://host:1",
    "http://host:1/decode.png?z=0.5,-1&label=3&model=m@1&scale=4",
    picture,
  );
  assert.equal(
    lines.curl,
    "curl 'http://host:1/decode.png?z=0.5,-1&label=3&model=m@1&scale=4' -o decode.png",
  );
  assert.equal(
    lines.Python.split("\n").at(-1),
    '    client.into("png", scale=4).decode([0.5, -1], label=3, model="m@1").save("decode.png")',
  );
  assert.match(lines.TypeScript, /fetch\("http/);
});

test("the Python line of each kind of address is the client's own", () => {
  const last = (/** @type {string} */ path, /** @type {any} */ params) =>
    linesFor("http://h", "http://h/x", { path, params }).Python.split("\n").at(-1)?.trim();
  assert.equal(
    last("/sample.png", { n: 4, seed: 1, digit: null, model: "m" }),
    'client.into("png").sample(4, seed=1, model="m").save("sample.png")',
  );
  assert.equal(
    last("/interpolate.gif", { from: "1,2", to: "3,4", from_label: 1, steps: 5, duration_ms: 100 }),
    'client.into("gif", duration_ms=100).interpolate([1, 2], [3, 4], start_label=1, steps=5).save("interpolate.gif")',
  );
  assert.equal(
    last("/decode.png", { z: ["1,2", "3,4"] }),
    'client.into("png").decode([[1, 2], [3, 4]]).save("decode.png")',
  );
});

test("lines to copy send the file of a drawing", () => {
  const json = linesForUpload("http://h", "http://h/encode?model=m@1", "print(client.encode())", "");
  assert.equal(
    json.curl,
    "curl -X POST 'http://h/encode?model=m@1' -H 'content-type: image/png' --data-binary @drawing.png",
  );
  assert.match(json.TypeScript, /answer\.json/);
  const file = linesForUpload("http://h", "http://h/restyle", "pass", "hand.png");
  assert.match(file.curl, /-o hand\.png$/);
  assert.match(file.Python, /with Client\("http:\/\/h"\) as client:\n {4}pass$/);
  assert.match(file.TypeScript, /answer\.blob/);
});

/** A storage as browsers have it. @returns {Storage} */
function storage() {
  const kept = new Map();
  return /** @type {any} */ ({
    getItem: (/** @type {string} */ name) => kept.get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => kept.set(name, value),
    removeItem: (/** @type {string} */ name) => kept.delete(name),
  });
}

/** A service that knows one key, and what it was asked with. @param {import("node:test").TestContext} context */
function guarded(context) {
  /** @type {(string | undefined)[]} */
  const sent = [];
  context.mock.method(globalThis, "fetch", async (/** @type {string} */ _, /** @type {any} */ init) => {
    const key = init.headers["x-api-key"];
    sent.push(key);
    if (key === "right") return new Response("{}");
    const headers = { "www-authenticate": 'Bearer realm="cvae"' };
    return new Response('{"detail": "this needs a key"}', { status: key ? 401 : 403, headers });
  });
  return sent;
}

test("a key is asked for once, sent from then on, and kept for the tab", async (context) => {
  const sent = guarded(context);
  const kept = storage();
  const access = new Access(kept, "/cvae");
  const answers = ["wrong", "right"];
  /** @type {string[]} */
  const reasons = [];
  access.ask = async (reason) => (reasons.push(reason), answers.shift() ?? null);
  const service = new Service("/cvae", access);
  await Promise.all([service.fetch("/models"), service.fetch("/manifold.png")]);
  await service.post("/decode", {});
  assert.deepEqual(reasons, ["this needs a key", "this needs a key"]);
  assert.deepEqual(sent, [undefined, undefined, "wrong", "wrong", "right", "right", "right"]);
  assert.equal(new Access(kept, "/cvae").key, "right");
  assert.equal(new Access(kept, "/other").key, "");
});

test("who gives no key is not asked again, until he gives one himself", async (context) => {
  const sent = guarded(context);
  const access = new Access(storage());
  let asked = 0;
  access.ask = async () => (asked++, null);
  const service = new Service("", access);
  for (let i = 0; i < 2; i++) await assert.rejects(service.fetch("/models"), { message: "this needs a key" });
  assert.deepEqual([asked, sent.length, access.isDeclined], [1, 2, true]);
  access.ask = async () => "right";
  await access.change("another");
  await service.fetch("/models");
  assert.deepEqual([sent.length, access.isDeclined], [3, false]);
  access.ask = async () => "";
  await access.change("forget it");
  assert.deepEqual([access.key, new Access(access.storage).key], ["", ""]);
});

test("a refusal that no key would change is not asked about", async (context) => {
  context.mock.method(globalThis, "fetch", async () => new Response("{}", { status: 403 }));
  const access = new Access(storage());
  access.ask = async () => assert.fail("asked");
  await assert.rejects(new Service("", access).fetch("/models"), { status: 403 });
});

test("lines to copy send a key where one is asked for, and hold none", () => {
  const picture = { path: "/decode.png", params: { z: "0.5,-1" } };
  const lines = linesFor("http://h", "http://h/decode.png?z=0.5,-1", picture, true);
  assert.equal(lines.curl, `curl 'http://h/decode.png?z=0.5,-1' -H "X-API-Key: $CVAE_API_KEY" -o decode.png`);
  assert.match(lines.TypeScript, /fetch\("http:.*", \{ headers: \{ "x-api-key": key \} \}\);/);
  const upload = linesForUpload("http://h", "http://h/encode", "client.encode()", "", true);
  assert.match(upload.curl, /X-API-Key: \$CVAE_API_KEY/);
  assert.match(upload.TypeScript, /"x-api-key": key/);
});

test("lines to copy of a way through points name each point and its label", () => {
  const params = { from: "0,1", through: ["2,-3", "4,5"], to: "6,7", through_label: [3, 8], steps: 7 };
  const lines = linesFor("http://h", "http://h/x", { path: "/interpolate.gif", params });
  const call =
    'interpolate([0, 1], [6, 7], through=[[2, -3], [4, 5]], through_label=[3, 8], steps=7).save("interpolate.gif")';
  assert.ok(lines.Python.includes(call), lines.Python);
});
