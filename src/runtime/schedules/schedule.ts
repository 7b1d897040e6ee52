/**
 * When a schedule is due and what becomes of each due time (spec ENG-1). Pure: the moment is passed in. A slot is a time of
 * the schedule's own rule, in milliseconds of the epoch; it is due by a jitter later and leaves exactly one record.
 */
import { Cron } from 'croner';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';

/** As an agent's definition has it; exactly one of `cron`, `every` and `at`, checked where definitions are. */
export type ScheduleSpec = {
  /** Five fields. */
  readonly cron?: string | undefined;
  /** `15m`, `2h`, `1d`; counted from the schedule's creation. */
  readonly every?: string | undefined;
  /** Once: ISO 8601, in the time zone unless it has an offset. */
  readonly at?: string | undefined;
  /** IANA name. */
  readonly timezone: string;
  readonly jitterSeconds: number;
  readonly overlap: 'skip' | 'queue' | 'cancel_previous';
  readonly catchUp: 'once' | 'none';
  readonly input?: Json | undefined;
};

/** `ran` and `late` started a run; `skipped` was decided against; `missed` came due while nobody could fire it. */
export type FiringOutcome = 'ran' | 'late' | 'skipped' | 'missed';

/** A firing this long after it was due is late, and somebody is told. */
export const LATE_AFTER_MS = 60_000;
/** Slots looked at in one go; what is left over is looked at in the next. */
export const SLOTS_AT_ONCE = 500;

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** First slot after `afterMs` (exclusive), null when there is none. A local time that a change of clocks skips or repeats is one slot. */
export function nextSlot(spec: ScheduleSpec, { afterMs, createdMs }: { afterMs: number; createdMs: number }): number | null {
  if (spec.every !== undefined) {
    const everyMs = intervalMs(spec.every);
    return createdMs + (Math.max(0, Math.floor((afterMs - createdMs) / everyMs)) + 1) * everyMs;
  }
  const pattern = spec.cron ?? spec.at;
  if (pattern === undefined) throw new AppError('internal', 'Broken invariant: a schedule without cron, every and at');
  const slot = new Cron(pattern, { timezone: spec.timezone, paused: true }).nextRun(new Date(afterMs));
  return slot?.getTime() ?? null;
}

function intervalMs(every: string): number {
  const match = /^(\d+)([mhd])$/.exec(every);
  const unit = match?.[2] as keyof typeof UNIT_MS | undefined;
  if (match === null || unit === undefined) throw new AppError('internal', `Broken invariant: ${every} is no interval`);
  return Number(match[1]) * UNIT_MS[unit];
}

/** The same for the same schedule and slot, everywhere; never as far as the next slot, so that due times keep their order. */
export function jitterMs(schedule: string, slotMs: number, most: { jitterMs: number; gapMs: number }): number {
  const room = Math.min(most.jitterMs, most.gapMs - 1);
  if (room <= 0) return 0;
  return Number.parseInt(sha256Hex(`${schedule}/${slotMs}`).slice(0, 8), 16) % (room + 1);
}

/** What a schedule is known by: its rule, its creation, and up to where its slots have their records. */
export type Timed = { readonly id: string; readonly spec: ScheduleSpec; readonly createdMs: number; readonly afterMs: number };

export type Due = { slotMs: number; dueMs: number };

/** The first slot without a record, and when it is due. */
export function nextDue({ id, spec, createdMs, afterMs }: Timed): Due | null {
  const slotMs = nextSlot(spec, { afterMs, createdMs });
  if (slotMs === null) return null;
  const after = nextSlot(spec, { afterMs: slotMs, createdMs });
  const gapMs = after === null ? Infinity : after - slotMs;
  return { slotMs, dueMs: slotMs + jitterMs(id, slotMs, { jitterMs: spec.jitterSeconds * 1_000, gapMs }) };
}

export type Plan = {
  /** To be recorded as missed, oldest first. */
  missed: { slotMs: number; reason: string }[];
  /** To be fired now; null when nothing is due, or nothing that may be caught up. */
  fire: (Due & { late: boolean }) | null;
};

/**
 * What is to be done at `nowMs`: of all slots that have come due the newest is fired, once, and each of the others is missed
 * (spec ENG-1). Asked again until nothing is due, since a long downtime holds more slots than are looked at in one go.
 */
export function planFirings(schedule: Timed, nowMs: number): Plan {
  const missed: Plan['missed'] = [];
  let due = nextDue(schedule);
  if (due === null || due.dueMs > nowMs) return { missed, fire: null };
  for (let looked = 1; looked < SLOTS_AT_ONCE; looked += 1) {
    const later = nextDue({ ...schedule, afterMs: due.slotMs });
    if (later === null || later.dueMs > nowMs) return last(schedule.spec, { missed, due, nowMs });
    missed.push({ slotMs: due.slotMs, reason: `Nobody could fire it before it was due again at ${new Date(later.slotMs).toISOString()}.` });
    due = later;
  }
  return { missed, fire: null };
}

function last(spec: ScheduleSpec, { missed, due, nowMs }: { missed: Plan['missed']; due: Due; nowMs: number }): Plan {
  const late = nowMs - due.dueMs > LATE_AFTER_MS;
  if (!late || spec.catchUp === 'once') return { missed, fire: { ...due, late } };
  const reason = `It could not be fired until ${new Date(nowMs).toISOString()}, and the schedule does not catch up.`;
  return { missed: [...missed, { slotMs: due.slotMs, reason }], fire: null };
}
