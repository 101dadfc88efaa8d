import type { components } from "./schema.js";

/** What the service says of a request that it refuses (RFC 9457). */
export type Problem = components["schemas"]["Problem"];

/** The service refused a request, or failed. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";

  /**
   * @param status The HTTP status.
   * @param problem What the service says of it, if it says it in its own way: a proxy does not.
   * @param retryAfterS Seconds after which to try again, if the answer names them.
   */
  constructor(
    readonly status: number,
    readonly problem: Problem | undefined,
    readonly retryAfterS: number | undefined,
  ) {
    super(problem?.detail ?? `the service answered ${status}`);
  }

  /** Read an answer that is an error. */
  static async read(answer: Response): Promise<ServiceError> {
    const text = await answer.text();
    const seconds = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
    return new ServiceError(answer.status, parse(text), Number.isNaN(seconds) ? undefined : seconds);
  }
}

function parse(text: string): Problem | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && "detail" in found ? (found as Problem) : undefined;
  } catch {
    return undefined;
  }
}
