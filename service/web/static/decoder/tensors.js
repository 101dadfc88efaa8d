/**
 * Numbers in the order of C: the last dimension is next to each other. Integers are floats too.
 * @typedef {{dims: number[], data: Float32Array}} Tensor
 */

/**
 * Return how many numbers a tensor of these dimensions holds.
 * @param {number[]} dims
 * @returns {number}
 */
export function count(dims) {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * Return how far apart two neighbours of each dimension are.
 * @param {number[]} dims
 * @returns {number[]}
 */
export function strides(dims) {
  const steps = new Array(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) steps[i] = steps[i + 1] * dims[i + 1];
  return steps;
}

/**
 * Return the dimensions that two tensors have once both are stretched to each other (NumPy's broadcasting).
 * @param {number[]} a
 * @param {number[]} b
 * @returns {number[]}
 */
export function broadcast(a, b) {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes ${a} and ${b} do not fit`);
    return x === 1 ? y : x;
  });
}

/**
 * Combine two tensors number by number.
 * @param {Tensor} a
 * @param {Tensor} b
 * @param {(x: number, y: number) => number} combine
 * @returns {Tensor}
 */
export function combine(a, b, combine) {
  const dims = broadcast(a.dims, b.dims);
  const data = new Float32Array(count(dims));
  const trailing = count(b.dims) === count(b.dims.slice(-1)) ? b.data.length : 0;
  if (a.data.length === data.length && trailing && trailing === (dims.at(-1) ?? 1)) {
    for (let i = 0; i < data.length; i++) data[i] = combine(a.data[i], b.data[i % trailing]);
    return { dims, data };
  }
  const left = offsets(a.dims, dims);
  const right = offsets(b.dims, dims);
  for (let i = 0; i < data.length; i++) data[i] = combine(a.data[left[i]], b.data[right[i]]);
  return { dims, data };
}

/**
 * Return, for each number of a stretched tensor, where it is in the tensor as it was.
 * @param {number[]} from
 * @param {number[]} to
 * @returns {Int32Array}
 */
function offsets(from, to) {
  const padded = [...new Array(to.length - from.length).fill(1), ...from];
  const steps = strides(padded).map((step, i) => (padded[i] === 1 ? 0 : step));
  return walk(to, steps);
}

/** The same graph asks for the same walks for each picture. @type {Map<string, Int32Array>} */
const WALKS = new Map();
const MAX_WALKS = 256;

/**
 * Return the offset of each index of `dims`, in order, where dimension i moves on by `steps[i]`.
 * @param {number[]} dims
 * @param {number[]} steps
 * @returns {Int32Array} not to be changed
 */
export function walk(dims, steps) {
  const key = `${dims} ${steps}`;
  const known = WALKS.get(key);
  if (known) return known;
  if (WALKS.size >= MAX_WALKS) WALKS.clear();
  const found = findWalk(dims, steps);
  WALKS.set(key, found);
  return found;
}

/**
 * @param {number[]} dims
 * @param {number[]} steps
 */
function findWalk(dims, steps) {
  let found = new Int32Array(1);
  dims.forEach((dim, axis) => {
    const next = new Int32Array(found.length * dim);
    for (let i = 0; i < found.length; i++)
      for (let j = 0; j < dim; j++) next[i * dim + j] = found[i] + j * steps[axis];
    found = next;
  });
  return found;
}

/**
 * Return the numbers at these offsets.
 * @param {Float32Array} data
 * @param {Int32Array} offsets
 * @returns {Float32Array}
 */
export function gather(data, offsets) {
  const found = new Float32Array(offsets.length);
  for (let i = 0; i < found.length; i++) found[i] = data[offsets[i]];
  return found;
}

/**
 * Change each number of a tensor.
 * @param {Tensor} tensor
 * @param {(x: number) => number} change
 * @returns {Tensor}
 */
export function map(tensor, change) {
  const data = new Float32Array(tensor.data.length);
  for (let i = 0; i < data.length; i++) data[i] = change(tensor.data[i]);
  return { dims: tensor.dims, data };
}
