/** Use cases of runs as surfaces call them. Starting a run is `work/agents`, driving one is `advance.ts`, answering one is `platform/approvals`. */
import type { Json } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { parseId, type AgentId, type OrgId, type RunId } from '../../kernel/ids.ts';
import type { Caller, Handlers } from '../../kernel/operation.ts';
import { byOf, type Principal } from '../../platform/identity/principal.ts';
import { cassetteFromEntries } from '../models/cassette.ts';
import { promptAt } from './context.ts';
import { existingRun, forkRun, loadSource, rerunRun, retryRun, type ContinueDeps, type Wish } from './continue-run.ts';
import type { runOperations } from './contract.ts';
import { loadState } from './load-run.ts';
import { replay } from './replay.ts';
import type { PastRun, Rules } from './rules.ts';
import { detailOf, entryViewOf, summaryOf } from './run-views.ts';
import { noteOnRun, signalRun, type SignalDeps } from './signal-run.ts';
import type { RunStore } from './store-port.ts';
import { renderTranscript } from './transcript.ts';
import type { RunViews } from './views-store.ts';

export type RunsDeps = ContinueDeps &
  SignalDeps & {
    store: RunStore;
    views: RunViews;
    clock: Clock;
    rules: Omit<Rules, 'openUntilMs' | 'history'>;
    history(org: OrgId, agent: AgentId): Promise<readonly PastRun[]>;
  };

type All = Handlers<Principal, typeof runOperations>;

export function createRuns(deps: RunsDeps): { handlers: All } {
  return { handlers: { ...readers(deps), ...inspectors(deps), ...commands(deps), ...makers(deps) } };
}

function readers(deps: RunsDeps): Pick<All, 'list' | 'get' | 'events' | 'stats'> {
  const { store, views } = deps;
  return {
    async list({ principal }, { agent, status, parent, live, search, limit, cursor }) {
      const filter = {
        ...(agent === undefined ? {} : { agent }),
        ...(status === undefined ? {} : { statuses: [status].flat() }),
        ...(parent === undefined ? {} : { parent: parseId('run', parent) }),
        ...(live === undefined ? {} : { live }),
        ...(search === undefined ? {} : { search }),
      };
      const page = await views.listRuns(principal.org, filter, { limit, ...(cursor === undefined ? {} : { cursor }) });
      return { ...page, items: page.items.map(summaryOf) };
    },
    async get({ principal: { org } }, { id }) {
      const run = parseId('run', id);
      const row = await existingRun(store, { org, run });
      const [state, children, history] = await Promise.all([
        loadState(store, { org, run }),
        views.listRuns(org, { parent: run }, { limit: CHILDREN_SHOWN }),
        deps.history(org, row.agent),
      ]);
      return detailOf({ row, state, children: children.items, history, nowMs: deps.clock.nowMs() });
    },
    async events({ principal: { org } }, { id, after, limit }) {
      const run = parseId('run', id);
      const row = await existingRun(store, { org, run });
      const entries = await store.readEntries(org, run, { afterSeq: after, limit });
      const last = entries.at(-1)?.seq ?? after;
      return {
        items: entries.map(entryViewOf),
        shown: entries.length,
        total: { kind: 'exact', value: Math.max(row.headSeq, last) },
        next: last < row.headSeq ? String(last) : null,
      };
    },
    stats: ({ principal }) => views.stats(principal.org),
  };
}

/** Sub-agent runs shown with their parent; all of them are in the list by parent. */
const CHILDREN_SHOWN = 50;

