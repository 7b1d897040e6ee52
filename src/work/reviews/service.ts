/** Use cases of reviews (spec PER-2): the run of a persona's agent is the job. Panels are in `panels.ts`, findings in `findings.ts`. */
import { AppError } from '../../kernel/errors.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { encodeCursor } from '../../kernel/page.ts';
import { byOf } from '../../platform/identity/principal.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { Agents } from '../agents/service.ts';
import { isRehearsal } from '../agents/start-run.ts';
import type { Library } from '../personas/library.ts';
import type { Persona } from '../personas/persona.ts';
import { definitionOf } from '../personas/persona.ts';
import type { Collect } from './collect.ts';
import type { JobDetail, JobView, reviewOperations, Target } from './contract.ts';
import { countByState } from './finding-store.ts';
import { leftOutText, renderMaterial } from './material.ts';
import { estimateMs } from './progress.ts';
import { resetReviews, REVIEW_POOL } from './queue-store.ts';
import { writeReport } from './report.ts';
import type { Settle } from './settle.ts';
import type { JobRow } from './store.ts';
import * as store from './store.ts';
import { beforeOf, countOf, jobDetail, jobView } from './views.ts';

export type ReviewSettings = { workers: number; keepDays: number; maxBytes: number };

export type ReviewsDeps = {
  db: Database;
  /** The store's time, and waiting in it. */
  clock: Clock;
  library: Library;
  agents: Pick<Agents, 'startRun' | 'keep'>;
  projects: {
    find: (org: OrgId, wanted: string | undefined) => Promise<ProjectId | null>;
    checkoutOf: (org: OrgId, project: ProjectId) => Promise<string | null>;
  };
  collect: Collect;
  settle: Settle;
  /** Names of the tools that reviewers have. */
  tools: readonly string[];
  /** The model an agent gets when nobody names one. */
  modelOf: (agent: string) => string;
  /** @throws AppError `invalid_input` for a model that cannot be one */
  checkModel: (model: string) => void;
  cancel: (caller: Caller<Principal>, run: string, reason: string) => Promise<unknown>;
  settings: ReviewSettings;
  version: string;
};

export type Place = { project: ProjectId | null; checkout: string | null };
export type Given = { text: string; title: string; leftOut: string; untrusted: boolean };
export type Begin = {
  persona: Persona;
  model: string | undefined;
  given: Given;
  place: Place;
  priority: 'low' | 'normal' | 'high';
  panel: string | null;
};

const HISTORY = 20;
const POLL_MS = 250;
const RESET_BATCH = 1_000;

export type Reviews = {
  handlers: Handlers<Principal, typeof reviewOperations>;
  placeOf(org: OrgId, project: string | null | undefined): Promise<Place>;
  read(target: Target, place: Place, question: string | undefined): Promise<Given>;
  /** Starts the run with its row, both or neither; answers its id. */
  begin(caller: Caller<Principal>, begin: Begin): Promise<string>;
  modelFor(persona: Persona, wanted: string | undefined): string;
};

export function createReviews(deps: ReviewsDeps): Reviews {
  const now = () => ({ nowMs: deps.clock.nowMs(), workers: deps.settings.workers });
  const parts = {
    placeOf: (org: OrgId, project: string | null | undefined) => placeOf(deps, org, project),
    read: (target: Target, place: Place, question: string | undefined) => read(deps, target, { place, question }),
    begin: (caller: Caller<Principal>, begin: Begin) => beginRun(deps, caller, begin),
    modelFor: (persona: Persona, wanted: string | undefined) => modelFor(deps, persona, wanted),
  };
  const detail = async (org: OrgId, id: string, waitSeconds: number): Promise<JobDetail> =>
    jobDetail(await awaited(deps, { org, id, waitSeconds }), now());
  return {
    ...parts,
    handlers: {
      start: async (caller, { persona: name, model, question, project, priority, ...target }) => {
        const { org } = caller.principal;
        const place = await parts.placeOf(org, project);
        const persona = await deps.library.get(name, place.checkout);
        const given = await parts.read(target, place, question);
        const id = await parts.begin(caller, { persona, model, given, place, priority, panel: null });
        return jobView(await existing(deps, org, id), now());
      },
      get: ({ principal: { org } }, { id, waitSeconds }) => detail(org, id, waitSeconds),
      list: async ({ principal: { org } }, { persona, live, limit, cursor }) => {
        const page = { persona: persona ?? null, live: live ?? null, before: beforeOf(cursor), limit: limit + 1 };
        const { rows, total } = await deps.db.asOrg(org, (tx) => store.listJobs(tx, org, page));
        const items = rows.slice(0, limit);
        const next = rows.length > limit ? encodeCursor([items.at(-1)?.number ?? 0]) : null;
        return { items: items.map((row): JobView => jobView(row, now())), shown: items.length, total: countOf(total), next };
      },
      cancel: async (caller, { id, reason }) => {
        const { org } = caller.principal;
        const row = await existing(deps, org, id);
        if (row.endedAtMs === null) await deps.cancel(caller, row.id, reason === '' ? 'The review was cancelled.' : reason);
        return jobView(await existing(deps, org, id), now());
      },
      report: async ({ principal: { org } }, { id, format }) => {
        const found = await detail(org, id, 0);
        return { format, text: writeReport(format, { kind: 'job', job: found, version: deps.version }) };
      },
      stats: ({ principal: { org } }) => stats(deps, org),
      reset: async ({ principal: { org } }, { persona }) => {
        let removed = 0;
        for (;;) {
          const batch = await resetReviews(deps.db, org, { persona: persona ?? null, limit: RESET_BATCH });
          removed += batch;
          if (batch < RESET_BATCH) break;
        }
        return { removed, message: `Removed ${removed} ended review${removed === 1 ? '' : 's'}; estimates begin anew, and live reviews go on.` };
      },
    },
  };
}

