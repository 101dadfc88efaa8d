/** Ways between points of latent space, as the service goes them. */

// At most this many dimensions, the service goes straight unless told otherwise.
const STRAIGHT_DIMS = 3;
// Below this, an arc cannot be told from a straight line, or is not the only one.
const SMALL_SINE = 1e-6;

/**
 * Return the method that the service would choose.
 * @param {number} dim
 */
export function defaultMethod(dim) {
  return dim <= STRAIGHT_DIMS ? "lerp" : "slerp";
}

/**
 * Return the point a part of the way from one to another.
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} part 0 to 1
 * @param {string} method lerp or slerp
 * @returns {number[]}
 */
export function between(from, to, part, method) {
  const [start, end] = method === "slerp" ? weightsOfArc(from, to, part) : [1 - part, part];
  return from.map((value, i) => start * value + end * to[i]);
}

/**
 * Return the weights on an arc that turns evenly and changes its radius evenly (Shoemake 1985).
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} part
 */
function weightsOfArc(from, to, part) {
  const [near, far] = [Math.hypot(...from), Math.hypot(...to)];
  const cosine = from.reduce((sum, value, i) => sum + value * to[i], 0) / (near * far || 1);
  const angle = near && far ? Math.acos(Math.min(1, Math.max(-1, cosine))) : 0;
  if (Math.sin(angle) < SMALL_SINE) return [1 - part, part];
  const scale = ((1 - part) * near + part * far) / Math.sin(angle);
  return [(scale * Math.sin((1 - part) * angle)) / near, (scale * Math.sin(part * angle)) / far];
}

/**
 * Return a path through several points.
 * @param {number[][]} points at least one
 * @param {number} steps between two of them, both included
 * @param {string} method
 * @returns {number[][]}
 */
export function walkThrough(points, steps, method) {
  const path = points.slice(0, 1);
  for (let i = 1; i < points.length; i++)
    for (let step = 1; step < steps; step++)
      path.push(between(points[i - 1], points[i], step / (steps - 1), method));
  return path;
}
