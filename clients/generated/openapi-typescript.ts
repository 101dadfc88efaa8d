import createClient from "openapi-fetch";

import type { paths } from "./out/openapi-typescript/schema";
import { tell } from "./tell";

const client = createClient<paths>({ baseUrl: process.env["CVAE_URL"]! });

// The README's first call.
const picture = await client.POST("/decode", { body: { z: [0.5, -1.0] }, parseAs: "blob" });
if (picture.error) throw new Error(picture.error.detail);

const numbers = await client.POST("/decode", { params: { query: { format: "json" } }, body: { z: [0.5, -1.0] } });
if (numbers.error || typeof numbers.data === "string") throw new Error("no numbers");

const form = new FormData();
form.append("file", picture.data, "digit.png");
const upload = await client.POST("/encode", { body: { file: ["digit.png"] }, bodySerializer: () => form });
if (upload.error) throw new Error(upload.error.detail);

await client.POST("/sample", { body: {}, parseAs: "blob" });
await client.POST("/interpolate", { body: { from: { digit: 3 }, to: { z: [0.1, -0.4] } }, parseAs: "blob" });
await tell(picture.data, numbers.data.images, upload.data.z_mean);
