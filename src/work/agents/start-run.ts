/** Starting runs of agents: by people and programs, by schedules, by other runs. Carrying them out is `runtime/runs`. */
import type { Json } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { By, FailureClass, Trigger } from '../../kernel/events.ts';
import { RULES_VERSION } from '../../kernel/events.ts';
import type { ActorId, CorrelationId, Ids, OrgId, ProjectId, RunId, ScheduleId } from '../../kernel/ids.ts';

import type { Label } from '../../kernel/labels.ts';
import { MAX_DEPTH } from '../../kernel/plan.ts';
import type { Role } from '../../platform/identity/contract.ts';
import type { ChildRequest } from '../../runtime/runs/drive-deps.ts';
import { earlierRun } from '../../runtime/runs/request-store.ts';
import type { NewRun, Priority, RunStore } from '../../runtime/runs/store-port.ts';
import type { Check } from '../../runtime/tools/validate.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Requester } from './agent.ts';
import { mayUse, refuseHalted } from './agent.ts';
import { leastLimits, limitsOf, planOfAgent } from './run-plan.ts';
import type { AgentRow } from './store.ts';
import * as store from './store.ts';

export type StartDeps = {
  db: Database;
  ids: Ids;
  check: Check;
  runs: Pick<RunStore, 'createRun'>;
  /** Tells the engine of a run that was committed. Only a hint: a sweep finds the run as well. */
  wake: (org: OrgId, run: RunId) => void;
  /** The model of agents that name none; null when there is none. */
  defaultModel: (agent: string) => string | null;
  /** An alias as the models it stands for, at least one, in the order in which they are tried; null for what is none (spec GTW-3). */
  modelsOfAlias?: (name: string) => readonly string[] | null;
};

export type StartRun = {
  org: OrgId;
  /** By name. */
  agent: string;
  /** Instead of the one its definition names. */
  model?: string;
  input: Json;
  trigger: Trigger;
  by: By;
  actor: ActorId;
  correlation: CorrelationId;
  /** Whose wish it is, for "who may use it"; null where nobody asks: a schedule of the agent itself. */
  requester: { role: Role; channel: string | null } | null;
  project?: ProjectId | null;
  schedule?: ScheduleId | null;
  lane?: string | null;
  pool?: string | null;
  priority?: Priority;
  notBeforeMs?: number | null;
  deadlineMs?: number | null;
  /** What the input already carries: `untrusted` for words from outside. */
  labels?: readonly Label[];
  /** Names the request, where it may come again: the same one starts one run. */
  request?: string | undefined;
  /** Writes that must be there with the run or not at all, such as a firing's record. */
  companion?: (tx: Tx, run: RunId) => Promise<void>;
};

export type StartedRun = { id: RunId; agent: string; version: number };

/**
 * Creates the run and returns at once.
 * @throws AppError `not_found`, `agent_halted`, `denied`, `invalid_input`, `configuration` when no model is there.
 */
export async function startRun(deps: StartDeps, start: StartRun): Promise<StartedRun> {
  const id = deps.ids.next('run');
  const started = await deps.db.asOrg(start.org, async (tx): Promise<StartedRun> => {
    const earlier = await earlierRun(tx, start.org, { request: start.request, run: id });
    if (earlier !== null) return earlier;
    const found = await store.getByName(tx, start.org, start.agent);
    if (found === null) throw unknownAgent(start.agent);
    refuseHalted(found);
    if (start.requester !== null) await refuseUse(tx, found, { org: start.org, actor: start.actor, name: start.by.name, ...start.requester });
    refuseInput(deps.check, found, start.input);
    const run = newRun(deps, found, { id, start });
    await deps.runs.createRun(tx, run);
    await start.companion?.(tx, id);
    return { id, agent: found.name, version: found.version };
  });
  deps.wake(start.org, started.id);
  return started;
}

function newRun(deps: StartDeps, agent: AgentRow, { id, start }: { id: RunId; start: StartRun }): NewRun {
  const chain = modelsOf(deps, agent, start.model);
  return {
    org: start.org,
    id,
    project: start.project ?? null,
    agent: agent.id,
    agentName: agent.name,
    agentVersion: agent.version,
    schedule: start.schedule ?? null,
    parent: null,
    root: id,
    depth: 0,
    lane: start.lane ?? null,
    pool: start.pool ?? null,
    priority: start.priority ?? 'normal',
    deadlineMs: start.deadlineMs ?? null,
    actor: start.actor,
    correlation: start.correlation,
    notBeforeMs: start.notBeforeMs ?? null,
    queued: {
      type: 'run.queued',
      purpose: isRehearsal(chain.model) ? 'rehearsal' : 'live',
      trigger: start.trigger,
      plan: planOfAgent(agent, chain),
      input: start.input as NewRun['queued']['input'],
      labels: [...(start.labels ?? [])],
      parent: null,
      origin: null,
      by: start.by,
      correlationId: start.correlation,
      rules: RULES_VERSION,
      deadlineMs: start.deadlineMs ?? null,
    },
  };
}

