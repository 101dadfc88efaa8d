/** Convolutions over two dimensions, of tensors (batch, channels, height, width). */

/**
 * @typedef {import("./tensors.js").Tensor} Tensor
 * @typedef {import("./graph.js").Attribute} Attribute
 * @typedef {{kernel: number[], strides: number[], dilations: number[], pads: number[], group: number}} Geometry
 */

/**
 * @param {Record<string, Attribute>} attributes
 * @param {Tensor} weight
 * @returns {Geometry}
 */
function readGeometry(attributes, weight) {
  if (weight.dims.length !== 4) throw new Error("only convolutions over two dimensions are known");
  const padding = attributes.auto_pad?.text || "NOTSET";
  if (padding !== "NOTSET" && padding !== "VALID") throw new Error(`auto_pad ${padding} is not known`);
  return {
    kernel: weight.dims.slice(2),
    strides: attributes.strides?.ints ?? [1, 1],
    dilations: attributes.dilations?.ints ?? [1, 1],
    pads: attributes.pads?.ints ?? [0, 0, 0, 0],
    group: attributes.group?.int || 1,
  };
}

/**
 * Convolve (ONNX `Conv`).
 *
 * Each plane gets its padding, so that a tap of the kernel adds to whole lines at once, those between two lines
 * included; strides then pick from what is there.
 * @param {Tensor} x
 * @param {Tensor} weight (out, in / group, kernel height, kernel width)
 * @param {Tensor | undefined} bias (out,)
 * @param {Record<string, Attribute>} attributes
 * @returns {Tensor}
 */
export function convolve(x, weight, bias, attributes) {
  const { kernel, strides, dilations, pads, group } = readGeometry(attributes, weight);
  const padded = pad(x, pads);
  const [batch, channels, height, width] = padded.dims;
  const [outputs, inputs] = weight.dims;
  const high = height - dilations[0] * (kernel[0] - 1);
  const wide = width - dilations[1] * (kernel[1] - 1);
  const rows = Math.ceil(high / strides[0]);
  const columns = Math.ceil(wide / strides[1]);
  const data = new Float32Array(batch * outputs * rows * columns);
  const sums = new Float32Array((high - 1) * width + wide);
  for (let n = 0; n < batch; n++)
    for (let o = 0; o < outputs; o++) {
      sums.fill(bias ? bias.data[o] : 0);
      const first = Math.floor((o * group) / outputs) * inputs;
      for (let i = 0; i < inputs; i++) {
        const plane = (n * channels + first + i) * height * width;
        const taps = (o * inputs + i) * kernel[0] * kernel[1];
        for (let ky = 0; ky < kernel[0]; ky++)
          for (let kx = 0; kx < kernel[1]; kx++) {
            const from = plane + ky * dilations[0] * width + kx * dilations[1];
            addScaled(sums, padded.data, from, weight.data[taps + ky * kernel[1] + kx]);
          }
      }
      let to = (n * outputs + o) * rows * columns;
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) data[to++] = sums[r * strides[0] * width + c * strides[1]];
    }
  return { dims: [batch, outputs, rows, columns], data };
}

/**
 * @param {Float32Array} sums
 * @param {Float32Array} data
 * @param {number} from where in the data the first addend is
 * @param {number} factor
 */
function addScaled(sums, data, from, factor) {
  for (let i = 0; i < sums.length; i++) sums[i] += factor * data[from + i];
}

/**
 * @param {Tensor} x
 * @param {number[]} pads before and after, of both dimensions: top, left, bottom, right
 * @returns {Tensor}
 */
function pad(x, [top, left, bottom, right]) {
  const [batch, channels, height, width] = x.dims;
  const dims = [batch, channels, height + top + bottom, width + left + right];
  const data = new Float32Array(dims[0] * dims[1] * dims[2] * dims[3]);
  for (let plane = 0; plane < batch * channels; plane++)
    for (let y = 0; y < height; y++) {
      const from = (plane * height + y) * width;
      data.set(x.data.subarray(from, from + width), (plane * dims[2] + y + top) * dims[3] + left);
    }
  return { dims, data };
}

/**
 * Convolve transposed (ONNX `ConvTranspose`).
 * @param {Tensor} x
 * @param {Tensor} weight (in, out / group, kernel height, kernel width)
 * @param {Tensor | undefined} bias (out,)
 * @param {Record<string, Attribute>} attributes
 * @returns {Tensor}
 */
export function convolveTransposed(x, weight, bias, attributes) {
  if (attributes.output_shape) throw new Error("output_shape is not known");
  const { kernel, strides, dilations, pads, group } = readGeometry(attributes, weight);
  const further = attributes.output_padding?.ints ?? [0, 0];
  const [batch, channels, height, width] = x.dims;
  const inGroup = channels / group;
  const outGroup = weight.dims[1];
  const [rows, columns] = [height, width].map(
    (size, i) =>
      strides[i] * (size - 1) + further[i] + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[i + 2],
  );
  const outputs = outGroup * group;
  const data = new Float32Array(batch * outputs * rows * columns);
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < channels; i++)
      for (let g = 0; g < outGroup; g++) {
        const o = Math.floor(i / inGroup) * outGroup + g;
        const target = (n * outputs + o) * rows * columns;
        const taps = (i * outGroup + g) * kernel[0] * kernel[1];
        for (let y = 0; y < height; y++)
          for (let at = 0; at < width; at++) {
            const value = x.data[((n * channels + i) * height + y) * width + at];
            for (let ky = 0; ky < kernel[0]; ky++) {
              const r = y * strides[0] - pads[0] + ky * dilations[0];
              if (r < 0 || r >= rows) continue;
              for (let kx = 0; kx < kernel[1]; kx++) {
                const c = at * strides[1] - pads[1] + kx * dilations[1];
                if (c >= 0 && c < columns)
                  data[target + r * columns + c] += value * weight.data[taps + ky * kernel[1] + kx];
              }
            }
          }
      }
  if (bias)
    for (let i = 0; i < data.length; i++) data[i] += bias.data[Math.floor(i / (rows * columns)) % outputs];
  return { dims: [batch, outputs, rows, columns], data };
}
