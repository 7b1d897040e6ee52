/**
 * Who calls, and whether too often: the key, its actor, the rate. Everything behind it has a principal. Guesses of keys are limited by
 * address before the key is looked up; a key that was good a while ago passes, so that one bad neighbour locks nobody out.
 */
import type { IncomingMessage } from 'node:http';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { HttpContext } from './app.ts';
import type { RateLimiter } from './rate-limit.ts';
import { rateLimitHeaders, refuseBeyond } from './rate-limit.ts';

export type AdmitDeps = {
  /** Null for a key that is unknown, expired or revoked: the caller learns no more than that. */
  authenticate: (key: string) => Promise<Principal | null>;
  limiter: RateLimiter;
  requestsPerMinute: (principal: Principal) => number;
};

export const GUESSES_PER_MINUTE = 60;
/** Digests of keys that were good, the oldest forgotten first. */
const GOOD_KEYS_MAX = 1_000;
const MAX_KEY_CHARS = 500;

export function admit(deps: AdmitDeps) {
  const good = new Set<string>();
  const check = async (c: HttpContext, key: string): Promise<Principal> => {
    const digest = sha256Hex(key);
    const guesser = `address ${addressOf(c)}`;
    if (!good.has(digest)) refuseBeyond(deps.limiter(guesser, GUESSES_PER_MINUTE, 0), 'unknown keys from this address');
    const principal = key.length > MAX_KEY_CHARS ? null : await deps.authenticate(key);
    if (principal === null) {
      good.delete(digest);
      deps.limiter(guesser, GUESSES_PER_MINUTE);
      throw unauthenticated('This key is not known, has expired, or was revoked.');
    }
    good.add(digest);
    const [oldest] = good;
    if (good.size > GOOD_KEYS_MAX && oldest !== undefined) good.delete(oldest);
    return principal;
  };
  return async (c: HttpContext, next: () => Promise<void>): Promise<void> => {
    const key = bearerOf(c);
    if (key === null) throw unauthenticated('No key was given.');
    const principal = await check(c, key);
    c.set('principal', principal);
    const rate = deps.limiter(principal.actor, deps.requestsPerMinute(principal));
    for (const [name, value] of Object.entries(rateLimitHeaders(rate))) c.header(name, value);
    refuseBeyond(rate, 'requests');
    await next();
  };
}

/** RFC 6750: one scheme, one token. */
export function bearerOf(c: HttpContext): string | null {
  return /^bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? null;
}

function unauthenticated(message: string): AppError {
  return new AppError('unauthenticated', message, {
    next: 'Send "Authorization: Bearer KEY". On this machine the key is in local.key of the home folder; an owner makes more with `windlass key create`.',
  });
}

/** Of the connection: a header could say anything. */
function addressOf(c: HttpContext): string {
  return (c.env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? 'unknown';
}
