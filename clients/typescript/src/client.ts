import { ServiceError } from "./errors.js";
import { type Picture, toBlob } from "./pictures.js";
import { type End, type Vector, writeEnd, writeField } from "./points.js";
import { writeQuery } from "./query.js";
import { RETRY, type Retry, retrying } from "./retry.js";
import type { components, paths } from "./schema.js";
import { ImageUrls } from "./urls.js";

type Schemas = components["schemas"];
type Query<Path extends keyof paths> = paths[Path] extends { post: { parameters: { query?: infer Found } } }
  ? NonNullable<Found>
  : never;
/** How pictures are drawn; what does not come as a picture is asked for by the methods that give numbers. */
type Look<Path extends keyof paths, Format extends string> = Omit<Query<Path>, "format" | "model" | "label"> & {
  readonly format?: Format;
};
type Still = "png" | "webp";
type Moving = "png" | "webp" | "gif" | "apng";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call: what waits for it in the service does not run. */
  readonly signal?: AbortSignal;
  /** How long to wait, all tries together; the service is told. */
  readonly timeoutMs?: number;
}

/** How a client calls. */
export interface ClientOptions {
  readonly retry?: Partial<Retry>;
  /** Of all calls that name none. */
  readonly timeoutMs?: number;
  /** Sent with each call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent with each call; not in the addresses of pictures. In a page, whoever looks at it can read the key. */
  readonly apiKey?: string;
  /** In place of the platform's own. */
  readonly fetch?: typeof fetch;
}

type Body<Name extends keyof Schemas> = Partial<Omit<Schemas[Name], "z" | "from" | "to" | "pixels">>;
export type DecodeOptions = Body<"DecodeRequest"> & CallOptions;
export type SampleOptions = Schemas["SampleRequest"] & CallOptions;
export type InterpolateOptions = Omit<Body<"InterpolateRequest">, "through"> & {
  /** Points to go through, in this order. */
  readonly through?: readonly (Vector | number)[];
} & CallOptions;
export type EncodeOptions = Query<"/encode"> & CallOptions;
export type ReconstructOptions = Omit<Query<"/reconstruct">, "format"> & { readonly format?: Still } & CallOptions;
export type RestyleOptions = Omit<Query<"/restyle">, "format"> & { readonly format?: Still } & CallOptions;

/** A client of the service, for browsers and Node.js. */
export class CvaeClient {
  /** Addresses for `<img src>`. */
  readonly urls: ImageUrls;
  private readonly base: string;
  private readonly retry: Retry;
  private readonly fetch: typeof fetch;

