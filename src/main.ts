/**
 * The composition root: builds every part bottom up and stops them top down. The only file that sees everything; it has no rules.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import type { Config } from './config.ts';
import type { Base, Closer, StartOptions } from './ground.ts';
import { announce, closeAll, createBase, openBlobs, openDatabase, pathOf, repeat } from './ground.ts';
import { serve } from './serve.ts';
import type { Welcome } from './welcome.ts';
import { welcome } from './welcome.ts';
import { createSpending } from './spending.ts';
import { createLedger } from './platform/budgets/ledger-service.ts';
import type { OrgId, ProjectId, RunId } from './kernel/ids.ts';
import { pooled } from './kernel/ids.ts';
import type { Bound } from './kernel/operation.ts';
import { bind } from './kernel/operation.ts';
import { auditOperations } from './platform/audit/contract.ts';
import { auditHandlers } from './platform/audit/service.ts';
import { approvalOperations } from './platform/approvals/contract.ts';
import { createApprovals } from './platform/approvals/service.ts';
import { identityOperations } from './platform/identity/contract.ts';
import { ensureLocalKey, ensureSoloOrg, recoverOwnerKey } from './platform/identity/first-start.ts';
import type { Principal } from './platform/identity/principal.ts';
import { createIdentity } from './platform/identity/service.ts';
import { createSignIn } from './platform/sign-in/service.ts';
import { decideByTier } from './platform/policy/policy.ts';
import type { Log } from './platform/telemetry/log.ts';
import { modelHandlers } from './runtime/models/catalogue.ts';
import { modelOperations } from './runtime/models/contract.ts';
import type { Models } from './runtime/models/model.ts';
import { createEmbedder } from './runtime/models/embeddings.ts';
import { createKeptReplies } from './runtime/models/kept-replies.ts';
import { createModels, modelFromKeys } from './runtime/models/models.ts';
import { tokensAtMost } from './runtime/models/tokens.ts';
import type { Driver } from './runtime/runs/advance.ts';
import { createDriver } from './runtime/runs/advance.ts';
import { runOperations } from './runtime/runs/contract.ts';
import { DRIVE_LIMITS } from './runtime/runs/drive-limits.ts';
import { createLocalEngine } from './runtime/runs/local-engine.ts';
import { createPreviewStore } from './runtime/runs/preview-store.ts';
import { createRuns } from './runtime/runs/service.ts';
import { signalRun } from './runtime/runs/signal-run.ts';
import { createRunStore, databaseTx } from './runtime/runs/store.ts';
import type { RunViews } from './runtime/runs/views-store.ts';
import type { RunStore } from './runtime/runs/store-port.ts';
import { createRunViews } from './runtime/runs/views-store.ts';
import { createWakeupHub } from './runtime/runs/wakeup.ts';
import { createProcessRunner } from './runtime/tools/child-process.ts';
import { toolOperations } from './runtime/tools/contract.ts';
import { toolHandlers } from './runtime/tools/service.ts';
import { createToolset } from './runtime/tools/toolset.ts';
import { scheduleOperations } from './runtime/schedules/contract.ts';
import { createSchedules } from './runtime/schedules/service.ts';
import { createScheduleStore } from './runtime/schedules/store.ts';
import { startTicker } from './runtime/schedules/ticker.ts';
import type { Check } from './runtime/tools/validate.ts';
import { createValidator, faultsOf } from './runtime/tools/validate.ts';
import { createDatabaseClock } from './storage/database-clock.ts';
import { agentOperations } from './work/agents/contract.ts';
import { createAgents } from './work/agents/service.ts';
import { adopt } from './work/alerts/store.ts';
import { createContext, declareProjects } from './work/context.ts';
import { EMBED_EVERY_MS } from './work/knowledge/service.ts';
import { describeOutside, withinProject } from './work/projects/boundary.ts';
import { createFindCheckout } from './work/projects/checkout.ts';
import { policyOperations } from './work/policy-trial/contract.ts';
import { policyTrialHandlers } from './work/policy-trial/service.ts';
import { projectOperations } from './work/projects/contract.ts';
import { createProjects } from './work/projects/service.ts';
import { stopping } from './work/stop/service.ts';
import { standardOperations } from './work/standards/contract.ts';
import { standardsFolder } from './work/standards/folder.ts';
import { LOOK_EVERY_MS } from './work/standards/folder-index.ts';
import { createStandards } from './work/standards/service.ts';
import { isReviewer } from './work/personas/persona.ts';
import type { Reviewing } from './work/reviewing.ts';
import { createReviewing, reviewTools } from './work/reviewing.ts';
import { templateOperations } from './work/templates/contract.ts';
import { createTemplates } from './work/templates/service.ts';

export const VERSION = packageJson.version;

/** What a running server is to whoever started it. */
export type Server = {
  url: string;
  version: string;
  org: OrgId;
  /** The owner key's secret, when this start made it: to be shown once. */
  ownerKey: string | null;
  /** Path of a link that signs a browser in with `ownerKey`, when this start made it. */
  signInPath: string | null;
  localKeyFile: string;
  database: string;
  models: Models;
  /**
   * What the very first start does for somebody with a repository in `folder`: registers it, makes an agent of each template, and
   * starts the digest. Null when this was not the first start. A folder in no repository gets agents and no run.
   */
  welcome(folder: string): Promise<Welcome | null>;
  log: Log;
  /** Stops taking work, finishes or releases runs, closes everything. May be called twice. */
  stop(): Promise<void>;
};

