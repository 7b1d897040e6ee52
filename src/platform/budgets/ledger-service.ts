/**
 * The ledger of the model gateway (spec BUD-1, BUD-2): all calls of one tick begin and end in one commit. A call of a process that died is
 * settled by the sweep of any other at what it had reserved. Calls of runs do not come this way: see runtime/runs/spend.ts.
 */
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, invariant } from '../../kernel/errors.ts';
import type { Ids, RandomBytes } from '../../kernel/ids.ts';
import { NO_USAGE, type Usage } from '../../kernel/messages.ts';
import { isCommitUnknown } from '../../storage/database-errors.ts';
import type { Database } from '../../storage/database.ts';
import { createGroupCommit } from '../../storage/group-commit.ts';
import type { Log } from '../telemetry/log.ts';
import { costMicroUsd, worstCaseMicroUsd } from './cost.ts';
import type { Begun, CallOutcome, Ledger, PlannedCall } from './ledger.ts';
import { commitItems, lapsedCalls, prolong, settleEndedRuns, type LedgerItem } from './ledger-store.ts';
import { lowerOutput, rowOfSpend, type SpendOp, type SpendVerdict } from './spend.ts';

export type LedgerDeps = {
  db: Database;
  /** The database's time. */
  clock: Clock;
  ids: Ids;
  randomBytes: RandomBytes;
  /** Tells this process's calls from others'. */
  process: string;
  log: Log;
};

export type LedgerService = Ledger & {
  /** Prolongs the leases of this process's calls: three times in a lease at least. */
  heartbeat(): Promise<void>;
  /** Settles what dead processes and broken runs left reserved; answers how many. */
  sweep(): Promise<number>;
};

export const LEDGER_LIMITS = {
  /** A dead process's calls are settled this long after its last heartbeat. */
  leaseMs: 60_000,
  heartbeatMs: 15_000,
  sweepMs: 5_000,
  batch: 128,
  swept: 500,
  /** Tries to fit a call under a lowered limit: others take from the same budget. */
  fits: 3,
  /** A settlement is tried again while the database is away, this far apart and for this long. */
  retryFirstMs: 50,
  retryMostMs: 1_000,
  retryForMs: 10 * 60_000,
} as const;

/** What is kept of a call from its begin to its end; also in the database, for the sweep. */
type Open = { call: string; stream: string; planned: PlannedCall; tokens: number; microUsd: number | null; maxOutputTokens: number; atMs: number };

export function createLedger(deps: LedgerDeps): LedgerService {
  const open = new Map<string, Open>();
  /** Whose outcome is being written. What is in neither is the sweep's. */
  const ending = new Set<string>();
  const commits = createGroupCommit<LedgerItem, SpendVerdict | undefined>({
    commit: (batch) => commitEach(deps, batch),
    keyOf: ({ op }) => op.id,
    batchMax: LEDGER_LIMITS.batch,
  });

  const reserve = (planned: PlannedCall, maxOutputTokens: number): { opened: Open; item: LedgerItem } => {
    const call = deps.ids.next('mcl');
    const { place, inputTokens, price, rehearsed } = planned;
    const atMs = deps.clock.nowMs();
    const stream = `${place.key ?? place.actor}/${new Date(atMs).toISOString().slice(0, 7)}`;
    const tokens = inputTokens + maxOutputTokens;
    const microUsd = rehearsed ? 0 : worstCaseMicroUsd(price, inputTokens, maxOutputTokens);
    const opened: Open = { call, stream, planned, tokens, microUsd, maxOutputTokens, atMs };
    const op: SpendOp = { kind: 'reserve', id: call, place: placeOf(planned), model: planned.model, rehearsed, tokens, microUsd };
    return { opened, item: { op: rowOfSpend(op), entry: { stream, payload: intended(opened) }, call: kept(opened) } };
  };

  const begin = async (planned: PlannedCall): Promise<Begun> => {
    let maxOutputTokens = planned.maxOutputTokens;
    for (let fit = 1; ; fit += 1) {
      const { opened, item } = reserve(planned, maxOutputTokens);
      let verdict: SpendVerdict | undefined;
      try {
        verdict = await commits.submit(item);
      } catch (error) {
        // it may have been reserved after all: it will never be sent, so that is given back as soon as the database answers
        if (isCommitUnknown(error)) void settle(opened, NOT_SENT).catch(() => {}); // the lease runs out, and the sweep settles it
        throw error;
      }
      const refused = verdict?.refused ?? null;
      if (refused === null) {
        open.set(opened.call, opened);
        return { ok: true, call: opened.call, maxOutputTokens };
      }
      const lower = fit < LEDGER_LIMITS.fits ? lowerOutput({ ...planned, maxOutputTokens }, refused) : null;
      if (lower === null) return { ok: false, refusal: refused.refusal };
      maxOutputTokens = lower;
    }
  };

  const settle = async (opened: Open, outcome: CallOutcome): Promise<number | null> => {
    const { op, payload, cost } = settled(opened, outcome);
    const item = { op: rowOfSpend(op), entry: { stream: opened.stream, payload }, call: null };
    await patiently(deps, () => commits.submit(item));
    return cost;
  };

  return {
    begin,
    async end(call, outcome) {
      const opened = open.get(call);
      // ended before: nothing more is known of it here
      if (opened === undefined) return { costMicroUsd: null };
      open.delete(call);
      ending.add(call);
      return { costMicroUsd: await settle(opened, outcome).finally(() => ending.delete(call)) };
    },
    heartbeat: async () => void (await prolong(deps.db, deps.process, { calls: [...open.keys(), ...ending], leaseMs: LEDGER_LIMITS.leaseMs })),
    sweep: () => sweep(deps, settle),
  };
}

