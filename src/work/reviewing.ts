/**
 * Puts together what reviews: personas, jobs, panels, findings, their tools and their workers. Wiring only, so that `main.ts` has a line for each;
 * no rules.
 */
import type { Clock } from '../kernel/clock.ts';
import type { Ids, OrgId, ProjectId, WorkerId } from '../kernel/ids.ts';
import type { Bound } from '../kernel/operation.ts';
import { bind } from '../kernel/operation.ts';
import type { Principal } from '../platform/identity/principal.ts';
import type { Log } from '../platform/telemetry/log.ts';
import type { Models } from '../runtime/models/model.ts';
import { estimateTokens } from '../runtime/models/tokens.ts';
import type { Driver } from '../runtime/runs/advance.ts';
import type { Wakeups } from '../runtime/runs/engine.ts';
import { readJournal } from '../runtime/runs/load-run.ts';
import { createLocalEngine } from '../runtime/runs/local-engine.ts';
import type { RunRow, RunStore } from '../runtime/runs/store-port.ts';
import type { RunProcess } from '../runtime/tools/child-process.ts';
import type { Tool } from '../runtime/tools/tool.ts';
import type { Database } from '../storage/database.ts';
import { searchContents } from './documents/store.ts';
import { personaOperations } from './personas/contract.ts';
import type { Library } from './personas/library.ts';
import { createLibrary } from './personas/library.ts';
import { agentOf, instructionsOf } from './personas/persona.ts';
import type { Git } from './reviews/collect.ts';
import { createCollect, currentText, gh } from './reviews/collect.ts';
import { findingOperations, panelOperations, reviewOperations } from './reviews/contract.ts';
import type { FindingsDeps } from './reviews/findings.ts';
import { createFindings } from './reviews/findings.ts';
import { createPanels } from './reviews/panels.ts';
import { REVIEW_POOL, reviewClaims } from './reviews/queue-store.ts';
import type { ReviewsDeps } from './reviews/service.ts';
import { createReviews } from './reviews/service.ts';
import { createSettle } from './reviews/settle.ts';
import { createReviewTools, reviewerTools } from './reviews/tools.ts';
import { createTakeIn } from './standards/review-proposal.ts';
import type { Standards } from './standards/service.ts';
import { startUpkeep } from './reviews/upkeep.ts';

export type ReviewingDeps = Pick<ReviewsDeps, 'db' | 'clock' | 'agents' | 'projects' | 'modelOf' | 'cancel' | 'settings' | 'version'> & {
  ids: Ids;
  store: Pick<RunStore, 'readEntries'>;
  models: Pick<Models, 'facts'>;
  /** Folders of persona files: what ships, and Windlass's home. */
  folders: { shipped: string; home: string };
  git: Git;
  run: RunProcess;
  env: Readonly<Record<string, string | undefined>>;
  /** This machine's. */
  localClock: Clock;
  hasStandards: boolean;
};

type Closer = { what: string; close(): Promise<void> };
export type Reviewing = {
  operations: Bound<Principal>[];
  library: Library;
  /** Once a run's end has committed. A run that is no review is none of ours. */
  ended(row: RunRow): Promise<void>;
  /** Workers of reviews and their upkeep. */
  start(engine: EngineDeps): Closer[];
};
export type EngineDeps = { store: Pick<RunStore, 'claim'>; driver: Driver; worker: WorkerId; wakeups: Wakeups; log: Log; leaseMs: number };

/** Tools that reviewers have beside git and files; made before there are agents to use them. */
export function reviewTools(deps: { db: Database; store: Pick<RunStore, 'readEntries'>; standards: Standards['search'] | null }): Tool[] {
  const { standards } = deps;
  return createReviewTools({
    readEntries: (org, run, range) => deps.store.readEntries(org, run, range),
    personaOf: (agent) => agent.slice(agentOf('').length),
    documents: ({ org, project }, query, limit) => deps.db.asOrg(org, (tx) => searchContents(tx, org, { project, query, limit })),
    standards:
      standards === null
        ? null
        : async ({ org, project }, query, limit) =>
            (await standards(org, { project, query, limit })).items.map(({ path, line, passage }) => ({ path, line, text: passage })),
  });
}

