import assert from "node:assert/strict";
import { test } from "node:test";
import { cellsIn, levelFor, middleOf, parentOf } from "../../../../service/web/static/map/grid.js";
import { Viewport } from "../../../../service/web/static/map/viewport.js";

function viewport() {
  return Object.assign(new Viewport(), { width: 800, height: 400, span: 8 });
}

test("places and pixels are each other's inverse, and y grows upwards", () => {
  const view = viewport();
  assert.deepEqual(view.toPixels(0, 0), [400, 200]);
  assert.deepEqual(view.toPixels(1, 1), [500, 100]);
  assert.deepEqual(view.toPlane(500, 100), [1, 1]);
});

test("what is under the pointer stays there while one zooms", () => {
  const view = viewport();
  const before = view.toPlane(123, 45);
  view.zoom(3, 123, 45);
  const after = view.toPlane(123, 45);
  assert.ok(Math.hypot(before[0] - after[0], before[1] - after[1]) < 1e-9);
  assert.ok(Math.abs(view.span - 8 / 3) < 1e-9);
});

test("one can zoom neither in nor out for ever", () => {
  const view = viewport();
  view.zoom(1e9);
  assert.ok(view.span > 0.001);
  view.zoom(1e-12);
  assert.ok(view.span < 1000);
});

test("all points fit, but for a few far ones", () => {
  const view = viewport();
  const places = Float32Array.from({ length: 2000 }, (_, i) => (i === 0 ? 1e6 : Math.sin(i)));
  view.fit(places);
  assert.ok(view.shows(1, 1) && view.shows(-1, -1));
  assert.ok(view.span < 10);
  view.fit(new Float32Array(0));
  assert.ok(Number.isFinite(view.span));
});

test("cells are as large as pictures, and twice as near means a finer level", () => {
  const level = levelFor(100);
  const size = 2 ** level * 100;
  assert.ok(size >= 38 && size < 76);
  assert.equal(levelFor(200), level - 1);
});

test("the cells cover all that is seen, the middle first", () => {
  const view = viewport();
  const cells = cellsIn(view, -1);
  assert.equal(cells.length, 17 * 9);
  const [x, y] = middleOf(cells[0]);
  assert.ok(Math.hypot(x, y) < 0.5);
  assert.equal(cellsIn(view, -1, true).length, 17);
});

test("a cell lies in the coarser level's", () => {
  const parent = parentOf({ level: -1, column: -3, row: 5 });
  assert.deepEqual(parent, { level: 0, column: -2, row: 2 });
});