/** @throws AppError for a home, database or port that cannot be used; whatever was started is stopped again. */
export async function startServer(config: Config, options: StartOptions): Promise<Server> {
  const closers: Closer[] = [];
  try {
    return await build(config, options, closers);
  } catch (error) {
    await closeAll(closers, () => {});
    throw error;
  }
}

async function build(config: Config, options: StartOptions, closers: Closer[]): Promise<Server> {
  const base = { ...createBase(config, options), check: createValidator() };
  const ground = await openGround(config, base, closers);
  const domains = createDomains(config, { ...base, ...ground });
  closers.push({ what: 'tools', close: () => domains.toolset.tools.close() });
  await domains.toolset.reap();
  const spending = createSpending({ ...base, ...ground, ...domains, fixedCosts: config.fixedCosts });
  closers.push(...spending.closers);
  const counts = startEngine(config, { ...base, ...ground, ...domains }, closers);
  const url = await serve(
    config,
    {
      ...base,
      ...ground,
      ...domains,
      library: domains.reviewing.library,
      ...{ counts, spending },
      version: VERSION,
      webhooks: domains.context.webhooks,
      operations: [...operationsOf({ ...base, ...ground, ...domains }), ...spending.operations],
    },
    closers,
  );
  // A key is shown once, so none is made before everything that can fail has not: a taken port, above all.
  const people = await ensurePeople(config, { ...ground, newOwnerKey: options.newOwnerKey === true });
  await spending.budgets.ensurePlan(people.org, config.tryTokensPerDay);
  await declareProjects(config.projects, { ...base, ...domains, ...people });
  closers.push(await announce(config, { url, version: VERSION, fetch: globalThis.fetch, clock: base.clock }));

  let stopping: Promise<void> | null = null;
  const { org, ownerKey, localKeyFile } = people;
  const owner = ownerKey === null ? null : await ground.identity.authenticate(ownerKey);
  const signInPath = owner === null ? null : await ground.signIn.linkFor(owner);
  return {
    ...{ url, version: VERSION, org, ownerKey, signInPath, localKeyFile, database: ground.description, log: base.log, models: domains.models },
    welcome: (folder) => welcome(folder, { ...base, ...ground, ...domains, ...people }),
    stop: () => (stopping ??= closeAll(closers, (what, error) => base.log('error', `${what} did not close`, { error }))),
  };
}

