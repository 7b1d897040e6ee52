/**
 * The briefing (spec BRF-1 to BRF-7): asks every source at once, fits what they tell into the budget, and says which failed or have gone silent.
 * One transaction reads all; a source that fails in it is undone alone.
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
  return {
    handlers: {
      read: async (caller, input) => {
        const session = input.session === undefined ? null : await deps.sessions.handlers.get(caller, { id: input.session });
        const place = await placeOf(deps, caller.principal.org, { input, session });
        const ask = askOf(caller, { place, session, input });
        const heard = await gate(() => hear(deps, ask));
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
    rows: full ? BRIEFING_LIMITS.rows : NOTES_BRIEF,
    contentBytes: full ? BRIEFING_LIMITS.fullBytes : BRIEFING_LIMITS.excerptBytes,
  };
}
const NOTES_BRIEF = 8;

/** What is stored is read over one connection, each source behind a mark to which it is taken back; beside it what comes from elsewhere. */
async function hear(deps: BriefingDeps, ask: Ask): Promise<Heard[]> {
  const { db, log, sources } = deps;
  const heard = new Map<Source, Heard>();
  const listen = async (source: Source, read: () => Promise<Told>): Promise<void> => {
    try {
      heard.set(source, { source, told: await read() });
    } catch (error) {
      log(isPassing(error) ? 'warn' : 'error', 'a source of a briefing failed', { source: source.key, error });
      heard.set(source, { source, fault: faultOf(error) });
    }
  };
  const stored = db.asOrg(ask.org, async (tx) => {
    void store.limitStatements(tx, BRIEFING_LIMITS.sourceMs).catch(() => {}); // when it fails, so does every source
    for (const source of sources) {
      const { read } = source;
      if ('stored' in read) await listen(source, () => behindMark(tx, () => read.stored(tx, ask)));
    }
  });
  const elsewhere = sources.map(async (source) => {
    const { read } = source;
    if ('elsewhere' in read) await listen(source, () => read.elsewhere(ask));
  });
  await Promise.all([
    stored.catch((error: unknown) => {
      log('error', 'a briefing could not be read', { error });
      for (const source of sources) if ('stored' in source.read && !heard.has(source)) heard.set(source, { source, fault: faultOf(error) });
    }),
    ...elsewhere,
  ]);
  return sources.flatMap((source) => heard.get(source) ?? []);
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