export function createReviewing(deps: ReviewingDeps): Reviewing {
  const { db, ids, clock, projects, settings, version, run, env } = deps;
  const library = createLibrary(deps.folders);
  const nowMs = (): number => deps.localClock.nowMs();
  const collect = createCollect({ git: deps.git, run, nowMs, env });
  const settle = createSettle({
    db,
    ids,
    nowMs: () => clock.nowMs(),
    journal: (org, id) => readJournal(deps.store, { org, run: id }),
    current: async (org, project, path) => {
      const checkout = await projects.checkoutOf(org, project);
      return checkout === null ? undefined : currentText(checkout, path).catch(() => undefined); // the checkout is gone: nothing is known
    },
    propose: createTakeIn({ ids }),
  });
  const reviews = createReviews({
    ...{ db, clock, library, agents: deps.agents, projects, collect, settle, modelOf: deps.modelOf, cancel: deps.cancel, settings, version },
    tools: reviewerTools(deps.hasStandards),
    checkModel: (model) => void deps.models.facts(model),
  });
  const panels = createPanels({ db, clock, ids, library, settle, settings, version, projects, reviews });
  const openIssue = createIssueOpener({ projects, run, nowMs, env });
  const findings = createFindings({ db, openIssue });
  return {
    library,
    operations: [
      ...bind(reviewOperations, reviews.handlers),
      ...bind(panelOperations, panels.handlers),
      ...bind(findingOperations, findings.handlers),
      ...bind<Principal, typeof personaOperations>(personaOperations, {
        list: ({ principal }, { project }) => listPersonas(deps, library, { org: principal.org, project }),
      }),
    ],
    ended: async (row) => (row.pool === REVIEW_POOL ? settle.job(row.org, row.id) : undefined),
    start: (engine) => startWorkers(deps, engine, settle),
  };
}

function startWorkers(deps: ReviewingDeps, { store, driver, worker, wakeups, log, leaseMs }: EngineDeps, settle: ReviewsDeps['settle']): Closer[] {
  const { db, clock, localClock, settings } = deps;
  const engine = createLocalEngine({
    ...{ driver, worker, wakeups, log, leaseMs, clock },
    store: reviewClaims(db, store),
    pools: [REVIEW_POOL],
    concurrency: settings.workers,
  });
  const localHourOf = (ms: number) => {
    const local = new Date(ms);
    return { hour: local.getHours(), minute: local.getMinutes() };
  };
  const upkeep = startUpkeep({ db, clock: localClock, storeNowMs: () => clock.nowMs(), localHourOf, settle, settings, log });
  return [{ what: 'review workers', close: () => engine.stop() }, upkeep];
}

type IssueDeps = Pick<ReviewsDeps, 'projects'> & { run: RunProcess; nowMs: () => number; env: ReviewingDeps['env'] };

/** By `gh` in the project's checkout; null where there is no checkout or no gh: the issue is kept here then. */
function createIssueOpener({ projects, run, nowMs, env }: IssueDeps): FindingsDeps['openIssue'] {
  return async (org: OrgId, project: ProjectId | null, { title, body, tags }) => {
    const checkout = project === null ? null : await projects.checkoutOf(org, project);
    if (checkout === null) return null;
    const there = await run({
      ...{ argv: ['gh', '--version'], cwd: checkout, env: { PATH: env['PATH'] ?? '' }, maxBytes: 1_000 },
      ...{ deadlineMs: nowMs() + GH_PROBE_MS, signal: new AbortController().signal },
    });
    if (there.ended !== 'exit' || there.exitCode !== 0) return null;
    // labels have to be there before they can be given; one that is already is left as it is
    for (const tag of tags) await gh({ run, nowMs, env }, checkout, ['label', 'create', tag]).catch(() => undefined);
    const made = await gh({ run, nowMs, env }, checkout, [
      'issue',
      'create',
      '--title',
      title,
      '--body',
      body,
      ...tags.flatMap((tag) => ['--label', tag]),
    ]);
    return made.text.trim().split('\n').at(-1) ?? null;
  };
}
const GH_PROBE_MS = 10_000;

async function listPersonas(deps: ReviewingDeps, library: Library, { org, project: wanted }: { org: OrgId; project: string | undefined }) {
  const project = await deps.projects.find(org, wanted);
  const { found, faults } = await library.list(project === null ? null : await deps.projects.checkoutOf(org, project));
  const items = found.map(({ persona, from }) => {
    const { name, title, description, kind, agent, dimensions, specialists } = persona;
    return { name, title, description, kind, from, agent, dimensions, specialists, tokens: estimateTokens(instructionsOf(persona)) };
  });
  return { items, faults: [...faults] };
}