/** The database, how its changes are heard of, and how to find out who is who in it. */
async function openGround(config: Config, base: Base, closers: Closer[]) {
  const { clock, ids, log, recordAdmin } = base;
  const { db, description } = await openDatabase(config, { clock, closers });
  const databaseClock = createDatabaseClock({ db, clock });
  await databaseClock.sync();
  const worker = ids.next('wrk');
  const hub = await createWakeupHub({ db, clock, process: worker });
  closers.push({ what: 'wake-ups', close: () => hub.close() });
  const ledger = createLedger({ db, ids, log, randomBytes: pooled(randomBytes), clock: databaseClock, process: worker });
  const identityDeps = { db, ids, randomBytes, recordAdmin };
  const identity = createIdentity(identityDeps);
  const signIn = createSignIn({ ...identityDeps, authenticate: identity.authenticate, authenticateHash: identity.authenticateHash });
  return { db, description, databaseClock, worker, hub, ledger, identityDeps, identity, signIn };
}
type Parts = Base & { check: Check };
type Ground = Awaited<ReturnType<typeof openGround>>;

async function ensurePeople(config: Config, { identityDeps, newOwnerKey }: Ground & { newOwnerKey: boolean }) {
  const first = await ensureSoloOrg(identityDeps);
  const { org } = first;
  const ownerKey = first.ownerKey ?? (newOwnerKey ? await recoverOwnerKey(identityDeps, org) : null);
  const { path } = await ensureLocalKey(identityDeps, { org, home: config.home, place: `${hostname()}:${config.home}` });
  return { org, ownerKey, isFirst: first.ownerKey !== null, localKeyFile: path };
}

function createDomains(config: Config, built: Parts & Ground) {
  const { clock, ids, check, recordAdmin, db, databaseClock, hub } = built;
  const wake = (org: OrgId, run: RunId): void => hub.wake(org, run);
  const runStore = createRunStore({ db, clock: databaseClock, randomBytes, onAppended: (org, run) => hub.grew(org, run) });
  const store: RunStore = {
    ...runStore,
    // a run given back by a stop is taken up by another process at once, not by its next sweep
    release: async (lease) => {
      await runStore.release(lease);
      wake(lease.org, lease.run);
    },
  };
  const views = createRunViews(db);
  const history: RunViews['history'] = (org, agent) => views.history(org, agent);
  // deadlines of effects and open circuits are told in the store's time, which may not be this machine's
  const models = createModels({ ...modelsDeps(config, built), clock: databaseClock });
  const more = reviewTools({ db, store, standards: (org, search) => standards.search(org, search) });
  const toolset = createToolset({ ...toolsetDeps(config, built), db, clock: databaseClock, more });
  const rules = { decide: decideByTier, validate: faultsOf(check), countTokens: tokensAtMost };
  const findCheckout = createFindCheckout({ run: createProcessRunner({ spawn, clock }), clock, env: built.env });
  const projects = createProjects({ db, ids, recordAdmin, findCheckout, clock, onRepository: adopt });
  const defaultModel = (agent: string): string =>
    config.defaultModel ?? modelFromKeys(models) ?? `rehearsal/${isReviewer(agent) ? 'reviewer' : agent}`;
  const schedules = createSchedules({ db, ids });
  const agents = createAgents({
    ...{ db, ids, check, recordAdmin, wake },
    runs: store,
    clock: databaseClock,
    project: (org, wanted) => projects.find(org, wanted),
    defaultModel,
    modelsOfAlias: (name) => models.aliases.resolve(name)?.models ?? null,
    ports: { syncSchedules: (tx, org, agent) => schedules.syncSchedules(tx, org, agent) },
  });
  const runs = createRuns({ ...{ store, views, rules, ids, wake, history }, clock: databaseClock, mayRun: agents.mayRun });
  const approvals = createApprovals({
    db,
    runs: {
      wake,
      putInbox: (tx, item) => store.putInbox(tx, item),
      readEntries: (org, run, range) => store.readEntries(org, run, range),
      retry: (caller, id) => runs.handlers.retry(caller, { id }),
    },
  });
  const embedder =
    config.embeddings === null
      ? null
      : createEmbedder({ ...modelsDeps(config, built), ledger: built.ledger, ids, price: (model) => models.facts(model).price }, config.embeddings);
  const standards = createStandards({
    ...{ db, ids, recordAdmin, embedder, folder: standardsFolder },
    project: (org, wanted) => projects.find(org, wanted),
    checkoutOf: (org, project) => projects.checkoutOf(org, project),
  });
  const templates = createTemplates({ folder: TEMPLATES_FOLDER, check, agents });
  const context = createContext({
    ...{ db, ids, recordAdmin, randomBytes, projects, views, embedder, log: built.log },
    ...{ clock: databaseClock, random: built.random, home: config.home, env: built.env, findCheckout },
    git: { run: createProcessRunner({ spawn, clock }), clock, path: pathOf(built.env) },
  });
  const reviewing = openReviewing(config, { ...built, toolset, store, models, agents, projects, defaultModel, runs });
  return {
    ...{ reviewing, store, views, history, models, toolset, rules, projects, agents, schedules, runs, approvals, standards, templates, context },
    previews: createPreviewStore(db),
    defaultModel,
  };
}
type Domains = ReturnType<typeof createDomains>;

