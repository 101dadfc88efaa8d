/**
 * @typedef {{shape: number[], data: Float32Array | BigInt64Array | Uint8Array}} NpyArray
 */

/** @type {Record<string, (buffer: ArrayBuffer) => NpyArray["data"]>} */
const TYPES = {
  "<f4": (buffer) => new Float32Array(buffer),
  "<i8": (buffer) => new BigInt64Array(buffer),
  "|u1": (buffer) => new Uint8Array(buffer),
};

/**
 * Return the array of a NumPy file.
 * @param {ArrayBuffer} file
 * @returns {NpyArray}
 */
export function readNpy(file) {
  const view = new DataView(file);
  if (view.getUint32(0) !== 0x934e554d) throw new Error("expected a NumPy file");
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(new Uint8Array(file, start, length));
  const type = header.match(/'descr': '([^']+)'/)?.[1] ?? "";
  const shape = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "")
    .split(",")
    .filter((part) => part.trim())
    .map(Number);
  if (!TYPES[type] || header.includes("'fortran_order': True"))
    throw new Error(`arrays of ${type} are not read`);
  return { shape, data: TYPES[type](file.slice(start + length)) };
}
