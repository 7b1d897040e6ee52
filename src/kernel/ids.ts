/**
 * Ids: a type prefix and a time-sortable unique part (spec STO-6). The only file that makes or brands an id.
 * Form: `run_01jd2m7x9c4qf8w3v5k6t1z0ab`: 48 bits of milliseconds and 80 random bits in Crockford base 32, lower case.
 */
import { AppError } from './errors.ts';

declare const brand: unique symbol;
export type Id<P extends string> = string & { readonly [brand]: P };

/** Every kind of id there is: prefix → what it names. */
export const ID_PREFIXES = {
  org: 'organization',
  prj: 'project',
  act: 'actor',
  key: 'API key',
  sgn: 'sign-in',
  agt: 'agent',
  run: 'run',
  apr: 'approval',
  sch: 'schedule',
  call: 'tool call',
  wrk: 'worker process',
  cor: 'correlation',
  sess: 'session',
  ho: 'handoff',
  note: 'note',
  doc: 'document',
  duty: 'duty',
  alert: 'alert',
  whs: 'webhook source',
  std: 'standard',
  stp: 'proposed standard',
  mach: 'machine',
  pnl: 'review panel',
  fnd: 'review finding',
  mcl: 'model call',
  bud: 'budget',
  ask: 'request for more budget',
  grt: 'budget grant',
} as const;
export type IdPrefix = keyof typeof ID_PREFIXES;

export type OrgId = Id<'org'>;
export type ProjectId = Id<'prj'>;
export type ActorId = Id<'act'>;
export type KeyId = Id<'key'>;
export type AgentId = Id<'agt'>;
export type RunId = Id<'run'>;
export type ApprovalId = Id<'apr'>;
export type ScheduleId = Id<'sch'>;
export type WorkerId = Id<'wrk'>;
export type CorrelationId = Id<'cor'>;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARS = 10;
const RANDOM_CHARS = 16;
const SHAPE = /^[a-z]+_[0-9a-hjkmnp-tv-z]{26}$/;

export type RandomBytes = (length: number) => Uint8Array;
export type Ids = { next<P extends IdPrefix>(prefix: P): Id<P> };

/** Makes ids from an injected clock (milliseconds since the epoch) and randomness. */
export function createIds(deps: { nowMs: () => number; randomBytes: RandomBytes }): Ids {
  let last = { nowMs: -1, head: '' };
  return {
    next(prefix) {
      const nowMs = deps.nowMs();
      if (nowMs !== last.nowMs) last = { nowMs, head: timeChars(nowMs) };
      const { head } = last;
      let tail = '';
      for (const byte of deps.randomBytes(RANDOM_CHARS)) tail += ALPHABET.charAt(byte & 31);
      return `${prefix}_${head}${tail}` as Id<typeof prefix>;
    },
  };
}

function timeChars(nowMs: number): string {
  let time = nowMs;
  let head = '';
  for (let i = 0; i < TIME_CHARS; i += 1) {
    head = ALPHABET.charAt(time % 32) + head;
    time = Math.floor(time / 32);
  }
  return head;
}

const POOL_BYTES = 4_096;

/** Draws many bytes at once and hands each out once, since every draw costs as much. Not for what must be drawn when it is asked for. */
export function pooled(randomBytes: RandomBytes): RandomBytes {
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return (length) => {
    if (length > POOL_BYTES) return randomBytes(length);
    if (at + length > pool.length) {
      pool = randomBytes(POOL_BYTES);
      at = 0;
    }
    at += length;
    return pool.subarray(at - length, at);
  };
}

/** Brands text from outside. @throws AppError `invalid_input` when it is not an id of that kind. */
export function parseId<P extends IdPrefix>(prefix: P, text: string): Id<P> {
  if (!isId(prefix, text)) {
    throw new AppError('invalid_input', `"${text.slice(0, 60)}" is not a ${ID_PREFIXES[prefix]} id.`, {
      next: `An id of a ${ID_PREFIXES[prefix]} looks like ${prefix}_01jd2m7x9c4qf8w3v5k6t1z0ab.`,
    });
  }
  return text;
}

export function isId<P extends IdPrefix>(prefix: P, text: string): text is Id<P> {
  return text.startsWith(`${prefix}_`) && SHAPE.test(text);
}

/** Brands an id read back from our own store, where its form was checked when it was written. */
export function storedId<P extends IdPrefix>(_prefix: P, text: string): Id<P> {
  return text as Id<P>;
}
