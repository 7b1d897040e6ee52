/**
 * Requests a minute by actor, in this process (spec API-2). Not a budget: those are durable and shared.
 */
export type RateLimit = { limit: number; remaining: number; resetMs: number; allowed: boolean };

const WINDOW_MS = 60_000;
/** Actors tracked at once; the oldest window is forgotten beyond it. */
const MAX_ACTORS = 10_000;

export function createRateLimiter(deps: { nowMs: () => number }): (actor: string, limit: number) => RateLimit {
  const windows = new Map<string, { startMs: number; count: number }>();
  return (actor, limit) => {
    const nowMs = deps.nowMs();
    let window = windows.get(actor);
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS || nowMs < window.startMs) {
      windows.delete(actor);
      window = { startMs: nowMs, count: 0 };
      windows.set(actor, window);
      const oldest = windows.size > MAX_ACTORS ? windows.keys().next().value : undefined;
      if (oldest !== undefined) windows.delete(oldest);
    }
    window.count += 1;
    return { limit, remaining: Math.max(0, limit - window.count), resetMs: window.startMs + WINDOW_MS - nowMs, allowed: window.count <= limit };
  };
}

/** The `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers in their widely read form. */
export function rateLimitHeaders(rate: RateLimit): Record<string, string> {
  return {
    'ratelimit-limit': String(rate.limit),
    'ratelimit-remaining': String(rate.remaining),
    'ratelimit-reset': String(Math.ceil(rate.resetMs / 1000)),
  };
}
