/**
 * A field of a protobuf message: an integer (wire type 0), or bytes (types 1, 2 and 5).
 * @typedef {{number: number, wire: number, integer: number, bytes: Uint8Array}} Field
 */

/** @type {Uint8Array} */
const NO_BYTES = new Uint8Array(0);

/** Reads the fields of one protobuf message. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** @returns {number} exact up to 2^53; negative where all 64 bits say so */
  varint() {
    let value = 0;
    let complement = 0;
    for (let factor = 1, length = 1; length <= 10; factor *= 128, length++) {
      if (this.at >= this.bytes.length) throw new Error("the message ends within a number");
      const byte = this.bytes[this.at++];
      // Only negative numbers have ten bytes; near 0, their complement is exact where they are not.
      if (length === 10) return -complement - 1;
      complement += (~byte & 0x7f) * factor;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new Error("a number of more than ten bytes");
  }

  /**
   * @param {number} length
   * @returns {Uint8Array}
   */
  take(length) {
    if (length < 0 || this.at + length > this.bytes.length)
      throw new Error("the message ends within a field");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** @returns {Field} */
  field() {
    const key = this.varint();
    /** @type {Field} */
    const field = {
      number: key >>> 3,
      wire: key & 7,
      integer: 0,
      bytes: NO_BYTES,
    };
    if (field.wire === 0) field.integer = this.varint();
    else if (field.wire === 1) field.bytes = this.take(8);
    else if (field.wire === 2) field.bytes = this.take(this.varint());
    else if (field.wire === 5) field.bytes = this.take(4);
    else throw new Error(`wire type ${field.wire}`);
    return field;
  }
}

/**
 * Return the fields of a message, in order.
 * @param {Uint8Array} bytes
 * @returns {Field[]}
 */
export function readFields(bytes) {
  const reader = new Reader(bytes);
  const fields = [];
  while (reader.at < bytes.length) fields.push(reader.field());
  return fields;
}

/**
 * Return the integers of a repeated field, packed into one or one each.
 * @param {Field[]} fields all of the field's number
 * @returns {number[]}
 */
export function readIntegers(fields) {
  return fields.flatMap((field) => {
    if (field.wire === 0) return [field.integer];
    const reader = new Reader(field.bytes);
    const found = [];
    while (reader.at < field.bytes.length) found.push(reader.varint());
    return found;
  });
}

/**
 * Return the floats of a repeated field, packed into one or one each.
 * @param {Field[]} fields all of the field's number
 * @returns {number[]}
 */
export function readFloats(fields) {
  return fields.flatMap((field) => {
    const view = new DataView(field.bytes.buffer, field.bytes.byteOffset, field.bytes.length);
    return Array.from({ length: field.bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
  });
}

/**
 * @param {Uint8Array} bytes UTF-8
 * @returns {string}
 */
export function readText(bytes) {
  return new TextDecoder().decode(bytes);
}
