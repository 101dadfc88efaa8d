import { ServiceError } from "./errors.js";

/** How a call is tried again after 429, 503 and connections that fail: all calls mean the same each time. */
export interface Retry {
  /** Most tries of a call; 1: none again. */
  readonly tries: number;
  /** Longest wait after the first try; it doubles with each. */
  readonly firstWaitMs: number;
  /** Longest wait after any try. A `Retry-After` that is longer ends the tries. */
  readonly maxWaitMs: number;
}

export const RETRY: Retry = { tries: 4, firstWaitMs: 100, maxWaitMs: 5000 };
const AGAIN = new Set([429, 503]);

/** Call until it works, or until it makes no sense to go on. */
export async function retrying<T>(call: () => Promise<T>, retry: Retry, signal: AbortSignal | undefined): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      signal?.throwIfAborted();
      return await call();
    } catch (error) {
      const waitMs = signal?.aborted || failures >= retry.tries ? undefined : waitAfter(error, failures, retry);
      if (waitMs === undefined) throw error;
      await sleep(waitMs, signal);
    }
  }
}

/** The wait after a failure, or undefined where the same would come again. */
export function waitAfter(error: unknown, failures: number, retry: Retry): number | undefined {
  if (error instanceof ServiceError) {
    if (!AGAIN.has(error.status)) return undefined;
    if (error.retryAfterS !== undefined) {
      const waitMs = error.retryAfterS * 1000;
      return waitMs <= retry.maxWaitMs ? waitMs : undefined;
    }
  } else if (!(error instanceof TypeError)) {
    return undefined; // `fetch` has TypeError for connections that fail or break
  }
  // By chance, so that clients which failed together do not come back together.
  return Math.random() * Math.min(retry.maxWaitMs, retry.firstWaitMs * 2 ** (failures - 1));
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
