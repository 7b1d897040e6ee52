/**
 * Who calls, and whether too often: the key, its actor, the rate. Everything behind it has a principal. Guesses of keys are limited by
 * address before the key is looked up; a key that was good a while ago passes, so that one bad neighbour locks nobody out.
 */
import type { IncomingMessage } from 'node:http';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { HttpContext } from './context.ts';
import type { RateLimiter } from './rate-limit.ts';
import { rateLimitHeaders, refuseBeyond } from './rate-limit.ts';
import { sessionTokenOf } from './session-cookie.ts';

export type AdmitDeps = {
  /** Null for a key that is unknown, expired or revoked: the caller learns no more than that. */
  authenticate: (key: string) => Promise<Principal | null>;
  /** The same for the token of a signed-in browser, where one is let in. */
  authenticateSession?: (token: string) => Promise<Principal | null>;
  limiter: RateLimiter;
  requestsPerMinute: (principal: Principal) => number;
};

export const GUESSES_PER_MINUTE = 60;
/** Digests of keys that were good, the oldest forgotten first. */
const GOOD_KEYS_MAX = 1_000;
export const MAX_KEY_CHARS = 500;

export function admit(deps: AdmitDeps) {
  const good = new Set<string>();
  const check = async (c: HttpContext, { secret, authenticate }: Credential): Promise<Principal> => {
    const digest = sha256Hex(secret);
    const guess = limitGuesses(deps.limiter, c, good.has(digest));
    const principal = secret.length > MAX_KEY_CHARS ? null : await authenticate(secret);
    if (principal === null) {
      good.delete(digest);
      guess.failed();
      throw unauthenticated('This key is not known, has expired, or was revoked.');
    }
    good.add(digest);
    const [oldest] = good;
    if (good.size > GOOD_KEYS_MAX && oldest !== undefined) good.delete(oldest);
    return principal;
  };
  return async (c: HttpContext, next: () => Promise<void>): Promise<void> => {
    const credential = credentialOf(deps, c);
    if (credential === null) throw unauthenticated('No key was given.');
    const principal = credential.signedIn ? await checkSession(credential) : await check(c, credential);
    c.set('principal', principal);
    c.set('recheck', async () => (await credential.authenticate(credential.secret)) !== null);
    const rate = deps.limiter(principal.actor, deps.requestsPerMinute(principal));
    for (const [name, value] of Object.entries(rateLimitHeaders(rate))) c.header(name, value);
    refuseBeyond(rate, 'requests');
    await next();
  };
}

type Credential = { secret: string; signedIn: boolean; authenticate: (secret: string) => Promise<Principal | null> };

/** A key stands above a cookie: who sends one means it. */
function credentialOf(deps: AdmitDeps, c: HttpContext): Credential | null {
  const key = bearerOf(c);
  if (key !== null) return { secret: key, signedIn: false, authenticate: deps.authenticate };
  if (c.req.header('authorization') !== undefined || deps.authenticateSession === undefined) return null;
  const token = sessionTokenOf(c);
  return token === null ? null : { secret: token, signedIn: true, authenticate: deps.authenticateSession };
}

/** A browser goes on sending an ended session, which is no guess. */
async function checkSession({ secret, authenticate }: Credential): Promise<Principal> {
  const principal = await authenticate(secret);
  if (principal !== null) return principal;
  throw new AppError('unauthenticated', 'You are signed out: the session has ended, or its key was revoked.', { next: 'Sign in again.' });
}

/** Unknown keys from one address, so many in a minute. @throws AppError `rate_limited` beyond, unless what is tried was good before. */
export function limitGuesses(limiter: RateLimiter, c: HttpContext, wasGood = false): { failed(): void } {
  const guesser = `address ${addressOf(c)}`;
  if (!wasGood) refuseBeyond(limiter(guesser, GUESSES_PER_MINUTE, 0), 'unknown keys from this address');
  return { failed: () => void limiter(guesser, GUESSES_PER_MINUTE) };
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
export function addressOf(c: HttpContext): string {
  return (c.env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? 'unknown';
}