type Reviewed = Parts & Ground & Pick<Domains, 'toolset' | 'store' | 'models' | 'agents' | 'projects' | 'defaultModel' | 'runs'>;

function openReviewing(config: Config, built: Reviewed): Reviewing {
  const { clock, databaseClock, db, ids, env, toolset, store, models, agents, projects, defaultModel, runs } = built;
  return createReviewing({
    ...{ db, ids, store, models, agents, projects, env, modelOf: defaultModel, version: VERSION, settings: config.reviews },
    ...{ clock: databaseClock, localClock: clock, git: toolset.git, run: toolset.run },
    folders: { shipped: PERSONAS_FOLDER, home: config.home },
    cancel: (caller, id, reason) => runs.handlers.cancel(caller, { id, reason }),
    hasStandards: true,
  });
}

/** Carries out runs here, unless this process is a surface only; answers its figures. */
function startEngine(config: Config, built: Parts & Ground & Domains, closers: Closer[]): Driver['counts'] {
  const { clock, ids, log, databaseClock, worker, hub, store, models, toolset, rules, projects, agents, approvals, previews, history, reviewing } =
    built;
  const leaseMs = DRIVE_LIMITS.leaseMs;
  const blobs = openBlobs(config);
  const driver = createDriver({
    ...{ store, models, rules, ids, log, worker, previews, history, leaseMs },
    ...{ tools: toolset.tools, command: toolset.command, replies: createKeptReplies(built), clock: databaseClock, pools: [] },
    onEnded: async (tx, ended) => {
      await agents.onRunEnded(tx, ended);
      await approvals.withdraw(databaseTx(tx), ended.row.org, ended.row.id);
    },
    approvals: {
      ask: (tx, { row, asked }) => {
        const { org, id, root, agent, agentName, headSeq } = row;
        return approvals.ask(databaseTx(tx), { org, run: id, root, agent, agentName, afterSeq: headSeq, asked });
      },
    },
    children: { manifest: (org, names) => agents.childManifest(org, names), prepare: (request) => agents.prepareChild(request) },
    surroundings: async (row) => ({
      checkout: row.project === null ? null : await projects.checkoutOf(row.org, row.project),
      networkAllow: await agents.networkAllow(row.org, { id: row.agent, version: row.agentVersion }),
      ...(row.project === null ? {} : { outside: outsideOf(built, row.org, row.project) }),
    }),
    artefacts: { putTranscript: async (org, _run, markdown) => void (await blobs.put(org, Buffer.from(markdown))) },
    leave: async (row) => {
      await reviewing.ended(row);
      await toolset.worktrees.cleanUp(row.id, { signal: new AbortController().signal, deadlineMs: clock.nowMs() + CLEAN_UP_MS });
    },
  });
  if (config.workers > 0) {
    const engine = createLocalEngine({
      ...{ store, driver, worker, log, leaseMs },
      clock: databaseClock,
      wakeups: hub,
      pools: [],
      concurrency: config.workers,
    });
    const ticker = startTicker(tickerDeps(built));
    closers.push(...reviewing.start({ store, driver, worker, wakeups: hub, log, leaseMs }));
    closers.push({ what: 'engine', close: () => engine.stop() }, { what: 'schedules', close: () => ticker.stop() });
  }
  closers.push(repeat({ clock, everyMs: EXPIRY_EVERY_MS, log, what: 'expiring approvals' }, () => approvals.expireDue()));
  closers.push(repeat({ clock, everyMs: LOOK_EVERY_MS, log, what: 'indexing standards' }, () => built.standards.look()));
  closers.push(repeat({ clock, everyMs: EMBED_EVERY_MS, log, what: 'embedding notes' }, () => built.context.embedNotes()));
  return () => driver.counts();
}

