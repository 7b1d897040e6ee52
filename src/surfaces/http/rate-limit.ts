/**
 * Requests a minute by actor, in this process (spec API-2). Not a budget: those are durable and shared.
 */
import { AppError } from '../../kernel/errors.ts';

export type RateLimit = { limit: number; remaining: number; resetMs: number; allowed: boolean };

const WINDOW_MS = 60_000;
/** Actors tracked at once; the oldest window is forgotten beyond it. */
const MAX_ACTORS = 10_000;

/** `cost` is 1 for a request, 0 to look only. */
export type RateLimiter = (actor: string, limit: number, cost?: 0 | 1) => RateLimit;

export function createRateLimiter(deps: { nowMs: () => number }): RateLimiter {
  const windows = new Map<string, { startMs: number; count: number }>();
  return (actor, limit, cost = 1) => {
    const nowMs = deps.nowMs();
    let window = windows.get(actor);
    if (window === undefined || nowMs - window.startMs >= WINDOW_MS || nowMs < window.startMs) {
      windows.delete(actor);
      window = { startMs: nowMs, count: 0 };
      windows.set(actor, window);
      const oldest = windows.size > MAX_ACTORS ? windows.keys().next().value : undefined;
      if (oldest !== undefined) windows.delete(oldest);
    }
    window.count += cost;
    return {
      limit,
      remaining: Math.max(0, limit - window.count),
      resetMs: window.startMs + WINDOW_MS - nowMs,
      allowed: window.count + 1 - cost <= limit,
    };
  };
}

/** @throws AppError `rate_limited` with the wait. */
export function refuseBeyond(rate: RateLimit, what: string): void {
  if (rate.allowed) return;
  throw new AppError('rate_limited', `More than ${rate.limit} ${what} in a minute.`, {
    retryAfterMs: rate.resetMs,
    next: `Wait ${Math.ceil(rate.resetMs / 1000)} s.`,
  });
}

/** The `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers in their widely read form. */
export function rateLimitHeaders(rate: RateLimit): Record<string, string> {
  return {
    'ratelimit-limit': String(rate.limit),
    'ratelimit-remaining': String(rate.remaining),
    'ratelimit-reset': String(Math.ceil(rate.resetMs / 1000)),
  };
}