function inspectors(deps: RunsDeps): Pick<All, 'transcript' | 'prompt' | 'verify' | 'replay' | 'cassette'> {
  const sourceOf = async (caller: Caller<Principal>, id: string) => loadSource(deps, { org: caller.principal.org, run: parseId('run', id) });
  return {
    async transcript(caller, { id }) {
      const { source } = await sourceOf(caller, id);
      return { markdown: renderTranscript(source.entries) };
    },
    async prompt(caller, { id, turn }) {
      const { source } = await sourceOf(caller, id);
      const recorded = source.entries.some(({ event }) => event?.type === 'context.assembled' && event.turn === turn);
      if (!recorded) throw new AppError('not_found', `Run ${id} has no turn ${turn}.`, { next: 'See its turns: windlass watch.' });
      const from = source.from === undefined ? {} : { from: source.from };
      const prompt = promptAt(source.entries, turn, { countTokens: deps.rules.countTokens, ...from });
      const texts = [prompt.instructions, JSON.stringify(prompt.tools, null, 2), JSON.stringify(prompt.messages, null, 2)];
      const parts = prompt.assembled.parts.map(({ name, tokens }, index) => ({ name, tokens, text: texts[index] ?? '' }));
      return { turn, hash: prompt.assembled.hash, verified: true, tokens: prompt.assembled.tokens, parts };
    },
    async verify({ principal: { org } }, { id }) {
      const row = await existingRun(deps.store, { org, run: parseId('run', id) });
      return deps.views.verify(org, row.id);
    },
    async replay(caller, { id }) {
      const { source } = await sourceOf(caller, id);
      const from = source.from === undefined ? {} : { from: source.from };
      const { steps, diverged } = replay(source.entries, { rules: deps.rules, ...from });
      const message =
        diverged === null
          ? `The same ${steps} decisions were made again.`
          : `After ${steps} equal decisions, entry ${diverged.seq} would be another one today.`;
      return { steps, diverged, message };
    },
    async cassette(caller, { id }) {
      const { source } = await sourceOf(caller, id);
      return { script: JSON.parse(JSON.stringify(cassetteFromEntries(source.entries))) as Json as never };
    },
  };
}

function commands(deps: RunsDeps): Pick<All, 'cancel' | 'pause' | 'resume' | 'note'> {
  const signalled =
    (signal: 'cancel' | 'pause' | 'resume') =>
    async (caller: Caller<Principal>, { id, reason }: { id: string; reason: string }) => {
      await refuseForeign(deps, caller, id);
      return signalRun(deps, wishOf(caller, id), { signal, reason });
    };
  return {
    cancel: signalled('cancel'),
    pause: signalled('pause'),
    resume: signalled('resume'),
    note: async (caller, { id, text }) => {
      await refuseForeign(deps, caller, id);
      return noteOnRun(deps, wishOf(caller, id), text);
    },
  };
}

/** An agent steers only runs that it started itself. @throws AppError `denied` */
async function refuseForeign(deps: RunsDeps, { principal }: Caller<Principal>, id: string): Promise<void> {
  if (principal.kind !== 'agent') return;
  const row = await existingRun(deps.store, { org: principal.org, run: parseId('run', id) });
  if (row.actor === principal.actor) return;
  throw new AppError('denied', `An agent may steer only runs it started, and run ${id} is not one.`, { next: "Use a person's key." });
}

function makers(deps: RunsDeps): Pick<All, 'retry' | 'rerun' | 'fork'> {
  const made = (id: RunId, message: string) => ({ id, status: 'queued' as const, message });
  return {
    retry: async (caller, { id }) => made(await retryRun(deps, wishOf(caller, id)), `It goes on from where ${id} was left.`),
    rerun: async (caller, { id }) => made(await rerunRun(deps, wishOf(caller, id)), `It starts afresh with the input of ${id}.`),
    fork: async (caller, { id, ...changes }) =>
      made(await forkRun(deps, wishOf(caller, id), changes), `It goes on from entry ${changes.seq} of ${id}.`),
  };
}

function wishOf({ principal, correlation, surface, request }: Caller<Principal>, id: string): Wish {
  return {
    org: principal.org,
    run: parseId('run', id),
    by: byOf(principal),
    actor: principal.actor,
    role: principal.role,
    trigger: surface === 'mcp' ? 'mcp' : 'manual',
    correlation,
    request,
  };
}
