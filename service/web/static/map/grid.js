/** The grid of pictures under the points: finer cells the nearer one looks. Pure. */

/** @typedef {{level: number, column: number, row: number}} Cell cells of a level are 2^level units wide */

// Pixels of a side, at least: about those of the pictures themselves.
const MIN_CELL = 38;

/**
 * Return the level whose cells are as small as they may be.
 * @param {number} scale pixels of a unit
 */
export function levelFor(scale) {
  return Math.ceil(Math.log2(MIN_CELL / scale));
}

/**
 * Return the cells of a level that a viewport shows, the middle ones first.
 * @param {import("./viewport.js").Viewport} viewport
 * @param {number} level
 * @param {boolean} flat whether there is one row only, as in a space of one dimension
 * @returns {Cell[]}
 */
export function cellsIn(viewport, level, flat = false) {
  const size = 2 ** level;
  const [left, top] = viewport.toPlane(0, 0);
  const [right, bottom] = viewport.toPlane(viewport.width, viewport.height);
  const [first, last] = flat ? [0, 0] : [Math.floor(bottom / size), Math.floor(top / size)];
  const cells = [];
  for (let row = first; row <= last; row++)
    for (let column = Math.floor(left / size); column <= Math.floor(right / size); column++)
      cells.push({ level, column, row });
  const [x, y] = [viewport.x / size - 0.5, viewport.y / size - 0.5];
  const distance = (/** @type {Cell} */ cell) => (cell.column - x) ** 2 + (cell.row - y) ** 2;
  return cells.sort((a, b) => distance(a) - distance(b));
}

/** @param {Cell} cell @returns {string} */
export function keyOf({ level, column, row }) {
  return `${level} ${column} ${row}`;
}

/** Return the place of a cell's middle. @param {Cell} cell @returns {[number, number]} */
export function middleOf({ level, column, row }) {
  return [(column + 0.5) * 2 ** level, (row + 0.5) * 2 ** level];
}

/** Return the cell of the next coarser level that a cell lies in. @param {Cell} cell @returns {Cell} */
export function parentOf({ level, column, row }) {
  return {
    level: level + 1,
    column: Math.floor(column / 2),
    row: Math.floor(row / 2),
  };
}
