/**
 * What a lease begins with: tools and models are looked up, and the journal says what the run can use from here on. The frozen
 * manifest is what the core decides by; the live tools are only how it is carried out.
 */
import { digestOf } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import { RULES_VERSION, type EventOf, type RunEvent } from '../../kernel/events.ts';
import { ToolManifestEntry, type ModelFacts, type RunPlan } from '../../kernel/plan.ts';
import type { DriveDeps } from './drive-deps.ts';
import { end } from './ending.ts';
import { endRun } from './end-run.ts';
import { write, type HeldRun } from './held-run.ts';
import { COMMAND_TOOL_PREFIX } from './manifest.ts';
import { planOf } from './rules.ts';
import { exhausted } from './spend.ts';

/** First lease: `run.started`, or the end when something it needs is not there. */
export async function begin(deps: DriveDeps, held: HeldRun): Promise<void> {
  const plan = planOf(held.state);
  const found = await findTools(deps, held, plan);
  const models = findModels(deps, plan);
  const missing = [...found.missing.map(({ tool, why }) => `${tool}: ${why}`), ...models.missing];
  if (missing.length > 0) {
    const reason = `The run could not begin, because not all it needs is there. ${missing.join(' ')}`;
    return endRun(deps, held, end(held.state, { status: 'failed', failure: 'invalid_input', reason }).ended);
  }
  const started: EventOf<'run.started'> = {
    type: 'run.started',
    worker: deps.worker,
    attempt: held.hold.lease.attempt,
    tools: found.entries,
    models: models.facts,
  };
  await orWait(deps, held, { events: [started], instead: [started] });
}

/** A budget in runs may have no room for it: then it begins, or stays, waiting for it, and counts when it goes on. */
async function orWait(
  deps: DriveDeps,
  held: HeldRun,
  { events, instead }: { events: readonly RunEvent[]; instead: readonly RunEvent[] },
): Promise<void> {
  if ((await write(deps, held, events)) || held.refused === null) return;
  const { refused } = held;
  held.refused = null;
  await write(deps, held, [...instead, exhausted(deps.clock.nowMs(), refused, held.state)]);
}

/** A later lease: `run.resumed`, with the manifest where it has changed. A tool that is away keeps its place; its calls say so. */
export async function resume(deps: DriveDeps, held: HeldRun, after: 'wait' | 'pause' | 'takeover'): Promise<void> {
  const { state } = held;
  const found = await findTools(deps, held, planOf(state));
  const live = new Map(found.entries.map((entry) => [entry.name, entry]));
  const kept = state.tools.map((entry) => live.get(entry.name) ?? entry);
  const tools = [...kept, ...found.entries.filter((entry) => !state.tools.some((old) => old.name === entry.name))];
  const resumed: EventOf<'run.resumed'> = {
    type: 'run.resumed',
    worker: deps.worker,
    attempt: held.hold.lease.attempt,
    after: state.queued !== null && state.queued.rules < RULES_VERSION && after === 'takeover' ? 'upgrade' : after,
  };
  await orWait(deps, held, { events: [digestOf(tools) === digestOf(state.tools) ? resumed : { ...resumed, tools }], instead: [] });
}

/** Also puts the live tools within reach of the calls. */
async function findTools(
  deps: DriveDeps,
  held: HeldRun,
  plan: RunPlan,
): Promise<{ entries: ToolManifestEntry[]; missing: { tool: string; why: string }[] }> {
  held.surroundings = await deps.surroundings(held.row);
  held.history = await deps.history(held.row.org, held.row.agent);
  if (plan.kind === 'command') {
    held.tools = new Map(plan.commands.map((command) => [COMMAND_TOOL_PREFIX + command.name, deps.command(command)]));
    return { entries: [], missing: [] };
  }
  const [found, agents] = await Promise.all([deps.tools.resolve(held.row.org, plan.tools), deps.children.manifest(held.row.org, plan.agents)]);
  held.tools = new Map(found.tools.map((tool) => [tool.spec.name, tool]));
  const entries = found.tools.map(({ spec }) => ToolManifestEntry.parse(spec));
  return { entries: [...entries, ...agents.entries], missing: [...found.missing, ...agents.missing] };
}

function findModels(deps: DriveDeps, plan: RunPlan): { facts: Record<string, ModelFacts>; missing: string[] } {
  const facts: Record<string, ModelFacts> = {};
  const missing: string[] = [];
  for (const model of plan.kind === 'model' ? [plan.model, ...plan.fallbacks] : []) {
    try {
      facts[model] = deps.models.facts(model);
    } catch (cause) {
      // a model of an unknown provider is the plan's fault and named with the others
      if (!(cause instanceof AppError)) throw cause;
      missing.push([cause.message, cause.next].filter(Boolean).join(' '));
    }
  }
  return { facts, missing };
}
