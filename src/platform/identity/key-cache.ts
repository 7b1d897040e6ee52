/**
 * Keys that were found lately, so that a call through the model gateway asks the database nothing. A key that ended is forgotten at once
 * in this process, and within its short life here in every other. Not for the API: there every request asks.
 */
import type { KeyId } from '../../kernel/ids.ts';
import type { Principal } from './principal.ts';
import type { Identity } from './service.ts';

/** A key is asked for again behind the answer after the first, and before it after the second. */
export const KEY_FRESH_MS = 500;
export const KEY_KEPT_MS = 1_500;
const KEYS_MAX = 10_000;

type Known = { principal: Principal; foundAtMs: number };

export type KeyCache = {
  /** Answers as `Identity.authenticate` does. */
  authenticate: Identity['authenticate'];
  /** Whether it was a good key when it was last looked up: then trying it again is no guess. */
  wasGood(secret: string): boolean;
};

export function createKeyCache(deps: { identity: Pick<Identity, 'authenticate' | 'onKeyEnded'>; nowMs: () => number }): KeyCache {
  const known = new Map<string, Known>();
  const asked = new Map<string, Promise<Principal | null>>();
  /** Counts keys that ended: what was asked before one did may not be kept. */
  let ended = 0;
  deps.identity.onKeyEnded((key: KeyId) => {
    ended += 1;
    asked.clear();
    for (const [secret, { principal }] of known) if (principal.key === key) known.delete(secret);
  });

  const ask = async (secret: string): Promise<Principal | null> => {
    const [startedMs, endedBefore] = [deps.nowMs(), ended];
    const principal = await deps.identity.authenticate(secret);
    known.delete(secret);
    if (principal === null || ended !== endedBefore) return principal;
    known.set(secret, { principal, foundAtMs: startedMs });
    const oldest = known.size > KEYS_MAX ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    return principal;
  };
  const askOnce = (secret: string): Promise<Principal | null> => {
    const under = asked.get(secret);
    if (under !== undefined) return under;
    const asking = ask(secret).finally(() => {
      if (asked.get(secret) === asking) asked.delete(secret);
    });
    asked.set(secret, asking);
    return asking;
  };

  const authenticate: Identity['authenticate'] = async (secret) => {
    const found = known.get(secret);
    const ageMs = found === undefined ? Infinity : deps.nowMs() - found.foundAtMs;
    if (found === undefined || ageMs < 0 || ageMs >= KEY_KEPT_MS) return askOnce(secret);
    if (ageMs >= KEY_FRESH_MS) askOnce(secret).catch(() => undefined); // the next call that needs an answer hears of it
    return found.principal;
  };
  return { authenticate, wasGood: (secret) => known.has(secret) };
}
