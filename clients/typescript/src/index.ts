/** A typed client of the CVAE service. */
export { CvaeClient } from "./client.js";
export type {
  CallOptions,
  ClientOptions,
  DecodeOptions,
  EncodeOptions,
  InterpolateOptions,
  ReconstructOptions,
  RestyleOptions,
  SampleOptions,
} from "./client.js";
export { ServiceError } from "./errors.js";
export type { Problem } from "./errors.js";
export type { Picture } from "./pictures.js";
export type { End, Vector } from "./points.js";
export type { Retry } from "./retry.js";
export type { components, operations, paths } from "./schema.js";
export { ImageUrls } from "./urls.js";
