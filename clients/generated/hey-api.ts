import { client } from "./out/hey-api/client.gen";
import { decode, sample } from "./out/hey-api/sdk.gen";
import type { EncodeErrors, EncodeResponses } from "./out/hey-api/types.gen";
import { tell } from "./tell";

client.setConfig({ baseUrl: process.env["CVAE_URL"]!, throwOnError: true });

const picture = await decode<true>({ body: { z: [0.5, -1.0] }, parseAs: "blob" });
if (!(picture.data instanceof Blob)) throw new Error("no picture");

const numbers = await decode<true>({ body: { z: [0.5, -1.0] }, query: { format: "json" } });
if (numbers.data instanceof Blob) throw new Error("no numbers");

// Of the bodies that an operation takes, this generator types the one in JSON.
const upload = await client.post<EncodeResponses, EncodeErrors, true>({
  url: "/encode",
  body: picture.data,
  bodySerializer: null,
  headers: { "Content-Type": "image/png" },
});

await sample<true>({ body: {} });
await tell(picture.data, numbers.data.images, upload.data.z_mean);
