/**
 * What the server knows, kept up to date: its feed of changes says that something changed, and then all of it is read again, not more often
 * than once a second. A server that goes away is asked for again until it is back; its place and key are looked up anew each time.
 */
import { approvalOperations } from '../../platform/approvals/contract.ts';
import { budgetOperations } from '../../platform/budgets/contract.ts';
import { identityOperations } from '../../platform/identity/contract.ts';
import { AppError, ERROR_CODES, toAppError } from '../../kernel/errors.ts';
import { PAGE_SIZE_MAX } from '../../kernel/page.ts';
import { backoffMs } from '../../kernel/retry.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import type { RunDetail, RunSummary } from '../../runtime/runs/contract.ts';
import { agentOperations } from '../../work/agents/contract.ts';
import type { Cli } from '../cli/command.ts';
import { connect } from '../cli/connection.ts';
import type { Connection } from '../cli/connection.ts';
import type { Event, Listed, Part, Snapshot } from './state.ts';

/** At most so often; also how soon a change is seen. */
const READ_EVERY_MS = 1_000;
/** Read again after so long although nothing was heard. */
const READ_ANYWAY_MS = 15_000;
/** Of one run: the newest entries. */
const ENTRIES_READ = 1_000;
/** Pauses between tries grow in so many steps, to 8 s. */
const BACKOFF_STEPS = 4;
const REQUEST_MS = 20_000;

export type ServerLink = {
  /** Reads all again soon. */
  refresh(): void;
  /** Of the server as it was last found. @throws AppError as `connect` does. */
  connection: () => Promise<Connection>;
  /** Until stopped. */
  follow(signal: AbortSignal): Promise<void>;
};

/** Only runs with this text; budgets only while somebody looks at them. */
export type Wanted = { search: string; budgets: boolean };
type Deps = { cli: Cli; wanted: () => Wanted; emit: (event: Event) => void };

export function createServerLink({ cli, wanted, emit }: Deps): ServerLink {
  let known: Promise<Connection> | null = null;
  let wake = new AbortController();
  let dirty = true;
  const connection = (): Promise<Connection> => (known ??= connect(cli));
  const changed = (): void => {
    dirty = true;
    wake.abort();
  };

  /** Returns when the stream of changes has ended; throws what is wrong otherwise. */
  const stay = async (api: Connection, signal: AbortSignal): Promise<void> => {
    const ended = new AbortController();
    const stop = (): void => ended.abort();
    signal.addEventListener('abort', stop, { once: true });
    const hearing = hear(api, ended.signal, changed).finally(stop);
    try {
      await readAll(api, ended.signal);
    } catch (error) {
      // when the stream broke off, reading was ended by that, and the stream knows why
      if (!ended.signal.aborted) throw error;
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
    }
    const broken = await hearing;
    if (broken !== null) throw broken;
  };
  const readAll = async (api: Connection, signal: AbortSignal): Promise<void> => {
    dirty = true;
    while (!signal.aborted) {
      if (!dirty) await rest(READ_ANYWAY_MS, signal);
      if (signal.aborted) return;
      dirty = false;
      emit({ type: 'snapshot', snapshot: await readSnapshot(cli, api, { wanted: wanted(), signal }), nowMs: cli.clock.nowMs(), url: api.url });
      await cli.clock.sleep(READ_EVERY_MS, signal);
    }
  };
  const rest = async (ms: number, signal: AbortSignal): Promise<void> => {
    wake = new AbortController();
    const stop = (): void => wake.abort();
    signal.addEventListener('abort', stop, { once: true });
    await cli.clock.sleep(ms, wake.signal);
    signal.removeEventListener('abort', stop);
  };

  return {
    refresh: changed,
    connection,
    async follow(signal) {
      let failures = 0;
      while (!signal.aborted) {
        const beganMs = cli.clock.nowMs();
        try {
          await stay(await connection(), signal);
        } catch (error) {
          if (signal.aborted) return;
          const { message, next, code } = toAppError(error);
          const hint = ERROR_CODES[code].retry === 'never' && next !== undefined ? ` ${next}` : '';
          emit({ type: 'away', why: `${message}${hint}`, nowMs: cli.clock.nowMs() });
        }
        known = null;
        failures = cli.clock.nowMs() - beganMs > READ_ANYWAY_MS ? 1 : Math.min(failures + 1, BACKOFF_STEPS);
        await rest(backoffMs(failures, cli.random()), signal);
      }
    },
  };
}