  /** @param base The address of the service, such as `http://localhost:8000`, or of where it is under a proxy. */
  constructor(
    base: string,
    private readonly options: ClientOptions = {},
  ) {
    this.base = base.replace(/\/+$/, "");
    this.urls = new ImageUrls(this.base);
    this.retry = { ...RETRY, ...options.retry };
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** Draw one vector, or a sheet of several. */
  async decode(
    z: Vector | readonly Vector[],
    options: DecodeOptions & Look<"/decode", Still> = {},
  ): Promise<Blob> {
    const { signal, timeoutMs, model, label, ...query } = options;
    const body = JSON.stringify({ z, model, label });
    return await this.draw("/decode", query, json(body), { signal, timeoutMs });
  }

  /** Decode vectors to numbers. */
  async decodeNumbers(
    z: Vector | readonly Vector[],
    options: DecodeOptions & Pick<Query<"/decode">, "dtype"> = {},
  ): Promise<Schemas["PicturesAnswer"]> {
    const { signal, timeoutMs, model, label, ...query } = options;
    const body = JSON.stringify({ z, model, label });
    return await this.ask("/decode", { ...query, format: "json" }, json(body), { signal, timeoutMs });
  }

  /** Draw pictures from the prior, or of a class. */
  async sample(options: SampleOptions & Look<"/sample", Still> = {}): Promise<Blob> {
    const { signal, timeoutMs, n, seed, temperature, digit, prior, model, ...query } = options;
    const body = JSON.stringify({ n, seed, temperature, digit, prior, model });
    return await this.draw("/sample", query, json(body), { signal, timeoutMs });
  }

  /** Draw the way from one end to another, as a strip or as a sequence that moves. */
  async interpolate(
    from: End,
    to: End,
    options: InterpolateOptions & Look<"/interpolate", Moving> = {},
  ): Promise<Blob> {
    const { signal, timeoutMs, steps, method, model, through, ...query } = options;
    const content = await writePath(from, to, through, { steps, method, model });
    return await this.draw("/interpolate", query, content, { signal, timeoutMs });
  }

  /** Encode a picture, or several: files, or what is drawn on a canvas. */
  async encode(picture: Picture | readonly Picture[], options: EncodeOptions = {}): Promise<Schemas["EncodeAnswer"]> {
    const { signal, timeoutMs, ...query } = options;
    return await this.ask("/encode", query, await upload(picture), { signal, timeoutMs });
  }

  /** Draw each picture beside what the model makes of it. */
  async reconstruct(picture: Picture | readonly Picture[], options: ReconstructOptions = {}): Promise<Blob> {
    const { signal, timeoutMs, ...query } = options;
    return await this.draw("/reconstruct", query, await upload(picture), { signal, timeoutMs });
  }

  /** Write `labels`, a phrase such as `20251126`, or else each class once, in the style of a picture or of several. */
  async restyle(picture: Picture | readonly Picture[], options: RestyleOptions = {}): Promise<Blob> {
    const { signal, timeoutMs, ...query } = options;
    return await this.draw("/restyle", query, await upload(picture), { signal, timeoutMs });
  }

  /** List the loaded models. */
  async models(options: CallOptions = {}): Promise<Schemas["ModelList"]> {
    return await this.ask("/models", {}, {}, options);
  }

  private async draw(path: string, query: object, content: RequestInit, options: Waiting): Promise<Blob> {
    return await this.call(path, { format: "png", ...query }, content, options, (answer) => answer.blob());
  }

  private async ask<T>(path: string, query: object, content: RequestInit, options: Waiting): Promise<T> {
    return await this.call(path, query, content, options, async (answer) => (await answer.json()) as T);
  }

  private async call<T>(
    path: string,
    query: object,
    content: RequestInit,
    { signal, timeoutMs = this.options.timeoutMs }: Waiting,
    read: (answer: Response) => Promise<T>,
  ): Promise<T> {
    const address = `${this.base}${path}${writeQuery(query)}`;
    const headers = new Headers({ ...this.options.headers, ...(content.headers as Record<string, string>) });
    if (this.options.apiKey !== undefined) headers.set("Authorization", `Bearer ${this.options.apiKey}`);
    if (timeoutMs !== undefined) headers.set("X-Request-Timeout-Ms", String(Math.max(1, Math.ceil(timeoutMs))));
    const stop = join(signal, timeoutMs);
    const request = { ...content, headers, signal: stop ?? null };
    const once = async (): Promise<T> => {
      const answer = await this.fetch(address, request);
      if (!answer.ok) throw await ServiceError.read(answer);
      return await read(answer);
    };
    return await retrying(once, this.retry, stop);
  }
}

type Waiting = { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined };

function join(signal: AbortSignal | undefined, timeoutMs: number | undefined): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal;
  const timeout = AbortSignal.timeout(Math.ceil(timeoutMs));
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

function json(body: string): RequestInit {
  return { method: "POST", body, headers: { "Content-Type": "application/json" } };
}

async function upload(picture: Picture | readonly Picture[]): Promise<RequestInit> {
  const pictures = (Array.isArray(picture) ? picture : [picture]) as readonly Picture[];
  const form = new FormData();
  for (const each of pictures) form.append("file", await toBlob(each), "picture");
  return { method: "POST", body: form };
}

async function writePath(
  from: End,
  to: End,
  through: readonly (Vector | number)[] | undefined,
  options: object,
): Promise<RequestInit> {
  const [start, end] = [writeEnd(from), writeEnd(to)];
  if (start !== undefined && end !== undefined) {
    return json(JSON.stringify({ from: start, to: end, through: through?.map(writeEnd), ...options }));
  }
  if (through?.length) throw new TypeError("through: expected vectors or classes at both ends, received a picture");
  const form = new FormData();
  form.append("from", await writeField(from));
  form.append("to", await writeField(to));
  for (const [name, value] of Object.entries(options)) if (value !== undefined) form.append(name, String(value));
  return { method: "POST", body: form };
}
