/**
 * Return 16-bit floats (IEEE 754 binary16) as 32-bit floats.
 * @param {Uint16Array} halves
 * @returns {Float32Array}
 */
export function widen(halves) {
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < floats.length; i++) floats[i] = widenOne(halves[i]);
  return floats;
}

/**
 * @param {number} half the 16 bits
 * @returns {number}
 */
function widenOne(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
