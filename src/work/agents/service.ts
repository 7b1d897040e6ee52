/** Use cases of agents as surfaces call them. Changing one is in `change-agent.ts`, folders in `apply.ts`, runs in `start-run.ts`. */
import { AppError } from '../../kernel/errors.ts';
import type { AgentId, Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { decodeCursor, encodeCursor } from '../../kernel/page.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { RunPlan, ToolManifestEntry } from '../../kernel/plan.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { AGENT_TOOL_PREFIX } from '../../runtime/runs/manifest.ts';
import type { ChildRequest, EndedRun } from '../../runtime/runs/drive-deps.ts';
import type { FireRequest } from '../../runtime/schedules/ticker.ts';
import { databaseTx } from '../../runtime/runs/store.ts';
import type { StoreTx } from '../../runtime/runs/store-port.ts';
import { byOf } from '../../platform/identity/principal.ts';
import type { Tx } from '../../storage/database.ts';
import type { Requester } from './agent.ts';
import { refuseHalted, transition } from './agent.ts';
import type { ApplyDeps } from './apply.ts';
import { applyFiles, planFiles } from './apply.ts';
import { archiveAgent, createAgent, refuseBeyondOwn, updateAgent } from './change-agent.ts';
import { checkDefinition } from './check-definition.ts';
import type { AgentDetail, AgentView, agentOperations } from './contract.ts';
import type { AgentDefinition } from './definition.ts';
import { pathText } from './definition-file.ts';
import { compare } from './difference.ts';
import { fireSchedule } from './fire-schedule.ts';
import { countRunEnd } from './health.ts';
import { keepAgent } from './keep-agent.ts';
import { planOfAgent } from './run-plan.ts';
import type { PreparedChild, StartDeps, StartRun, StartedRun } from './start-run.ts';
import { prepareChild, refuseUse, startRun, unknownAgent } from './start-run.ts';
import type { AgentRow } from './store.ts';
import * as store from './store.ts';

export type AgentsDeps = StartDeps &
  ApplyDeps & {
    ids: Ids;
    clock: Clock;
    /** The project a run works in: the one asked for by id or code, else the default one. @throws AppError `not_found` */
    project: (org: OrgId, wanted: string | undefined) => Promise<ProjectId | null>;
  };

export type Agents = {
  handlers: Handlers<Principal, typeof agentOperations>;
  startRun: (start: StartRun) => Promise<StartedRun>;
  /** A schedule's firing; its record commits with the run. */
  fireSchedule: (request: FireRequest) => Promise<void>;
  prepareChild: (request: ChildRequest) => Promise<PreparedChild>;
  /** Before a retry or fork of an earlier run. @throws AppError `agent_halted`, or `denied` when the definition is not open to `who`. */
  mayRun: (org: OrgId, agent: string, who: Requester) => Promise<void>;
  /** Private hosts and CIDRs that this version may reach; none for a version that is not there. */
  networkAllow: (org: OrgId, agent: { id: AgentId; version: number }) => Promise<readonly string[]>;
  /** What a run of it would be told to do if it began now, its model aside. @throws AppError `not_found` */
  planNow: (org: OrgId, name: string) => Promise<RunPlan>;
  /** These agents as tools of a model; those that take no runs now are left out with the reason. */
  childManifest: (org: OrgId, names: readonly string[]) => Promise<{ entries: ToolManifestEntry[]; missing: { tool: string; why: string }[] }>;
  /** In the commit of a run's end: counts it; true when this end put the agent in error. */
  onRunEnded: (tx: StoreTx, ended: EndedRun) => Promise<boolean>;
  /** Which of these names are taken, in any state. */
  existing: (org: OrgId, names: readonly string[]) => Promise<string[]>;
  /** For templates: creates what is not there, by name, in whatever state it is. Answers the names it created. */
  ensure: (principal: Principal, definitions: readonly AgentDefinition[]) => Promise<string[]>;
  /** For an agent that a file of ours defines: made, or brought to this definition as a new version. One that a person paused or archived stays so. */
  keep: (principal: Principal, definition: AgentDefinition) => Promise<void>;
};

export function createAgents(deps: AgentsDeps): Agents {
  return {
    handlers: { ...readers(deps), ...writers(deps), ...stateHandlers(deps), run: (caller, input) => runAgent(deps, caller, input) },
    startRun: (start) => startRun(deps, start),
    fireSchedule: (request) => fireSchedule(deps, request),
    prepareChild: (request) => prepareChild(deps, request),
    mayRun: (org, agent, who) =>
      deps.db.asOrg(org, async (tx) => {
        const found = await existing(tx, org, agent);
        refuseHalted(found);
        await refuseUse(tx, found, { org, ...who });
      }),
    networkAllow: (org, at) => deps.db.asOrg(org, async (tx) => (await store.getVersion(tx, org, at))?.definition.network.allow ?? []),
    planNow: (org, name) =>
      deps.db.asOrg(org, async (tx) => {
        const agent = await existing(tx, org, name);
        return planOfAgent(agent, { model: agent.definition.model ?? '' });
      }),
    childManifest: (org, names) => childManifest(deps, org, names),
    onRunEnded: (tx, { row, ended }) => countRunEnd(databaseTx(tx), { row, ended }),
    existing: (org, names) => deps.db.asOrg(org, async (tx) => (await store.getNamed(tx, org, names)).map((agent) => agent.name)),
    ensure: (principal, definitions) => ensureAgents(deps, principal, definitions),
    keep: (principal, definition) => keepAgent(deps, principal, definition),
  };
}

type All = Handlers<Principal, typeof agentOperations>;

function readers(deps: AgentsDeps): Pick<All, 'list' | 'get' | 'versions' | 'version' | 'compare' | 'plan'> {
  const { db } = deps;
  return {
    list: ({ principal }, input) =>
      db.asOrg(principal.org, async (tx) => {
        const [after = null] = cursorParts(input.cursor);
        const found = await store.listAgents(tx, principal.org, {
          after: after === null ? null : String(after),
          limit: input.limit + 1,
          archived: input.archived ?? false,
        });
        const items = found.rows.slice(0, input.limit);
        const last = items.at(-1);
        const next = found.rows.length > input.limit && last !== undefined ? encodeCursor([last.name]) : null;
        return { items: items.map(viewOf), shown: items.length, total: { kind: 'exact', value: found.total }, next };
      }),
    get: ({ principal }, { name }) => db.asOrg(principal.org, async (tx) => detailOf(await existing(tx, principal.org, name))),
    versions: ({ principal }, input) =>
      db.asOrg(principal.org, async (tx) => {
        const agent = await existing(tx, principal.org, input.name);
        const [before = null] = cursorParts(input.cursor);
        const rows = await store.listVersions(tx, principal.org, {
          id: agent.id,
          before: before === null ? null : Number(before),
          limit: input.limit + 1,
        });
        const items = rows.slice(0, input.limit);
        const next = rows.length > input.limit ? encodeCursor([items.at(-1)?.version ?? 0]) : null;
        return { items, shown: items.length, total: { kind: 'exact', value: agent.version }, next };
      }),
    version: ({ principal }, input) =>
      db.asOrg(principal.org, async (tx) =>
        versionOf(tx, await existing(tx, principal.org, input.name), { org: principal.org, version: input.version }),
      ),
    compare: ({ principal }, { name, from, to }) =>
      db.asOrg(principal.org, async (tx) => {
        const agent = await existing(tx, principal.org, name);
        const before = await versionOf(tx, agent, { org: principal.org, version: from });
        const after = await versionOf(tx, agent, { org: principal.org, version: to });
        return { from, to, differences: compare(before.definition, after.definition) };
      }),
    plan: ({ principal }, input) => planFiles(deps, principal, input),
  };
}

function writers(deps: AgentsDeps): Pick<All, 'create' | 'update' | 'archive' | 'restore' | 'apply'> {
  const change = <T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T> =>
    deps.db.asOrg(principal.org, async (tx) => {
      await store.lockDefinitions(tx, principal.org);
      return work(tx);
    });
  return {
    create: async ({ principal }, input) => {
      const definition = checked(deps, input);
      return change(principal, async (tx) => detailOf(await createAgent(deps, tx, { definition, source: 'api', principal })));
    },
    update: async ({ principal }, { baseVersion, ...input }) => {
      const definition = checked(deps, input);
      return change(principal, async (tx) => {
        const agent = await existing(tx, principal.org, input.name);
        if (baseVersion !== undefined && baseVersion !== agent.version) {
          throw new AppError('precondition_failed', `Agent ${agent.name} is at version ${agent.version}, not at ${baseVersion} any more.`, {
            next: 'Read it again and change that.',
          });
        }
        return detailOf(await updateAgent(deps, tx, { agent, wish: { definition, source: 'api', principal } }));
      });
    },
    archive: ({ principal }, { name }) =>
      change(principal, async (tx) => detailOf(await archiveAgent(deps, tx, { agent: await existing(tx, principal.org, name), principal }))),
    restore: ({ principal }, { name, version }) =>
      change(principal, async (tx) => {
        const agent = await existing(tx, principal.org, name);
        const { definition } = await versionOf(tx, agent, { org: principal.org, version });
        return detailOf(await updateAgent(deps, tx, { agent, wish: { definition, source: 'restore', principal } }));
      }),
    apply: ({ principal }, input) => applyFiles(deps, principal, input),
  };
}

function stateHandlers(deps: AgentsDeps): Pick<All, 'pause' | 'resume'> {
  const change = (principal: Principal, wanted: { name: string; action: 'pause' | 'resume'; reason: string }): Promise<AgentDetail> =>
    deps.db.asOrg(principal.org, async (tx) => {
      await store.lockDefinitions(tx, principal.org);
      const agent = await existing(tx, principal.org, wanted.name);
      const state = transition(agent.state, wanted.action);
      if (state === agent.state) return detailOf(agent);
      await refuseBeyondOwn(tx, principal, [agent.definition]);
      if (wanted.action === 'resume' && principal.kind !== 'user') {
        throw new AppError('denied', 'Only a person resumes an agent.', { next: "Use a person's key." });
      }
      const by = wanted.action === 'pause' ? `paused by ${principal.name}${wanted.reason === '' ? '' : `: ${wanted.reason}`}` : '';
      await store.setState(tx, principal.org, { id: agent.id, state, reason: by });
      await deps.recordAdmin(tx, principal.org, {
        type: `agent.${wanted.action}d`,
        subject: agent.id,
        by: byOf(principal),
        detail: { name: agent.name, reason: wanted.reason, from: agent.state },
      });
      return detailOf(await existing(tx, principal.org, wanted.name));
    });
  return {
    pause: ({ principal }, { name, reason }) => change(principal, { name, reason, action: 'pause' }),
    resume: ({ principal }, { name }) => change(principal, { name, reason: '', action: 'resume' }),
  };
}

async function runAgent(deps: AgentsDeps, caller: Caller<Principal>, input: Parameters<All['run']>[1]): ReturnType<All['run']> {
  const { principal } = caller;
  const started = await startRun(deps, {
    org: principal.org,
    agent: input.name,
    input: input.input,
    trigger: caller.surface === 'mcp' ? 'mcp' : 'manual',
    by: byOf(principal),
    actor: principal.actor,
    correlation: caller.correlation,
    request: caller.request,
    requester: { role: principal.role, channel: null },
    // what an agent hands on may be anything it has read
    labels: principal.kind === 'agent' ? ['untrusted', 'private'] : [],
    project: await deps.project(principal.org, input.project),
    lane: input.lane ?? null,
    priority: input.priority,
    deadlineMs: input.deadlineMinutes === undefined ? null : deps.clock.nowMs() + Math.round(input.deadlineMinutes * 60_000),
  });
  return { ...started, status: 'queued', message: `Run ${started.id} of ${started.agent} is queued. Watch it: windlass watch ${started.id}` };
}

async function childManifest(deps: AgentsDeps, org: OrgId, names: readonly string[]): ReturnType<Agents['childManifest']> {
  const rows = names.length === 0 ? [] : await deps.db.asOrg(org, (tx) => store.getNamed(tx, org, names));
  const entries: ToolManifestEntry[] = [];
  const missing: { tool: string; why: string }[] = [];
  for (const name of names) {
    const agent = rows.find((row) => row.name === name);
    try {
      if (agent === undefined) throw unknownAgent(name);
      refuseHalted(agent);
      entries.push(manifestEntry(agent));
    } catch (thrown) {
      // an agent that takes no runs is left out and named; anything but a refusal is a fault of ours
      if (!(thrown instanceof AppError)) throw thrown;
      missing.push({ tool: AGENT_TOOL_PREFIX + name, why: thrown.message });
    }
  }
  return { entries, missing };
}

const CHILD_SHOWN_CHARS = 20_000;

function manifestEntry(agent: AgentRow): ToolManifestEntry {
  const { definition } = agent;
  return {
    name: AGENT_TOOL_PREFIX + agent.name,
    description: definition.description === '' ? `Hands a piece of work to the agent ${agent.name}.` : definition.description,
    inputSchema: definition.input ?? { type: 'object', properties: { task: { type: 'string', description: 'What to do.' } }, required: ['task'] },
    kind: 'agent',
    // what the child does is decided on in its own run, call by call
    sideEffect: 'read',
    taints: [],
    recovery: 'none',
    timeoutMs: Math.max(1, Math.round((definition.limits.activeMinutes ?? 60) * 60_000)),
    settleMs: 0,
    shownChars: CHILD_SHOWN_CHARS,
  };
}

async function ensureAgents(deps: AgentsDeps, principal: Principal, definitions: readonly AgentDefinition[]): Promise<string[]> {
  return deps.db.asOrg(principal.org, async (tx) => {
    await store.lockDefinitions(tx, principal.org);
    const there = await store.getNamed(
      tx,
      principal.org,
      definitions.map((definition) => definition.name),
    );
    const created: string[] = [];
    for (const definition of definitions) {
      if (there.some((agent) => agent.name === definition.name)) continue;
      await createAgent(deps, tx, { definition, source: 'api', principal });
      created.push(definition.name);
    }
    return created;
  });
}

/** @throws AppError `invalid_input` with every fault. */
function checked(deps: AgentsDeps, raw: unknown): AgentDefinition {
  const result = checkDefinition(raw, deps.check);
  if (result.ok) return result.definition;
  throw new AppError('invalid_input', `The definition has ${result.faults.length === 1 ? 'a fault' : `${result.faults.length} faults`}.`, {
    faults: result.faults.map((fault) => ({ path: pathText(fault.path) || '(top)', message: fault.message })),
    next: 'Mend what is listed; schemas/agent.schema.json says what a definition may hold.',
  });
}

async function existing(tx: Tx, org: OrgId, name: string): Promise<AgentRow> {
  const agent = await store.getByName(tx, org, name);
  if (agent === null) throw unknownAgent(name);
  return agent;
}

async function versionOf(
  tx: Tx,
  agent: AgentRow,
  at: { org: OrgId; version: number },
): Promise<NonNullable<Awaited<ReturnType<typeof store.getVersion>>>> {
  const version = await store.getVersion(tx, at.org, { id: agent.id, version: at.version });
  if (version === null)
    throw new AppError('not_found', `Agent ${agent.name} has no version ${at.version}; its newest is ${agent.version}.`, {
      next: `List them: GET /api/v1/agents/${agent.name}/versions`,
    });
  return version;
}

function cursorParts(cursor: string | undefined): (string | number)[] {
  const parts = cursor === undefined ? [] : decodeCursor(cursor);
  if (parts === null) throw new AppError('invalid_input', 'This cursor is not one of ours.', { next: 'Use `next` of the page before, or none.' });
  return parts;
}

function viewOf(agent: AgentRow): AgentView {
  const { definition, id, name, state, stateReason, stateAtMs, failures, version, createdAtMs, updatedAtMs } = agent;
  const { description, kind, tier } = definition;
  const drifted = agent.appliedVersion === null ? null : agent.appliedVersion !== version;
  return {
    id,
    name,
    description,
    kind,
    state,
    stateReason,
    stateAtMs,
    failures,
    version,
    tier,
    schedules: definition.schedules.length,
    drifted,
    createdAtMs,
    updatedAtMs,
  };
}

function detailOf(agent: AgentRow): AgentDetail {
  return { ...viewOf(agent), definition: agent.definition, by: agent.by };
}