function outsideOf({ db, projects }: Pick<Ground, 'db'> & Pick<Domains, 'projects'>, org: OrgId, project: ProjectId) {
  return (path: string): Promise<string> => describeOutside({ db, ...projects }, org, { project, path });
}

function tickerDeps({ db, store, agents, hub, log, databaseClock }: Parts & Ground & Domains): Parameters<typeof startTicker>[0] {
  return {
    ...{ log, clock: databaseClock, store: createScheduleStore(db) },
    fire: (request) => agents.fireSchedule(request),
    getRun: (org, run) => store.getRun(org, run),
    cancel: async (org, run, reason) => {
      const row = await store.getRun(org, run);
      if (row === null) return;
      const { actor } = row;
      const signal = { store, wake: (of: OrgId, id: RunId): void => hub.wake(of, id) };
      await signalRun(signal, { org, run, actor, by: { actor, name: 'schedule' } }, { signal: 'cancel', reason });
    },
    onAlert: (schedule, { slotMs, reason }) =>
      log('warn', 'A schedule did not fire when it was due.', { schedule: schedule.id, agent: schedule.agentName, slotMs, reason }),
  };
}

/** One line for each domain: what HTTP, MCP and the CLI can ask of it. */
function operationsOf(built: Domains & Pick<Ground, 'identity' | 'db'>): Bound<Principal>[] {
  const { toolset, context, reviewing } = built;
  const boundary = { db: built.db, ...built.projects };
  const machinery = [
    ...bind(agentOperations, built.agents.handlers),
    ...bind(templateOperations, built.templates.handlers),
    ...bind(runOperations, built.runs.handlers),
    ...bind(toolOperations, toolHandlers(toolset.tools)),
    ...bind(modelOperations, modelHandlers(built.models)),
    ...bind(auditOperations, auditHandlers({ db: built.db, verify: (org, stream) => built.views.verify(org, stream) })),
    ...bind(approvalOperations, built.approvals.handlers),
    ...stopping(built),
    ...bind(policyOperations, policyTrialHandlers({ ...built, tools: toolset.tools })),
    ...bind(scheduleOperations, built.schedules.handlers),
    ...bind(standardOperations, built.standards.handlers),
  ];
  return [
    ...bind(identityOperations, built.identity.handlers),
    ...withinProject(bind(projectOperations, built.projects.handlers), boundary, { orgWide: 'refused' }),
    ...withinProject(machinery, boundary, { orgWide: 'free' }),
    ...context.operations,
    ...withinProject(reviewing.operations, boundary, { orgWide: 'free' }),
  ];
}

const EXPIRY_EVERY_MS = 5_000;
const CLEAN_UP_MS = 30_000;
const TEMPLATES_FOLDER = join(import.meta.dirname, '../templates');
const PERSONAS_FOLDER = join(TEMPLATES_FOLDER, 'personas');

function modelsDeps(config: Config, base: Parts): Parameters<typeof createModels>[0] {
  return {
    clock: base.clock,
    fetch: globalThis.fetch,
    credential: (name) => base.env[name],
    generateId: () => base.ids.next('call'),
    providers: config.providers,
    prices: config.prices,
    ...{ aliases: config.aliases, random: base.random, log: base.log },
    rehearsal: { folders: [TEMPLATES_FOLDER, PERSONAS_FOLDER, join(config.home, 'rehearsals')] },
  };
}

function toolsetDeps(config: Config, base: Parts): Omit<Parameters<typeof createToolset>[0], 'db' | 'more'> {
  const { clock, log, scrubber, check, random, env } = base;
  return {
    ...{ clock, log, scrubber, check, random, spawn },
    home: config.home,
    mcpServers: config.mcpServers,
    version: VERSION,
    secrets: async (name) => env[name] ?? null,
    fetch: globalThis.fetch,
    resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    path: pathOf(env),
    process: { pid: process.pid, platform: process.platform },
  };
}