export type PreparedChild = { ok: true; run: NewRun } | { ok: false; class: FailureClass; message: string };

/** The child's run, not stored yet: it is created in the commit of its parent's `child.started` (spec RUN-8). */
export async function prepareChild(deps: StartDeps, request: ChildRequest): Promise<PreparedChild> {
  const { parent } = request;
  const refused = (failure: FailureClass, message: string): PreparedChild => ({ ok: false, class: failure, message });
  if (request.depth > MAX_DEPTH) return refused('denied', `Agents call agents ${MAX_DEPTH} levels deep at most.`);
  const agent = await deps.db.asOrg(parent.org, (tx) => store.getByName(tx, parent.org, request.agent));
  if (agent === null) return refused('invalid_input', `There is no agent ${request.agent}.`);
  try {
    refuseHalted(agent);
    refuseInput(deps.check, agent, request.input);
    const run = newRun(deps, agent, {
      id: request.id,
      start: {
        org: parent.org,
        agent: agent.name,
        input: request.input,
        trigger: 'run',
        by: request.by,
        actor: parent.actor,
        correlation: parent.correlation,
        requester: null,
        project: parent.project,
        pool: parent.pool,
        priority: parent.priority,
        deadlineMs: parent.deadlineMs,
        labels: request.labels,
      },
    });
    const { queued } = run;
    const limits = leastLimits(limitsOf(agent.definition), request.allotment);
    const plan = { ...queued.plan, limits };
    const purpose = parent.purpose === 'live' || parent.purpose === 'rehearsal' ? run.queued.purpose : parent.purpose;
    return {
      ok: true,
      run: {
        ...run,
        parent: parent.id,
        root: parent.root,
        depth: request.depth,
        queued: { ...run.queued, plan, purpose, parent: { run: parent.id, callId: request.callId, depth: request.depth } },
      },
    };
  } catch (thrown) {
    // a refusal is told to the model that asked; anything else is a fault of ours
    if (!(thrown instanceof AppError) || thrown.code === 'internal' || thrown.code === 'unavailable') throw thrown;
    const failure = thrown.code === 'invalid_input' ? 'invalid_input' : 'denied';
    return refused(failure, [thrown.message, ...thrown.faults.map((fault) => fault.message)].join(' '));
  }
}

export function unknownAgent(name: string): AppError {
  return new AppError('not_found', `There is no agent ${name}.`, { next: 'List them: windlass agent list' });
}

/** Scripted answers come from models of this provider. */
export function isRehearsal(model: string): boolean {
  return model.startsWith('rehearsal/');
}

/** Aliases are resolved when the run is made, so that its plan, a replay and a retry name the same models. */
function modelsOf(deps: StartDeps, agent: AgentRow, wanted: string | undefined): { model: string; fallbacks: string[] } {
  const { definition } = agent;
  if (definition.kind === 'command') return { model: '', fallbacks: [] };
  const named = wanted ?? definition.model ?? deps.defaultModel(agent.name);
  const [model, ...fallbacks] = [...(named === null ? [] : [named]), ...definition.fallbacks].flatMap((name) => deps.modelsOfAlias?.(name) ?? [name]);
  if (named !== null && model !== undefined) return { model, fallbacks: [...new Set(fallbacks)].filter((other) => other !== model) };
  throw new AppError('invalid_input', `Agent ${agent.name} names no model, and there is no default one.`, {
    next: 'Name a model in its definition, or set defaultModel in windlass.yaml or WINDLASS_MODEL.',
  });
}

/** @throws AppError `denied` for whom the definition does not name (spec AGT-3), and for an agent whose own definition does not name this one. */
export async function refuseUse(tx: Tx, agent: AgentRow, who: Requester & { org: OrgId }): Promise<void> {
  const caller = await store.getByActor(tx, who.org, who.actor);
  if (caller !== null && !caller.definition.agents.includes(agent.name)) {
    throw new AppError('denied', `Agent ${caller.name} may not run ${agent.name}: it is not among the agents of its definition.`, {
      next: `Add ${agent.name} under agents of ${caller.name}, or use a person's key.`,
    });
  }
  if (mayUse(agent.definition, who)) return;
  const owner = agent.definition.owner === undefined ? '' : `, ${agent.definition.owner},`;
  throw new AppError('denied', `Agent ${agent.name} is not open to ${who.name}.`, { next: `Ask its owner${owner} to add you under access.` });
}

function refuseInput(check: Check, agent: AgentRow, input: unknown): void {
  const schema = agent.definition.input;
  const wrong = schema === undefined ? null : check(schema, input);
  if (wrong === null) return;
  throw new AppError('invalid_input', `The input does not fit what agent ${agent.name} takes.`, {
    faults: wrong.split('\n').map((message) => ({ path: 'input', message })),
    next: `See its input schema: windlass agent show ${agent.name}`,
  });
}
