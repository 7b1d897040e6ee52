/**
 * The briefing (spec BRF-1 to BRF-7): asks every source at once, fits what they tell into the budget, and says which failed or have gone silent.
 * One transaction reads all; a source that fails is found out and undone alone.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { ProjectLookup } from '../projects/resolve.ts';
import { resolveProject } from '../projects/resolve.ts';
import type { Sessions } from '../sessions/service.ts';
import type { BriefingInput, briefingOperations } from './contract.ts';
import { BRIEFING_LIMITS } from './contract.ts';
import { createGate } from './gate.ts';
import type { Place } from './render.ts';
import { viewOf } from './render.ts';
import type { Ask, Heard, Source, Told } from './source.ts';
import { statusOf } from './source.ts';
import * as store from './store.ts';

export type BriefingDeps = {
  db: Database;
  /** The store's. */
  clock: Pick<Clock, 'nowMs'>;
  log: Log;
  projects: ProjectLookup;
  sessions: { handlers: Pick<Sessions['handlers'], 'get'> };
  /** In the order of priority. */
  sources: readonly Source[];
};
export type Briefing = { handlers: Handlers<Principal, typeof briefingOperations> };

/** Briefings read at once, of the pool's connections, and those that wait. */
const GATE = { atOnce: 3, waitingMax: 2_000 } as const;
/** Organizations whose sources' last success is remembered. */
const REMEMBERED_MAX = 10_000;

export function createBriefing(deps: BriefingDeps): Briefing {
  /** By organization, project and source: when this process last read it. */
  const lastSuccess = new Map<string, number>();
  const gate = createGate(GATE);
  const hear = createHearing(deps);
  return {
    handlers: {
      read: async (caller, input) => {
        const session = input.session === undefined ? null : await deps.sessions.handlers.get(caller, { id: input.session });
        const place = await placeOf(deps, caller.principal.org, { input, session });
        const ask = askOf(caller, { place, session, input });
        const heard = await gate(() => hear(ask));
        const nowMs = deps.clock.nowMs();
        const statuses = heard.map((each) => {
          const key = `${ask.org} ${ask.project} ${each.source.key}`;
          const status = statusOf(each, { nowMs, lastSuccessAtMs: lastSuccess.get(key) ?? null });
          if (status.state !== 'failed') remember(lastSuccess, key, nowMs);
          return status;
        });
        const view = viewOf({ input, session, place, heard, statuses, nowMs });
        for (const fault of view.faults) deps.log('error', fault, { project: place.code });
        return view;
      },
    },
  };
}

function remember(lastSuccess: Map<string, number>, key: string, nowMs: number): void {
  const oldest = lastSuccess.size >= REMEMBERED_MAX ? lastSuccess.keys().next() : null;
  if (oldest !== null && oldest.done !== true) lastSuccess.delete(oldest.value);
  lastSuccess.set(key, nowMs);
}

type Session = Awaited<ReturnType<Sessions['handlers']['get']>>;

async function placeOf(
  deps: BriefingDeps,
  org: OrgId,
  { input, session }: { input: BriefingInput; session: Session | null },
): Promise<Place & { id: ProjectId }> {
  const wanted = { project: input.project ?? (input.repository === undefined ? session?.project : undefined), repository: input.repository };
  const { id, elsewhere } = await resolveProject(deps.projects, org, wanted);
  const row = await deps.db.asOrg(org, (tx) => store.findProject(tx, org, id));
  if (row === null) throw new AppError('not_found', 'The project is gone.', { next: '`windlass project list` shows what there is.' });
  const warnings = elsewhere === null ? [] : [`The repository belongs to the project ${elsewhere}, and this is the briefing of ${row.code}.`];
  return { ...row, id, warnings, branch: input.branch ?? session?.branch ?? null };
}

