/** The operators of ONNX that decoders are made of. A graph with any other is decoded by the service. */
import { convolve, convolveTransposed } from "./convolution.js";
import { combine, count, gather, map, strides, walk } from "./tensors.js";

/**
 * @typedef {import("./tensors.js").Tensor} Tensor
 * @typedef {import("./graph.js").Attribute} Attribute
 * @typedef {(inputs: Tensor[], attributes: Record<string, Attribute>) => Tensor} Operator
 */

/** @param {number} x */
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/**
 * @param {(x: number) => number} change
 * @returns {Operator}
 */
const each =
  (change) =>
  ([x]) =>
    map(x, change);

/**
 * @param {(x: number, y: number) => number} change
 * @returns {Operator}
 */
const both =
  (change) =>
  ([a, b]) =>
    combine(a, b, change);

/** @type {Record<string, Operator>} */
export const OPERATORS = {
  Add: both((x, y) => x + y),
  BatchNormalization: normalise,
  Cast: ([x]) => x,
  Clip: ([x, low, high]) =>
    map(x, (v) => Math.min(Math.max(v, low?.data[0] ?? -Infinity), high?.data[0] ?? Infinity)),
  Concat: concatenate,
  Constant: (_, attributes) => attributes.value?.tensor ?? refuse("Constant without a tensor"),
  Conv: ([x, weight, bias], attributes) => convolve(x, weight, bias, attributes),
  ConvTranspose: ([x, weight, bias], attributes) => convolveTransposed(x, weight, bias, attributes),
  DepthToSpace: depthToSpace,
  Div: both((x, y) => x / y),
  Elu: ([x], { alpha }) => map(x, (v) => (v > 0 ? v : (alpha?.float ?? 1) * Math.expm1(v))),
  Exp: each(Math.exp),
  Flatten: ([x], { axis }) => {
    const at = axis?.int ?? 1;
    return {
      dims: [count(x.dims.slice(0, at)), count(x.dims.slice(at))],
      data: x.data,
    };
  },
  Gemm: gemm,
  Identity: ([x]) => x,
  LeakyRelu: ([x], { alpha }) => map(x, (v) => (v > 0 ? v : (alpha?.float ?? 0.01) * v)),
  MatMul: ([a, b]) => multiply(a, b),
  Max: both(Math.max),
  Min: both(Math.min),
  Mul: both((x, y) => x * y),
  Neg: each((x) => -x),
  Relu: each((x) => (x > 0 ? x : 0)),
  Reshape: reshape,
  Sigmoid: each(sigmoid),
  Softplus: each((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Sub: both((x, y) => x - y),
  Tanh: each(Math.tanh),
  Tile: tile,
  Transpose: transpose,
};

/**
 * @param {string} what
 * @returns {never}
 */
function refuse(what) {
  throw new Error(`${what} is not known`);
}

/**
 * Multiply (rows, inner) by (inner, columns).
 * @param {Tensor} a
 * @param {Tensor} b
 * @returns {Tensor}
 */
function multiply(a, b) {
  if (a.dims.length !== 2 || b.dims.length !== 2) refuse("MatMul of other than two dimensions");
  const [rows, inner] = a.dims;
  const columns = b.dims[1];
  const data = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const line = data.subarray(r * columns, (r + 1) * columns);
    for (let k = 0; k < inner; k++) {
      const factor = a.data[r * inner + k];
      if (factor === 0) continue;
      const from = k * columns;
      for (let c = 0; c < columns; c++) line[c] += factor * b.data[from + c];
    }
  }
  return { dims: [rows, columns], data };
}

/** @type {Operator} */
function gemm([a, b, c], { alpha, beta, transA, transB }) {
  const left = transA?.int ? transpose([a], {}) : a;
  const right = transB?.int ? transpose([b], {}) : b;
  const product = multiply(left, right);
  const scaled = alpha && alpha.float !== 1 ? map(product, (v) => v * alpha.float) : product;
  return c ? combine(scaled, c, (x, y) => x + (beta?.float ?? 1) * y) : scaled;
}

/** @type {Operator} */
function reshape([x, shape]) {
  const dims = Array.from(shape.data, (dim, i) => (dim === 0 ? x.dims[i] : dim));
  const open = dims.indexOf(-1);
  if (open >= 0) dims[open] = x.data.length / count(dims.filter((dim) => dim !== -1));
  return { dims, data: x.data };
}

/** @type {Operator} */
function transpose([x], { perm }) {
  const order = perm?.ints ?? x.dims.map((_, i) => x.dims.length - 1 - i);
  const steps = strides(x.dims);
  const dims = order.map((axis) => x.dims[axis]);
  const from = walk(
    dims,
    order.map((axis) => steps[axis]),
  );
  return { dims, data: gather(x.data, from) };
}

/** @type {Operator} */
function concatenate(tensors, { axis }) {
  const rank = tensors[0].dims.length;
  const at = (axis.int + rank) % rank;
  const dims = tensors[0].dims.slice();
  dims[at] = tensors.reduce((sum, tensor) => sum + tensor.dims[at], 0);
  const outer = count(dims.slice(0, at));
  const data = new Float32Array(count(dims));
  let to = 0;
  for (let i = 0; i < outer; i++)
    for (const tensor of tensors) {
      const block = tensor.data.length / outer;
      data.set(tensor.data.subarray(i * block, (i + 1) * block), to);
      to += block;
    }
  return { dims, data };
}

/** @type {Operator} */
function tile([x, repeats]) {
  const dims = x.dims.map((dim, i) => dim * repeats.data[i]);
  const steps = strides(x.dims);
  const split = x.dims.flatMap((dim, i) => [repeats.data[i], dim]);
  const from = walk(
    split,
    steps.flatMap((step) => [0, step]),
  );
  return { dims, data: gather(x.data, from) };
}

/** @type {Operator} */
function depthToSpace([x], { blocksize, mode }) {
  const [batch, channels, height, width] = x.dims;
  const block = blocksize.int;
  const depth = channels / (block * block);
  const split =
    mode?.text === "CRD"
      ? [batch, depth, block, block, height, width]
      : [batch, block, block, depth, height, width];
  const order = mode?.text === "CRD" ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const steps = strides(split);
  const from = walk(
    order.map((axis) => split[axis]),
    order.map((axis) => steps[axis]),
  );
  return {
    dims: [batch, depth, height * block, width * block],
    data: gather(x.data, from),
  };
}

/** @type {Operator} */
function normalise([x, scale, shift, mean, variance], { epsilon }) {
  const [, channels, ...plane] = x.dims;
  const size = count(plane);
  const data = x.data.map((value, i) => {
    const channel = Math.floor(i / size) % channels;
    const deviation = Math.sqrt(variance.data[channel] + (epsilon?.float ?? 1e-5));
    return ((value - mean.data[channel]) / deviation) * scale.data[channel] + shift.data[channel];
  });
  return { dims: x.dims, data };
}
