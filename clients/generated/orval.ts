import axios, { type AxiosResponse } from "axios";

import { decode, encode, sample } from "./out/orval/api";
import { tell } from "./tell";

axios.defaults.baseURL = process.env["CVAE_URL"]!;

// axios asks for JSON unless told otherwise, and has no blobs in Node.js.
const { data } = await decode<AxiosResponse<ArrayBuffer>>(
  { z: [0.5, -1.0] },
  { format: "png" },
  { responseType: "arraybuffer" },
);
const picture = new Blob([data], { type: "image/png" });

const numbers = await decode({ z: [0.5, -1.0] }, { format: "json" });
if (numbers.data instanceof Blob) throw new Error("no numbers");

const upload = await encode(picture, {}, { headers: { "Content-Type": "image/png" } });

await sample({});
await tell(picture, numbers.data.images, upload.data.z_mean);
