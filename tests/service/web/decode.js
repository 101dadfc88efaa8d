/** Decodes with the page's own decoder: a line of JSON in, a line of JSON out, for test_decoder.py. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Decoder } from "../../../service/web/static/decoder/decoder.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { path, z, label } = JSON.parse(line);
  try {
    const decoder = new Decoder(new Uint8Array(readFileSync(path)));
    console.log(JSON.stringify({ image: Array.from(decoder.decode(z, label)) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
