/** Reads ONNX files (onnx.proto, by its field numbers) as far as an inference needs them. */
import { widen } from "./float16.js";
import { readFields, readFloats, readIntegers, readText } from "./protobuf.js";

/**
 * @typedef {import("./tensors.js").Tensor} Tensor
 * @typedef {import("./protobuf.js").Field} Field
 * @typedef {{ints: number[], floats: number[], int: number, float: number, text: string, tensor: Tensor | null}} Attribute
 * @typedef {{operator: string, inputs: string[], outputs: string[], attributes: Record<string, Attribute>}} Node
 * @typedef {{nodes: Node[], constants: Map<string, Tensor>, inputs: string[], outputs: string[]}} Graph
 */

const GRAPH = 7;

/**
 * Return the graph of an ONNX file.
 * @param {Uint8Array} bytes
 * @returns {Graph}
 */
export function readGraph(bytes) {
  const [model] = group(bytes).get(GRAPH) ?? [];
  if (!model) throw new Error("expected an ONNX model, found no graph in it");
  const fields = group(model.bytes);
  const constants = new Map(get(fields, 5).map((field) => readTensor(field.bytes)));
  const names = (/** @type {number} */ number) => get(fields, number).map((field) => nameOf(field.bytes));
  return {
    nodes: get(fields, 1).map((field) => readNode(field.bytes)),
    constants,
    inputs: names(11).filter((name) => !constants.has(name)),
    outputs: names(12),
  };
}

/**
 * @param {Uint8Array} bytes
 * @returns {Map<number, Field[]>}
 */
function group(bytes) {
  const found = new Map();
  for (const field of readFields(bytes)) found.set(field.number, [...(found.get(field.number) ?? []), field]);
  return found;
}

/**
 * @param {Map<number, Field[]>} fields
 * @param {number} number
 * @returns {Field[]}
 */
const get = (fields, number) => fields.get(number) ?? [];

/** @param {Uint8Array} bytes */
const nameOf = (bytes) => readText(group(bytes).get(1)?.[0].bytes ?? new Uint8Array(0));

/**
 * @param {Uint8Array} bytes
 * @returns {Node}
 */
function readNode(bytes) {
  const fields = group(bytes);
  const texts = (/** @type {number} */ number) => get(fields, number).map((field) => readText(field.bytes));
  return {
    operator: texts(4)[0] ?? "",
    inputs: texts(1),
    outputs: texts(2),
    attributes: Object.fromEntries(get(fields, 5).map((field) => readAttribute(field.bytes))),
  };
}

/**
 * @param {Uint8Array} bytes
 * @returns {[string, Attribute]}
 */
function readAttribute(bytes) {
  const fields = group(bytes);
  const tensor = fields.get(5)?.[0];
  const attribute = {
    ints: readIntegers(get(fields, 8)),
    floats: readFloats(get(fields, 7)),
    int: readIntegers(get(fields, 3))[0] ?? 0,
    float: readFloats(get(fields, 2))[0] ?? 0,
    text: readText(fields.get(4)?.[0].bytes ?? new Uint8Array(0)),
    tensor: tensor ? readTensor(tensor.bytes)[1] : null,
  };
  return [nameOf(bytes), attribute];
}

/**
 * @param {Uint8Array} bytes
 * @returns {[string, Tensor]}
 */
function readTensor(bytes) {
  const fields = group(bytes);
  const dims = readIntegers(get(fields, 1));
  const type = readIntegers(get(fields, 2))[0];
  const raw = fields.get(9)?.[0].bytes;
  const data = raw ? readRaw(type, raw) : readTyped(type, fields);
  return [readText(fields.get(8)?.[0].bytes ?? new Uint8Array(0)), { dims, data }];
}

/**
 * Each data type of ONNX that is read: its number, and how its little-endian bytes become numbers.
 * @type {Record<number, (buffer: ArrayBuffer) => Float32Array>}
 */
const RAW = {
  1: (buffer) => new Float32Array(buffer),
  6: (buffer) => Float32Array.from(new Int32Array(buffer)),
  7: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  10: (buffer) => widen(new Uint16Array(buffer)),
  11: (buffer) => Float32Array.from(new Float64Array(buffer)),
};

/**
 * @param {number} type
 * @param {Uint8Array} raw
 */
function readRaw(type, raw) {
  if (!RAW[type]) throw new Error(`tensors of data type ${type} are not read`);
  return RAW[type](new Uint8Array(raw).buffer);
}

/**
 * @param {number} type
 * @param {Map<number, Field[]>} fields
 */
function readTyped(type, fields) {
  if (type === 1) return Float32Array.from(readFloats(get(fields, 4)));
  if (type === 7) return Float32Array.from(readIntegers(get(fields, 7)));
  if (type === 6) return Float32Array.from(readIntegers(get(fields, 5)));
  if (type === 10) return widen(Uint16Array.from(readIntegers(get(fields, 5))));
  throw new Error(`tensors of data type ${type} are not read`);
}
