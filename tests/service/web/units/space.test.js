import assert from "node:assert/strict";
import { test } from "node:test";
import { Atlas, vote } from "../../../../service/web/static/space/atlas.js";
import { findAxes } from "../../../../service/web/static/space/axes.js";
import { projectGaussian } from "../../../../service/web/static/space/ellipse.js";
import { between, defaultMethod, walkThrough } from "../../../../service/web/static/space/interpolation.js";
import { inside } from "../../../../service/web/static/space/polygon.js";
import { normal } from "../../../../service/web/static/space/random.js";

/** @param {number[]} actual @param {number[]} expected */
function near(actual, expected) {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]) < 1e-6, `${actual} is not ${expected}`),
  );
}

/** Points of three dimensions that vary most along (1, 1, 0), then along (0, 0, 1). */
function cloud() {
  const next = normal(7);
  return Float32Array.from({ length: 3000 }, () => next()).map((value, i, all) => {
    const [long, short] = [5 * all[i - (i % 3)], 2 * all[i - (i % 3) + 2]];
    return i % 3 === 2 ? short : long + 0.1 * value;
  });
}

test("two dimensions are shown as they are", () => {
  const axes = findAxes(new Float32Array([1, 2, 3, 4]), 2);
  assert.deepEqual(axes.project([3, -4]), [3, -4]);
  assert.deepEqual(axes.move([3, -4], 1, 2), [1, 2]);
});

test("one dimension lies on a line, wherever one points", () => {
  const axes = findAxes(new Float32Array([1, 2]), 1);
  assert.deepEqual(axes.project([3]), [3, 0]);
  assert.deepEqual(axes.move([3], 1, 99), [1]);
});

test("more dimensions are shown along their principal axes", () => {
  const [first, second] = findAxes(cloud(), 3).directions;
  assert.ok(Math.abs(first[0] - Math.SQRT1_2) < 0.02 && Math.abs(first[1] - Math.SQRT1_2) < 0.02);
  assert.ok(Math.abs(second[2]) > 0.99);
});

test("a vector that is moved to a place lies there, and keeps the rest", () => {
  const axes = findAxes(cloud(), 3);
  const z = [0.3, -1.2, 0.7];
  const moved = axes.move(z, 2, -1);
  near(axes.project(moved), [2, -1]);
  near(axes.move(moved, ...axes.project(z)), z);
});

test("ways are as the service goes them", () => {
  near(between([0, 2], [4, 0], 0.25, "lerp"), [1, 1.5]);
  // A quarter of a turn while the radius grows from 1 to 3: half-way at 45 degrees and radius 2.
  near(between([1, 0], [0, 3], 0.5, "slerp"), [Math.SQRT2, Math.SQRT2]);
  near(between([0, 0], [2, 2], 0.5, "slerp"), [1, 1]);
  near(between([1, 0], [-2, 0], 0.5, "slerp"), [-0.5, 0]);
  assert.deepEqual([2, 3, 4].map(defaultMethod), ["lerp", "lerp", "slerp"]);
});

test("a path has both its ends, and each corner once", () => {
  const path = walkThrough([[0], [2], [0]], 3, "lerp");
  assert.deepEqual(path, [[0], [1], [2], [1], [0]]);
});

test("the nearest points come first", () => {
  const atlas = new Atlas(new Float32Array([0, 0, 3, 4, 1, 0, -9, 0]), new Int32Array([7, 8, 7, 9]), 2);
  assert.deepEqual(
    atlas.nearest([0, 0], 3).map(({ index, label, distance }) => [index, label, distance]),
    [
      [0, 7, 0],
      [2, 7, 1],
      [1, 8, 5],
    ],
  );
  assert.deepEqual(
    atlas.nearest([1, 0], 1, 2).map(({ index }) => index),
    [0],
  );
  assert.deepEqual(atlas.mean(atlas.ofLabel(7)), [0.5, 0]);
  assert.equal(atlas.mean([]), null);
  assert.equal(atlas.typical(5), null);
  assert.deepEqual(atlas.typical(8), [3, 4]);
});

test("nearer neighbours say more", () => {
  const [first, second] = vote([
    { index: 0, label: 3, distance: 0.05 },
    { index: 1, label: 5, distance: 1 },
    { index: 2, label: 5, distance: 1 },
  ]);
  assert.equal(first.label, 3);
  assert.ok(Math.abs(first.share + second.share - 1) < 1e-9);
});

test("the ellipse is a standard deviation wide along each axis", () => {
  const axes = findAxes(new Float32Array([0, 0]), 2);
  const { middle, axes: sides } = projectGaussian(axes, [1, 2], [Math.log(9), Math.log(0.25)]);
  assert.deepEqual(middle, [1, 2]);
  near(
    sides.map(([x, y]) => Math.hypot(x, y)),
    [3, 0.5],
  );
});

test("a lasso holds what lies inside it", () => {
  const corners = /** @type {[number, number][]} */ ([
    [0, 0],
    [4, 0],
    [4, 4],
    [2, 1],
    [0, 4],
  ]);
  assert.deepEqual(inside(new Float32Array([1, 1, 2, 3, 3.5, 3, 9, 1]), corners), [0, 2]);
});

test("a seed gives the same numbers again, and they are normal", () => {
  const draw = (/** @type {number} */ seed) => Array.from({ length: 4000 }, normal(seed));
  const numbers = draw(3);
  assert.deepEqual(numbers, draw(3));
  assert.notDeepEqual(numbers.slice(0, 3), draw(4).slice(0, 3));
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  assert.ok(Math.abs(mean) < 0.06 && Math.abs(variance - 1) < 0.08);
});
