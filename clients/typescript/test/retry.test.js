// How a call is tried again, with answers that a test makes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CvaeClient, ServiceError } from "../dist/index.js";

const QUICK = { firstWaitMs: 1 };
const READY = () => Response.json({ models: [], default: "a", default_from: "order" });
const BUSY = () => Response.json({ detail: "the queue is full" }, { status: 429, headers: { "Retry-After": "0" } });

/**
 * A client that gets these answers one after the other, and the requests that it made.
 * @param {(() => Response)[]} answers
 * @param {import("../dist/index.js").ClientOptions} [options]
 */
function play(answers, options = {}) {
  /** @type {RequestInit[]} */
  const asked = [];
  /** @type {typeof fetch} */
  const fake = async (_, init) => {
    asked.push(init ?? {});
    init?.signal?.throwIfAborted();
    const answer = answers[asked.length - 1];
    assert(answer !== undefined, "one call too many");
    return answer();
  };
  return { cvae: new CvaeClient("http://i.test", { retry: QUICK, ...options, fetch: fake }), asked };
}

/** @returns {Response} */
function broken() {
  throw new TypeError("fetch failed");
}

test("a full queue, a service that starts and a connection that breaks are tried again", async () => {
  const { cvae, asked } = play([BUSY, () => new Response("", { status: 503 }), broken, READY]);
  assert.equal((await cvae.models()).default, "a");
  assert.equal(asked.length, 4);
});

test("after the last try comes the error", async () => {
  const { cvae, asked } = play([BUSY, BUSY], { retry: { tries: 2, firstWaitMs: 1 } });
  await assert.rejects(cvae.models(), { status: 429, message: "the queue is full", retryAfterS: 0 });
  assert.equal(asked.length, 2);
});

test("what would come again, or later than anyone waits, is not tried again", async () => {
  const later = () => new Response("", { status: 503, headers: { "Retry-After": "3600" } });
  const page = () => new Response("<html>", { status: 502, headers: { "Content-Type": "text/html" } });
  for (const answer of [() => new Response("{}", { status: 422 }), later, page]) {
    const { cvae, asked } = play([answer]);
    await assert.rejects(cvae.models(), (error) => error instanceof ServiceError && error.problem === undefined);
    assert.equal(asked.length, 1);
  }
});

test("a call that is ended while it waits is not tried again", async () => {
  const slow = () => new Response("", { status: 503, headers: { "Retry-After": "4" } });
  const { cvae, asked } = play([slow]);
  const ended = new AbortController();
  const call = cvae.models({ signal: ended.signal });
  setTimeout(() => ended.abort(), 20);
  await assert.rejects(call, { name: "AbortError" });
  assert.equal(asked.length, 1);
});

test("the service is told how long a call waits, and gets the headers of all", async () => {
  const { cvae, asked } = play([READY], { timeoutMs: 1500.2, headers: { Authorization: "Bearer x" } });
  await cvae.models();
  const headers = new Headers(asked[0]?.headers);
  assert.deepEqual([headers.get("x-request-timeout-ms"), headers.get("authorization")], ["1501", "Bearer x"]);
});

test("a key is sent with each call", async () => {
  const { cvae, asked } = play([BUSY, READY], { apiKey: "mine", headers: { "X-More": "1" } });
  await cvae.models();
  for (const { headers } of asked) {
    assert.equal(new Headers(headers).get("Authorization"), "Bearer mine");
    assert.equal(new Headers(headers).get("X-More"), "1");
  }
  assert.equal(asked.length, 2);
});
