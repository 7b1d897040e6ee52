/**
 * Puts together what people and sessions keep for agents to start from (notes, documents, sessions, handoffs), as operations. Wiring only, so that
 * `main.ts` has one line for it; no rules.
 */
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import type { Ids, OrgId, RandomBytes } from '../kernel/ids.ts';
import type { Bound } from '../kernel/operation.ts';
import { bind } from '../kernel/operation.ts';
import type { RecordAdmin } from '../platform/identity/admin-event.ts';
import { SYSTEM } from '../platform/identity/first-start.ts';
import type { Principal } from '../platform/identity/principal.ts';
import type { Log } from '../platform/telemetry/log.ts';
import type { Database } from '../storage/database.ts';
import type { Embedder } from '../runtime/models/embeddings.ts';
import type { RunViews } from '../runtime/runs/views-store.ts';
import { alertOperations } from './alerts/contract.ts';
import { createAlerts } from './alerts/service.ts';
import { briefingOperations } from './briefing/contract.ts';
import { createBriefing } from './briefing/service.ts';
import { briefingSources } from './briefing/sources.ts';
import { cadenceOperations } from './cadence/contract.ts';
import { createCadence } from './cadence/service.ts';
import { readCheckout } from './documents/checkout-files.ts';
import { documentOperations } from './documents/contract.ts';
import { createDocuments } from './documents/service.ts';
import { createOpenRepository } from './inspection/repository.ts';
import { listFolder, writeMissing } from './project-setup/checkout-files.ts';
import { createCodingClis } from './project-setup/coding-clis.ts';
import { projectSetupOperations } from './project-setup/contract.ts';
import { createGh } from './project-setup/gh.ts';
import { createProjectSetup } from './project-setup/service.ts';
import { withinProject } from './projects/boundary.ts';
import type { FindCheckout } from './projects/checkout.ts';
import { createReadCommits } from './handoffs/commits.ts';
import { handoffOperations } from './handoffs/contract.ts';
import { createReadPulls } from './handoffs/pulls.ts';
import { createRunsSince } from './handoffs/runs.ts';
import { createHandoffs } from './handoffs/service.ts';
import { noteOperations } from './knowledge/contract.ts';
import { createNotes } from './knowledge/service.ts';
import type { DeclaredProject } from '../kernel/project.ts';
import type { Projects } from './projects/service.ts';
import { sessionOperations } from './sessions/contract.ts';
import { createSessions } from './sessions/service.ts';
import { weeklyPlanOperations } from './weekly-plan/contract.ts';
import { createWeeklyPlan } from './weekly-plan/service.ts';
import { webhookOperations } from './webhooks/contract.ts';
import type { Webhooks } from './webhooks/service.ts';
import { createWebhooks } from './webhooks/service.ts';
import { createSigningKeys, SIGNING_KEY_FILE } from './webhooks/signing-key.ts';
import { workQueueOperations } from './work-queue/contract.ts';
import { createWhyNoForge } from './work-queue/forge-login.ts';
import { createReadIssues } from './work-queue/github-issues.ts';
import { createWorkQueue } from './work-queue/service.ts';

export type ContextDeps = {
  db: Database;
  ids: Ids;
  /** The store's time. */
  clock: Pick<Clock, 'nowMs'>;
  log: Log;
  randomBytes: RandomBytes;
  /** In [0, 1). */
  random: () => number;
  views: Pick<RunViews, 'listRuns'>;
  /** Null when no embedding model is configured. */
  embedder: Embedder | null;
  recordAdmin: RecordAdmin;
  /** Home folder. */
  home: string;
  findCheckout: FindCheckout;
  env: Readonly<Record<string, string | undefined>>;
  git: Parameters<typeof createReadCommits>[0];
  projects: Projects;
};

export type Context = {
  operations: Bound<Principal>[];
  webhooks: Webhooks;
  /** To be called every `EMBED_EVERY_MS`. */
  embedNotes(): Promise<void>;
};

export function createContext(deps: ContextDeps): Context {
  const { db, ids, clock, log, randomBytes, random, projects, views, git, recordAdmin } = deps;
  const notes = createNotes({ db, ids, embedder: deps.embedder, project: (org, wanted) => projects.find(org, wanted) });
  const cadence = createCadence({ db, ids, project: (org, wanted) => projects.find(org, wanted) });
  const openRepository = createOpenRepository(git);
  const whyNoForge = createWhyNoForge({ db });
  const documents = createDocuments({ db, ids, clock, readCheckout, openRepository });
  const sessions = createSessions({ db, ids, randomBytes, random, projects });
  const handoffs = createHandoffs({
    ...{ db, ids, sessions, projects },
    readCommits: createReadCommits(git),
    whyNoForge,
    readPulls: createReadPulls({ ...git, env: deps.env, home: deps.home }),
    runsSince: createRunsSince(views),
  });
  const alerts = createAlerts({ db, ids, project: (org, wanted) => projects.find(org, wanted) });
  const signingKeys = createSigningKeys({ path: join(deps.home, SIGNING_KEY_FILE), randomBytes });
  const webhooks = createWebhooks({ ...{ db, ids, recordAdmin, signingKeys, alerts, projects }, nowMs: () => clock.nowMs() });
  const weeklyPlan = createWeeklyPlan({ db, project: (org, wanted) => projects.find(org, wanted) });
  const readIssues = createReadIssues({ ...git, env: deps.env, home: deps.home });
  const workQueue = createWorkQueue({ clock: git.clock, readIssues, whyNoForge, repositories: (org, code) => projects.repositories(org, code) });
  const briefing = createBriefing({ db, clock, log, projects, sessions, sources: briefingSources({ workQueue }) });
  const userHome = deps.env['HOME'] ?? deps.home;
  const projectSetup = createProjectSetup({
    ...{
      projects: projects.handlers,
      documents: documents.handlers,
      sessions: sessions.handlers,
      webhooks: webhooks.handlers,
      alerts: alerts.handlers,
    },
    ...{ findCheckout: deps.findCheckout, openRepository, findByRemote: (org, remote) => projects.findByRemote(org, remote) },
    whyNoForge,
    files: { list: listFolder, writeMissing },
    gh: createGh({ ...git, env: deps.env, home: deps.home }),
    codingClis: createCodingClis({ path: git.path, home: userHome }),
  });
  const operations = [
    ...bind(briefingOperations, briefing.handlers),
    ...bind(noteOperations, notes.handlers),
    ...bind(documentOperations, documents.handlers),
    ...bind(cadenceOperations, cadence.handlers),
    ...bind(sessionOperations, sessions.handlers),
    ...bind(handoffOperations, handoffs.handlers),
    ...bind(alertOperations, alerts.handlers),
    ...bind(webhookOperations, webhooks.handlers),
    ...bind(weeklyPlanOperations, weeklyPlan.handlers),
    ...bind(workQueueOperations, workQueue.handlers),
    ...bind(projectSetupOperations, projectSetup.handlers),
  ];
  return { operations: withinProject(operations, { db, ...projects }, { orgWide: 'refused' }), webhooks, embedNotes: () => notes.embed() };
}

/** What windlass.yaml says of projects holds from the start. @throws AppError `configuration` */
export async function declareProjects(
  declared: Readonly<Record<string, DeclaredProject>>,
  { log, projects, org }: { log: Log; projects: Pick<Projects, 'declare'>; org: OrgId },
): Promise<void> {
  const { added, changed, released } = await projects.declare(org, { projects: declared, by: SYSTEM });
  if (added.length + changed.length + released.length > 0)
    log('info', 'The projects of windlass.yaml were taken over.', { added, changed, released });
}