async function sweep({ db, log }: LedgerDeps, settle: (opened: Open, outcome: CallOutcome) => Promise<unknown>): Promise<number> {
  const runs = await settleEndedRuns(db, LEDGER_LIMITS.swept);
  const lapsed = await lapsedCalls(db, LEDGER_LIMITS.swept);
  await Promise.all(lapsed.map(({ call }) => settle(openOf(call), LAPSED)));
  if (lapsed.length + runs > 0) log('warn', 'Calls that nobody ended were settled at what they had reserved.', { calls: lapsed.length, runs });
  return lapsed.length + runs;
}

const NOT_SENT: CallOutcome = { kind: 'not_sent', usage: NO_USAGE, status: null, ms: 0, firstByteMs: null, failure: null, facts: {} };
const LAPSED: CallOutcome = {
  ...NOT_SENT,
  kind: 'failed',
  usage: null,
  failure: 'The process that made the call ended before it said what came of it.',
};

/** One that is at fault harms itself alone. */
async function commitEach(deps: LedgerDeps, batch: readonly LedgerItem[]): Promise<(SpendVerdict | undefined)[]> {
  try {
    return await commitItems(deps, batch, LEDGER_LIMITS.leaseMs);
  } catch (error) {
    if (batch.length === 1 || (error instanceof AppError && error.code === 'unavailable')) throw error;
    const [left, right] = [batch.slice(0, batch.length / 2), batch.slice(batch.length / 2)];
    return [...(await commitEach(deps, left)), ...(await commitEach(deps, right))];
  }
}

async function patiently<T>({ clock }: LedgerDeps, work: () => Promise<T>): Promise<T> {
  const untilMs = clock.nowMs() + LEDGER_LIMITS.retryForMs;
  for (let delayMs: number = LEDGER_LIMITS.retryFirstMs; ; delayMs = Math.min(delayMs * 2, LEDGER_LIMITS.retryMostMs)) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof AppError && error.code === 'unavailable';
      if (!away || clock.nowMs() >= untilMs) throw error; // else the database comes back; done twice it changes nothing
      await clock.sleep(delayMs);
    }
  }
}

function placeOf({ place }: PlannedCall): SpendOp['place'] {
  const { org, project, agent, key, actor, run } = place;
  return { org, project, agent, key, actor, root: run, child: false };
}

/** All that settling it at its reservation needs: what the sweep finds of a call whose process died. */
function kept(opened: Open): string {
  return JSON.stringify({ ...opened, planned: { ...opened.planned, facts: {} } });
}

function intended({ call, planned, tokens, microUsd, maxOutputTokens }: Open): LedgerItem['entry']['payload'] {
  const { place, model, protocol, inputTokens, rehearsed, facts } = planned;
  return { type: 'call.intended', call, place, model, protocol, inputTokens, maxOutputTokens, reserved: { tokens, microUsd }, rehearsed, facts };
}

function settled(opened: Open, outcome: CallOutcome): { op: SpendOp; payload: LedgerItem['entry']['payload']; cost: number | null } {
  const { call, planned, tokens, maxOutputTokens, microUsd: reserved, atMs } = opened;
  const { kind, status, ms, firstByteMs, failure, facts } = outcome;
  const { price, rehearsed, model } = planned;
  const told = { type: `call.${kind}`, call, status, ms, firstByteMs, failure, facts };
  const base = { id: call, place: placeOf(planned) };
  if (kind === 'not_sent') {
    return { op: { ...base, kind: 'release' }, payload: { ...told, usage: NO_USAGE, costMicroUsd: 0 }, cost: 0 };
  }
  const unknown = outcome.usage === null;
  const usage: Usage = outcome.usage ?? { ...NO_USAGE, inputTokens: tokens - maxOutputTokens, outputTokens: maxOutputTokens, estimated: true };
  const used = usage.inputTokens + usage.outputTokens > 0;
  const cost = rehearsed || !used ? 0 : unknown ? reserved : price === null ? null : costMicroUsd(usage, price);
  const counts = used || kind === 'replied';
  const op: SpendOp = {
    ...base,
    kind: unknown ? 'lapse' : 'settle',
    ...{ model, rehearsed, usage, microUsd: cost, failed: kind !== 'replied', counts, atMs },
  };
  return { op, payload: { ...told, usage, costMicroUsd: cost, rehearsed }, cost };
}

/** As `Open` was stored: by this release or an older one. */
const StoredOpen = z.looseObject({ call: z.string(), stream: z.string(), planned: z.looseObject({ place: z.looseObject({ org: z.string() }) }) });

function openOf(stored: string): Open {
  const parsed = StoredOpen.safeParse(JSON.parse(stored));
  invariant(parsed.success, 'what is kept of a call can be read back');
  return parsed.data as unknown as Open;
}
