/** The two directions that the map of a latent space shows, and the way between its points and vectors. */

const SWEEPS = 60;
const SMALL = 1e-10;

/** A plane in latent space: both dimensions of two, the principal axes of more. */
export class Axes {
  /**
   * @param {Float64Array} mean the map's origin
   * @param {Float64Array[]} directions two; the second is 0 in a space of one dimension
   */
  constructor(mean, directions) {
    this.mean = mean;
    this.directions = directions;
  }

  /**
   * Return the place of a vector on the map.
   * @param {ArrayLike<number>} z
   * @param {number} [from] where in `z` the vector begins
   * @returns {[number, number]}
   */
  project(z, from = 0) {
    const [first, second] = this.directions;
    let x = 0;
    let y = 0;
    for (let i = 0; i < this.mean.length; i++) {
      const centred = z[from + i] - this.mean[i];
      x += centred * first[i];
      y += centred * second[i];
    }
    return [x, y];
  }

  /**
   * Return the vector at a place of the map that in all other directions is as another vector.
   * @param {ArrayLike<number>} z
   * @param {number} x
   * @param {number} y
   * @returns {number[]}
   */
  move(z, x, y) {
    const [atX, atY] = this.project(z);
    const [first, second] = this.directions;
    return Array.from(z, (value, i) => value + (x - atX) * first[i] + (y - atY) * second[i]);
  }
}

/**
 * Return the axes of a space.
 * @param {ArrayLike<number>} points row after row
 * @param {number} dim
 * @returns {Axes}
 */
export function findAxes(points, dim) {
  const unit = (/** @type {number} */ axis) =>
    Float64Array.from({ length: dim }, (_, i) => (i === axis ? 1 : 0));
  if (dim <= 2) return new Axes(new Float64Array(dim), [unit(0), unit(1)]);
  const mean = meanOf(points, dim);
  return new Axes(mean, principal(covariance(points, dim, mean)).slice(0, 2));
}

/**
 * Return the mean of points.
 * @param {ArrayLike<number>} points row after row
 * @param {number} dim
 */
export function meanOf(points, dim) {
  const mean = new Float64Array(dim);
  for (let i = 0; i < points.length; i++) mean[i % dim] += points[i];
  return mean.map((sum) => sum / Math.max(1, points.length / dim));
}

/**
 * @param {ArrayLike<number>} points
 * @param {number} dim
 * @param {Float64Array} mean
 * @returns {Float64Array[]}
 */
function covariance(points, dim, mean) {
  const rows = Array.from({ length: dim }, () => new Float64Array(dim));
  for (let at = 0; at < points.length; at += dim)
    for (let i = 0; i < dim; i++) {
      const centred = points[at + i] - mean[i];
      for (let j = 0; j <= i; j++) rows[i][j] += centred * (points[at + j] - mean[j]);
    }
  for (let i = 0; i < dim; i++) for (let j = 0; j <= i; j++) rows[j][i] = rows[i][j] /= points.length / dim;
  return rows;
}

/**
 * Return the eigenvectors of a symmetric matrix, that of the largest eigenvalue first (Jacobi's rotations).
 * @param {Float64Array[]} matrix
 * @returns {Float64Array[]}
 */
export function principal(matrix) {
  const n = matrix.length;
  const a = matrix.map((row) => row.slice());
  const vectors = a.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rest = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) rest += a[i][j] ** 2;
    if (rest < SMALL) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, p, q);
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j][j] - a[i][i]);
  return order.map((i) => upright(vectors[i]));
}

/**
 * @param {Float64Array[]} a
 * @param {Float64Array[]} vectors
 * @param {number} p
 * @param {number} q
 */
function rotate(a, vectors, p, q) {
  if (Math.abs(a[p][q]) < SMALL * 1e-4) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < a.length; k++)
    [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
  for (let k = 0; k < a.length; k++)
    [a[p][k], a[q][k]] = [c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]];
  const [left, right] = [vectors[p], vectors[q]];
  vectors[p] = left.map((value, k) => c * value - s * right[k]);
  vectors[q] = left.map((value, k) => s * value + c * right[k]);
}

/** Return a vector or its opposite, so that its largest number is positive. @param {Float64Array} vector */
function upright(vector) {
  const largest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return largest < 0 ? vector.map((value) => -value) : vector;
}
