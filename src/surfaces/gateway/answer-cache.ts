/**
 * Answers to the very same call, kept and given again where a header, the key or the alias asks for it (spec GTW-4): by the canonical request, for a
 * time, for one organization and project. Only whole and good answers are kept; what a provider caches of prompts is its own affair.
 */
import { digestOf } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Database } from '../../storage/database.ts';
import type { Chain } from '../../runtime/models/aliases.ts';
import type { Call } from './attempt.ts';
import * as store from '../../runtime/models/answer-store.ts';
import { CACHE_SECONDS, CACHED_BYTES } from './limits.ts';

export const CACHE_HEADER = 'x-windlass-cache';

export type CacheEntry = { org: Call['principal']['org']; digest: string; seconds: number };
export type KeptAnswer = store.KeptAnswer;

export type AnswerCache = {
  find(entry: CacheEntry): Promise<KeptAnswer | null>;
  /** Behind the answer: what cannot be kept is not. */
  keep(entry: CacheEntry, answer: { status: number; model: string; collected: ReturnType<typeof collector> }): void;
};

/** Where an answer of this call would be; null when none is to be kept. @throws AppError `invalid_input` for a header that says no time. */
export function entryOf(call: Call, chain: Chain, header: string | undefined): CacheEntry | null {
  const { endpoint, ask, principal } = call;
  const seconds = secondsIn(header) ?? principal.limits.cacheSeconds ?? chain.cacheSeconds;
  if (seconds === null || seconds === 0) return null;
  const { org, project } = principal;
  // whose own credential it was bought with is nobody else's
  const owner = call.own.length > 0 ? principal.key : null;
  const { model: _model, ...request } = ask.json;
  const digest = digestOf({ project, owner, path: endpoint.path, query: endpoint.query, model: ask.model, chain: chain.models.toSorted(), request });
  return { org, digest, seconds };
}

function secondsIn(header: string | undefined): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  if (/^\d+$/.test(header.trim()) && seconds <= CACHE_SECONDS) return seconds;
  throw new AppError(
    'invalid_input',
    `${CACHE_HEADER} says for how many seconds an answer is kept, ${CACHE_SECONDS} at most, not "${header.slice(0, 40)}".`,
    {
      next: 'Send a whole number, 0 to keep nothing.',
    },
  );
}

/** The bytes of an answer as they went out; null once they are too many. */
export function collector(): { push(bytes: Uint8Array): void; bytes(): Buffer | null; stream: boolean } {
  let parts: Buffer[] | null = [];
  let size = 0;
  return {
    stream: false,
    push(bytes) {
      size += bytes.byteLength;
      if (size > CACHED_BYTES) parts = null;
      parts?.push(Buffer.from(bytes));
    },
    bytes: () => (parts === null || parts.length === 0 ? null : Buffer.concat(parts)),
  };
}

export function createAnswerCache({ db, log }: { db: Database; log: Log }): AnswerCache {
  return {
    find: (entry) => db.asOrg(entry.org, (tx) => store.findAnswer(tx, entry.org, entry.digest)),
    keep(entry, { status, model, collected }) {
      const body = collected.bytes();
      if (body === null || status !== 200) return;
      db.asOrg(entry.org, (tx) => store.keepAnswer(tx, entry.org, { ...entry, model, body })).catch((error: unknown) =>
        log('warn', 'an answer was not kept', { error }),
      );
    },
  };
}
