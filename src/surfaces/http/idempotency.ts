/**
 * Idempotency keys (spec HND-3): the same key and request gets the first answer, the same key with another request a clear
 * error. Keys are scoped to organization, actor and endpoint. Answers that show a secret and server errors are never kept.
 */
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ActorId, OrgId } from '../../kernel/ids.ts';

/** Bodies up to this many bytes are kept whole, larger ones as their SHA-256. */
export const MAX_KEPT_BODY_BYTES = 64 * 1024;
/** How long an answer is kept: at least an hour by the spec; a day forgives a laptop that slept. */
export const KEPT_MS = 24 * 60 * 60_000;
/** A first request that has not answered for this long is taken for dead. */
export const IN_FLIGHT_MS = 120_000;
const MAX_KEY_CHARS = 255;

export type OnceScope = { org: OrgId; actor: ActorId; endpoint: string; key: string };
export type KeptAnswer = { status: number; body: string | null; bodySha256: string };

export type OnceStore = {
  /** Takes the key, or answers what stands there. `nowMs`-based expiry is the store's. */
  take(
    scope: OnceScope,
    requestHash: string,
  ): Promise<{ state: 'taken' } | { state: 'in_flight'; requestHash: string } | { state: 'done'; requestHash: string; answer: KeptAnswer }>;
  keep(scope: OnceScope, answer: KeptAnswer): Promise<void>;
  forget(scope: OnceScope): Promise<void>;
};

export type Answer = { status: number; body: string };
export type Replayed = Answer & { replayed: boolean };

export function checkKey(key: string): string {
  if (key.length > 0 && key.length <= MAX_KEY_CHARS && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new AppError('invalid_input', `An Idempotency-Key has 1 to ${MAX_KEY_CHARS} visible ASCII characters.`, { next: 'A UUID does well.' });
}

/** Carries out `work` at most once for the key; `secret` answers are not kept and their replay says how to rotate. */
export async function once(
  store: OnceStore,
  request: { scope: OnceScope; input: unknown; secret: boolean },
  work: () => Promise<Answer>,
): Promise<Replayed> {
  const { scope } = request;
  const requestHash = sha256Hex(canonicalJson(request.input ?? null));
  const found = await store.take(scope, requestHash);
  if (found.state !== 'taken') {
    if (found.requestHash !== requestHash) {
      throw new AppError('idempotency_mismatch', `The Idempotency-Key "${scope.key}" was used for another request to ${scope.endpoint}.`, {
        next: 'Use a new key for a new request.',
      });
    }
    if (found.state === 'in_flight') {
      throw new AppError('idempotency_in_flight', `The first request with Idempotency-Key "${scope.key}" is still running.`, {
        next: 'Ask again in a second.',
        retryAfterMs: 1_000,
      });
    }
    return replay(found.answer);
  }
  let answer: Answer;
  try {
    answer = await work();
  } catch (error) {
    // A refusal or a fault leaves no trace under the key: the caller may mend the cause and use it again.
    await store.forget(scope);
    throw error;
  }
  if (answer.status >= 500) await store.forget(scope);
  else
    await store.keep(scope, {
      status: answer.status,
      body: request.secret || answer.body.length > MAX_KEPT_BODY_BYTES ? null : answer.body,
      bodySha256: sha256Hex(answer.body),
    });
  return { ...answer, replayed: false };
}

function replay(kept: KeptAnswer): Replayed {
  if (kept.body !== null) return { status: kept.status, body: kept.body, replayed: true };
  const body = JSON.stringify({
    replayed: true,
    bodySha256: kept.bodySha256,
    note: 'The first answer was not kept (it was large, or it showed a secret). Read the resource instead; rotate a key whose secret was lost.',
  });
  return { status: kept.status, body, replayed: true };
}
