/**
 * Idempotency keys (spec HND-3): the same key and request gets the first answer, the same key with another request a clear
 * error. Keys are scoped to organization, actor and endpoint. Answers that show a secret and server errors are never kept.
 */
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ActorId, OrgId } from '../../kernel/ids.ts';
import type { Log } from '../../platform/telemetry/log.ts';

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

/** Longer endpoints stand under their digest: an index takes only so much. */
const MAX_ENDPOINT_CHARS = 500;

/** @throws AppError `invalid_input` for what is no key. */
export function scopeOf(principal: { org: OrgId; actor: ActorId }, endpoint: string, key: string): OnceScope {
  const { org, actor } = principal;
  return { org, actor, endpoint: endpoint.length > MAX_ENDPOINT_CHARS ? sha256Hex(endpoint) : endpoint, key: checkKey(key) };
}

function checkKey(key: string): string {
  if (key.length > 0 && key.length <= MAX_KEY_CHARS && /^[\x21-\x7e]+$/.test(key)) return key;
  throw new AppError('invalid_input', `An Idempotency-Key has 1 to ${MAX_KEY_CHARS} visible ASCII characters.`, { next: 'A UUID does well.' });
}

export type OnceDeps = { once: OnceStore; log: Log };

/** Carries out `work` at most once for the key; `secret` answers are not kept and their replay says how to rotate. */
export async function once(
  deps: OnceDeps,
  request: { scope: OnceScope; input: unknown; secret: boolean },
  work: () => Promise<Answer>,
): Promise<Replayed> {
  const { scope, secret } = request;
  const requestHash = sha256Hex(canonicalJson(request.input ?? null));
  const found = await deps.once.take(scope, requestHash);
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
    return replay(found.answer, secret);
  }
  // what comes of remembering must not change the answer to what was done or refused
  const remember = (what: Promise<void>): Promise<void> =>
    what.catch((error: unknown) => deps.log('warn', 'an idempotency key could not be settled; it is free again after a while', { error }));
  let answer: Answer;
  try {
    answer = await work();
  } catch (error) {
    // A refusal or a fault leaves no trace under the key: the caller may mend the cause and use it again.
    await remember(deps.once.forget(scope));
    throw error;
  }
  const kept = !secret && Buffer.byteLength(answer.body) <= MAX_KEPT_BODY_BYTES;
  // the digest of an answer with a secret would let a guess be checked
  const bodySha256 = secret ? '' : sha256Hex(answer.body);
  await remember(deps.once.keep(scope, { status: answer.status, body: kept ? answer.body : null, bodySha256 }));
  return { ...answer, replayed: false };
}

function replay({ status, body, bodySha256 }: KeptAnswer, secret: boolean): Replayed {
  if (body !== null) return { status, body, replayed: true };
  const said = secret
    ? {
        note: 'It was done. Its answer showed a secret, which is never kept: if the secret was lost, rotate the key (POST /api/v1/keys/{id}/rotate).',
      }
    : { bodySha256, note: 'It was done. Its answer was too large to be kept; this is its SHA-256. Read the resource instead.' };
  return { status, body: JSON.stringify({ replayed: true, ...said }), replayed: true };
}
