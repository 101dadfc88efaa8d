import assert from "node:assert/strict";
import { test } from "node:test";
import { widen } from "../../../../service/web/static/decoder/float16.js";
import { readFields, readIntegers } from "../../../../service/web/static/decoder/protobuf.js";
import { Decoder } from "../../../../service/web/static/decoder/decoder.js";
import { broadcast, combine } from "../../../../service/web/static/decoder/tensors.js";

test("half floats are widened exactly", () => {
  const halves = Uint16Array.from([0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x8000]);
  assert.deepEqual([...widen(halves)], [1, -2, 2 ** -24, 65504, Infinity, -Infinity, -0]);
  assert.ok(Number.isNaN(widen(Uint16Array.from([0x7e00]))[0]));
});

test("numbers of a message are read, negative and packed ones too", () => {
  const [small, large, negative, packed] = readFields(
    Uint8Array.from([8, 5, 8, 0xac, 2, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 10, 3, 1, 0xac, 2]),
  );
  assert.deepEqual([small.integer, large.integer, negative.integer], [5, 300, -1]);
  assert.deepEqual(readIntegers([small, packed]), [5, 1, 300]);
});

test("a broken file is refused, not waited for", () => {
  for (const bytes of [[10, 200], [8], [8, ...new Array(11).fill(255)], [15], []])
    assert.throws(() => new Decoder(Uint8Array.from(bytes)), Error, String(bytes));
});

test("shapes are stretched to each other as NumPy does", () => {
  assert.deepEqual(broadcast([2, 1, 3], [4, 1]), [2, 4, 3]);
  assert.throws(() => broadcast([2], [3]), /do not fit/);
  const a = { dims: [2, 1], data: Float32Array.from([10, 20]) };
  const b = { dims: [3], data: Float32Array.from([1, 2, 3]) };
  assert.deepEqual([...combine(a, b, (x, y) => x + y).data], [11, 12, 13, 21, 22, 23]);
});