/** Until the stream ends, which it does when the server stops; answers why it broke off, else null. */
async function hear(api: Connection, signal: AbortSignal, changed: () => void): Promise<AppError | null> {
  try {
    for await (const frame of api.stream('/feed', signal)) if (frame.event === 'changes') changed();
    return null;
  } catch (error) {
    return signal.aborted ? null : toAppError(error); // thrown by whoever waits for it
  }
}

/** A part that may not be read says so in its place; without any answer the server is away. */
async function readSnapshot(cli: Cli, api: Connection, options: { wanted: Wanted; signal: AbortSignal }): Promise<Snapshot> {
  const limit = new AbortController();
  const stop = (): void => limit.abort();
  options.signal.addEventListener('abort', stop, { once: true });
  void cli.clock.sleep(REQUEST_MS, limit.signal).then(() => limit.abort(new AppError('unavailable', `${api.url} takes too long to answer.`)));
  try {
    return await snapshotOf(api, options.wanted, limit.signal);
  } finally {
    options.signal.removeEventListener('abort', stop);
    stop();
  }
}

async function snapshotOf(api: Connection, { search, budgets: looksAtBudgets }: Wanted, signal: AbortSignal): Promise<Snapshot> {
  const part = async <T>(work: Promise<T>): Promise<Part<T>> => {
    try {
      return { ok: true, value: await work };
    } catch (error) {
      const { code, message } = toAppError(error);
      if (signal.aborted || code === 'unavailable' || code === 'unauthenticated') throw error;
      return { ok: false, why: message };
    }
  };
  const [me, runs, approvals, stats, agents, budgets] = await Promise.all([
    part(api.call(identityOperations.whoami, {}, { signal })),
    part(readRuns(api, search, signal)),
    part(api.call(approvalOperations.list, { limit: PAGE_SIZE_MAX }, { signal })),
    part(api.call(runOperations.stats, {}, { signal })),
    part(api.call(agentOperations.list, { limit: PAGE_SIZE_MAX }, { signal })),
    looksAtBudgets ? part(api.call(budgetOperations.list, { limit: PAGE_SIZE_MAX }, { signal })) : null,
  ]);
  return { me, runs, approvals, stats, agents, budgets };
}

/** What goes on first, however old it is, then the newest that ended. */
async function readRuns(api: Connection, text: string, signal: AbortSignal): Promise<Listed<RunSummary>> {
  const search = text === '' ? {} : { search: text };
  const [live, newest] = await Promise.all([
    api.call(runOperations.list, { limit: PAGE_SIZE_MAX, live: 'true', ...search }, { signal }),
    api.call(runOperations.list, { limit: PAGE_SIZE_MAX, ...search }, { signal }),
  ]);
  const going = new Set(live.items.map((run) => run.id));
  return { items: [...live.items, ...newest.items.filter((run) => !going.has(run.id))], total: newest.total };
}

/** One run with what its journal holds after an entry: the newest of it when that is much. */
export async function readRun(api: Connection, id: string, after: number): Promise<Extract<Event, { type: 'run' }>> {
  const detail: RunDetail = await api.call(runOperations.get, { id });
  const from = Math.max(after, detail.headSeq - ENTRIES_READ);
  const { items } = await api.call(runOperations.events, { id, after: from, limit: ENTRIES_READ });
  return { type: 'run', detail, entries: items, skipped: after === 0 ? from : 0 };
}
