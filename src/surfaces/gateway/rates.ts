/**
 * Calls and tokens in a minute, by key and by actor (spec GTW-6), in this process. Not a budget: those are durable and shared. Tokens count
 * when they are known, so that a call that is under way may carry a key beyond its limit once.
 */
import type { KeyLimits } from '../../platform/identity/contract.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { AppError } from '../../kernel/errors.ts';

export type RateSettings = { actorRequestsPerMinute: number | null; actorTokensPerMinute: number | null };

export type Rates = {
  /** Counts a call, unless it is refused (`rate_limited`, with the wait); and the headers that say what is left. */
  admit(principal: Principal): { headers: Record<string, string>; refusal: AppError | null };
  /** Counts what a call used. */
  used(principal: Principal, tokens: number): void;
};

const WINDOW_MS = 60_000;
const WINDOWS_MAX = 20_000;

type Window = { startMs: number; calls: number; tokens: number };
type Limit = Pick<KeyLimits, 'requestsPerMinute' | 'tokensPerMinute'>;

export function createRates(deps: { nowMs: () => number; settings: RateSettings }): Rates {
  const windows = new Map<string, Window>();
  const { actorRequestsPerMinute: requestsPerMinute, actorTokensPerMinute: tokensPerMinute } = deps.settings;
  const ofActor: Limit = { requestsPerMinute, tokensPerMinute };

  const windowOf = (name: string): Window => {
    const nowMs = deps.nowMs();
    const found = windows.get(name);
    if (found !== undefined && nowMs >= found.startMs && nowMs - found.startMs < WINDOW_MS) return found;
    const window = { startMs: nowMs, calls: 0, tokens: 0 };
    windows.delete(name);
    windows.set(name, window);
    const oldest = windows.size > WINDOWS_MAX ? windows.keys().next().value : undefined;
    if (oldest !== undefined) windows.delete(oldest);
    return window;
  };
  const limitsOf = ({ key, actor, limits }: Principal): [string, string, Limit][] =>
    [[key, 'key', limits] as [string, string, Limit], [actor, 'actor', ofActor] as [string, string, Limit]].filter(
      ([, , limit]) => limit.requestsPerMinute !== null || limit.tokensPerMinute !== null,
    );

  return {
    admit(principal) {
      const held = limitsOf(principal).map(([name, what, limit]) => ({ what, limit, window: windowOf(name) }));
      const refusal = held.map((each) => refusalOf(each, deps.nowMs())).find((found) => found !== null) ?? null;
      if (refusal === null) for (const { window } of held) window.calls += 1;
      const [first] = held;
      return { headers: first === undefined ? {} : headersOf(first.limit, first.window, deps.nowMs()), refusal };
    },
    used(principal, tokens) {
      for (const [name] of limitsOf(principal)) windowOf(name).tokens += tokens;
    },
  };
}

/** The `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers in their widely read form, for calls, else for tokens. */
function headersOf(limit: Limit, window: Window, nowMs: number): Record<string, string> {
  const reset = { 'ratelimit-reset': String(Math.max(0, Math.ceil((window.startMs + WINDOW_MS - nowMs) / 1000))) };
  const [most, used] = limit.requestsPerMinute === null ? [limit.tokensPerMinute ?? 0, window.tokens] : [limit.requestsPerMinute, window.calls];
  return { 'ratelimit-limit': String(most), 'ratelimit-remaining': String(Math.max(0, most - used)), ...reset };
}

function refusalOf({ what, limit, window }: { what: string; limit: Limit; window: Window }, nowMs: number): AppError | null {
  const waitMs = window.startMs + WINDOW_MS - nowMs;
  if (limit.requestsPerMinute !== null && window.calls >= limit.requestsPerMinute) {
    return tooMany(`This ${what} makes ${limit.requestsPerMinute} calls a minute at most.`, waitMs);
  }
  const full = limit.tokensPerMinute !== null && window.tokens >= limit.tokensPerMinute;
  return full ? tooMany(`This ${what} uses ${limit.tokensPerMinute} tokens a minute at most.`, waitMs) : null;
}

function tooMany(message: string, retryAfterMs: number): AppError {
  return new AppError('rate_limited', message, { retryAfterMs, next: `Wait ${Math.ceil(retryAfterMs / 1000)} s.` });
}