function askOf(
  caller: Caller<Principal>,
  { place, session, input }: { place: { id: ProjectId; code: string }; session: Session | null; input: BriefingInput },
): Ask {
  const { principal } = caller;
  const full = input.view === 'full';
  return {
    ...{ caller, org: principal.org, actor: principal.actor, project: place.id, code: place.code, full },
    session: session?.id ?? null,
    track: session?.track ?? null,
    lines: full ? BRIEFING_LIMITS.budgetTokensMax : Math.ceil(input.budgetTokens / LINE_TOKENS),
    rows: full ? BRIEFING_LIMITS.rows : NOTES_BRIEF,
    contentBytes: full ? BRIEFING_LIMITS.fullBytes : BRIEFING_LIMITS.excerptBytes,
  };
}
const NOTES_BRIEF = 8;
/** A line with an id and a time takes more. */
const LINE_TOKENS = 20;

type Stored = Source & { read: { stored: (tx: Tx, ask: Ask) => Promise<Told> } };
type Elsewhere = Source & { read: { elsewhere: (ask: Ask) => Promise<Told> } };

/**
 * What is stored is read over one connection, beside it what comes from elsewhere. All that is stored travels together; where one of it fails, each
 * is read behind a mark to which it is taken back, until none fails any more.
 */
function createHearing({ db, log, sources }: BriefingDeps): (ask: Ask) => Promise<Heard[]> {
  const stored = sources.filter((source): source is Stored => 'stored' in source.read);
  const elsewhere = sources.filter((source): source is Elsewhere => 'elsewhere' in source.read);
  let careful = false;

  const listen = async (source: Source, read: () => Promise<Told>): Promise<Heard> => {
    try {
      return { source, told: await read() };
    } catch (error) {
      log(isPassing(error) ? 'warn' : 'error', 'a source of a briefing failed', { source: source.key, error });
      return { source, fault: faultOf(error) };
    }
  };
  const together = (ask: Ask): Promise<Heard[]> =>
    db.asOrg(ask.org, async (tx) => {
      void store.limitStatements(tx, BRIEFING_LIMITS.sourceMs).catch(() => {}); // when it fails, so does every source
      // all of them are over before the transaction is
      const told = await Promise.allSettled(stored.map(({ read }) => read.stored(tx, ask)));
      return told.map((each, index): Heard => {
        if (each.status === 'rejected') throw each.reason;
        return { source: stored[index] as Stored, told: each.value };
      });
    });
  const oneByOne = async (ask: Ask): Promise<Heard[]> => {
    const heard: Heard[] = [];
    try {
      await db.asOrg(ask.org, async (tx) => {
        void store.limitStatements(tx, BRIEFING_LIMITS.sourceMs).catch(() => {}); // when it fails, so does every source
        for (const source of stored) heard.push(await listen(source, () => behindMark(tx, () => source.read.stored(tx, ask))));
      });
    } catch (error) {
      log('error', 'a briefing could not be read', { error });
      heard.push(...stored.slice(heard.length).map((source) => ({ source, fault: faultOf(error) })));
    }
    careful = heard.some((each) => 'fault' in each);
    return heard;
  };
  const readStored = async (ask: Ask): Promise<Heard[]> => {
    if (careful) return oneByOne(ask);
    try {
      return await together(ask);
    } catch {
      return oneByOne(ask); // which tells what failed
    }
  };
  return async (ask) => {
    const all = await Promise.all([readStored(ask), ...elsewhere.map(async (source) => [await listen(source, () => source.read.elsewhere(ask))])]);
    const heard = new Map(all.flat().map((each) => [each.source, each]));
    return sources.flatMap((source) => heard.get(source) ?? []);
  };
}

async function behindMark(tx: Tx, read: () => Promise<Told>): Promise<Told> {
  void store.mark(tx).catch(() => {}); // when it fails, so does the statement behind it
  try {
    return await read();
  } finally {
    void store.backToMark(tx).catch(() => {}); // the same with what follows
  }
}

function isPassing(error: unknown): boolean {
  return toAppError(error).code !== 'internal';
}

/** For whoever is briefed: nothing of our inside. */
function faultOf(error: unknown): string {
  const { code, message } = toAppError(error);
  return code === 'internal' ? 'an internal fault, told in the log of the server' : message;
}