async function placeOf(deps: ReviewsDeps, org: OrgId, wanted: string | null | undefined): Promise<Place> {
  const project = wanted === null ? null : await deps.projects.find(org, wanted);
  return { project, checkout: project === null ? null : await deps.projects.checkoutOf(org, project) };
}

async function read(deps: ReviewsDeps, target: Target, { place, question }: { place: Place; question: string | undefined }): Promise<Given> {
  const { material, untrusted } = await deps.collect(target, place.checkout);
  return { text: renderMaterial(material, question ?? ''), title: material.title, leftOut: leftOutText(material) ?? '', untrusted };
}

function modelFor(deps: ReviewsDeps, persona: Persona, wanted: string | undefined): string {
  if (wanted !== undefined) deps.checkModel(wanted);
  return wanted ?? persona.model ?? deps.modelOf(persona.agent);
}

async function beginRun(
  deps: ReviewsDeps,
  caller: Caller<Principal>,
  { persona, model: wanted, given, place, priority, panel }: Begin,
): Promise<string> {
  const { principal } = caller;
  const { org } = principal;
  const model = modelFor(deps, persona, wanted);
  await deps.agents.keep(principal, definitionOf(persona, deps.tools));
  const past = await deps.db.asOrg(org, (tx) => store.pastJobs(tx, org, { persona: persona.name, rehearsed: isRehearsal(model), limit: HISTORY }));
  const chars = given.text.length;
  const started = await deps.agents.startRun({
    org,
    agent: persona.agent,
    model,
    input: given.text,
    trigger: caller.surface === 'mcp' ? 'mcp' : 'manual',
    by: byOf(principal),
    actor: principal.actor,
    correlation: caller.correlation,
    // a panel makes several runs of one request
    request: panel === null ? caller.request : undefined,
    requester: { role: principal.role, channel: null },
    project: place.project,
    pool: REVIEW_POOL,
    priority,
    labels: principal.kind === 'agent' ? ['untrusted', 'private'] : given.untrusted ? ['untrusted'] : [],
    companion: (tx, run) =>
      store.insertJob(tx, org, {
        ...{ run, persona: persona.name, model, panel, chars, title: given.title, leftOut: given.leftOut },
        project: place.project,
        estimateMs: estimateMs(past, { chars, rehearsed: isRehearsal(model) }),
        actorName: principal.name,
      }),
  });
  return started.id;
}

/** @throws AppError `not_found` */
async function existing(deps: ReviewsDeps, org: OrgId, id: string): Promise<JobRow> {
  const row = isId('run', id) ? await deps.db.asOrg(org, (tx) => store.findJob(tx, org, id)) : null;
  if (row !== null) return row;
  throw new AppError('not_found', `There is no review ${id.slice(0, 60)}.`, {
    next: '`windlass review list` shows what there is; old ones are cleaned.',
  });
}

/** The review as it is, or as it has become within the time that the caller waits. */
async function awaited(deps: ReviewsDeps, { org, id, waitSeconds }: { org: OrgId; id: string; waitSeconds: number }): Promise<JobRow> {
  const untilMs = deps.clock.nowMs() + waitSeconds * 1_000;
  for (;;) {
    const row = await existing(deps, org, id);
    if (row.endedAtMs !== null && row.outcome === null) await deps.settle.job(org, id);
    else if (row.endedAtMs !== null || deps.clock.nowMs() >= untilMs) return row;
    else await deps.clock.sleep(Math.min(POLL_MS, untilMs - deps.clock.nowMs()), new AbortController().signal);
  }
}

async function stats(deps: ReviewsDeps, org: OrgId) {
  const { workers, maxBytes, keepDays } = deps.settings;
  return deps.db.asOrg(org, async (tx) => {
    const [counts, personas, findings] = await Promise.all([store.countJobs(tx, org), store.personaStats(tx, org), countByState(tx, org)]);
    return {
      ...counts,
      ...{ workers, maxBytes, keepDays, findings },
      personas: personas.map(({ within, measured, ...each }) => ({ ...each, estimates: { within50Percent: within, of: measured } })),
    };
  });
}
