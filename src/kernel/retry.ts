/** Backoff for models and HTTP: 1 2 4 8 16 s with jitter, at most five retries (spec HAR-7). */
export const MAX_RETRIES = 5;
const BASE_MS = 1_000;

/**
 * Milliseconds before retry number `retry` (1-based). Full delay plus up to a quarter of jitter; a server's
 * Retry-After is honoured when longer. `random` is in [0, 1).
 */
export function backoffMs(retry: number, random: number, retryAfterMs = 0): number {
  const delay = BASE_MS * 2 ** (Math.min(Math.max(retry, 1), MAX_RETRIES) - 1);
  return Math.max(retryAfterMs, Math.round(delay * (1 + random / 4)));
}
