import { type Vector, writePoint } from "./points.js";
import { writeQuery } from "./query.js";
import type { paths } from "./schema.js";

type Query<Path extends keyof paths> = paths[Path] extends { get: { parameters: { query?: infer Found } } }
  ? NonNullable<Found>
  : never;
type Ends<Path extends keyof paths> = paths[Path] extends { get: { parameters: { path: { extension: infer Found } } } }
  ? Found
  : never;
type Options<Path extends keyof paths, Own extends string = never> = Omit<Query<Path>, Own> & {
  /** The end of the URL, which says what comes. */
  readonly extension?: Ends<Path>;
};

/** Write addresses for `<img src>`. Each picture is a pure function of its address and the model's version. */
export class ImageUrls {
  /** @param base The address of the service, without a slash at its end. */
  constructor(private readonly base: string) {}

  /** One picture of a vector, or a sheet of several. */
  decode(z: Vector | readonly Vector[], options: Options<"/decode.{extension}", "z"> = {}): string {
    const rows = (typeof z[0] === "number" ? [z] : z) as readonly Vector[];
    return this.write("decode", options, { z: rows.map(writePoint) });
  }

  /** A digit, drawn from its class; without a seed another each time. */
  digit(label: number, options: Options<"/digits/{digit}.{extension}"> = {}): string {
    return this.write(`digits/${label}`, options);
  }

  /** Pictures from the prior, or of a class. */
  sample(options: Options<"/sample.{extension}"> = {}): string {
    return this.write("sample", options);
  }

  /** The way from one vector or class to another. */
  interpolate(
    from: Vector | number,
    to: Vector | number,
    options: Options<"/interpolate.{extension}", "from" | "to" | "through"> & {
      /** Points to go through, in this order. */
      readonly through?: readonly (Vector | number)[];
    } = {},
  ): string {
    const { through, ...others } = options;
    const points = { from: writePoint(from), through: through?.map(writePoint), to: writePoint(to) };
    return this.write("interpolate", others, points);
  }

  /** An even grid over two dimensions of latent space. */
  manifold(options: Options<"/manifold.{extension}"> = {}): string {
    return this.write("manifold", options);
  }

  /** A map of where the test pictures lie. */
  latentMap(options: Options<"/latent-map.{extension}"> = {}): string {
    return this.write("latent-map", options);
  }

  private write(path: string, options: { readonly extension?: string }, own: object = {}): string {
    const { extension = "png", ...query } = options;
    return `${this.base}/${path}.${extension}${writeQuery({ ...own, ...query })}`;
  }
}
