/**
 * `windlass status`: what goes on, what waits for a person, what it costs and what may still be spent. Each part says for itself when it could not be had.
 */
import { z } from 'zod';
import { approvalOperations } from '../../../platform/approvals/contract.ts';
import { identityOperations } from '../../../platform/identity/contract.ts';
import { toAppError } from '../../../kernel/errors.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import type { Count } from '../../../kernel/page.ts';
import { runOperations } from '../../../runtime/runs/contract.ts';
import { agentOperations } from '../../../work/agents/contract.ts';
import type { AgentView } from '../../../work/agents/contract.ts';
import type { AccountView } from '../../../work/spend/contract.ts';
import { spendOperations } from '../../../work/spend/contract.ts';
import type { Cli, Command } from '../command.ts';
import type { Connection } from '../connection.ts';
import { count, duration, plural, relativeTime } from '../format.ts';
import { figuresText, forecastText } from '../spend-lines.ts';
import { fields } from '../table.ts';
import type { Line } from '../terminal.ts';
import { approvalTable } from './approvals.ts';
import { budgetTable, nearEndLines } from './budget.ts';
import { runTable } from './runs.ts';

const VersionAnswer = z.object({ version: z.string(), startedAtMs: z.int() });
const ReadyAnswer = z.object({ status: z.string(), database: z.object({ version: z.string(), roundTripMs: z.number() }).optional() });

const WAITING_SHOWN = 20;
/** Waits that only a person ends are shown as questions, not as runs. */
const PERSONS = ['approval', 'input', 'outcome'];

/** A part of the answer, or why it is missing. */
type Part<T> = { ok: true; value: T } | { ok: false; why: string };

async function part<T>(work: Promise<T>): Promise<Part<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, why: toAppError(error).message }; // shown in place of the part: the others still help
  }
}

type RunPage = z.output<typeof runOperations.list.output>;
async function gather(cli: Cli, connection: Connection): Promise<Status> {
  const self = await connection.call(identityOperations.whoami, {});
  const answerOf = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(await (await cli.fetch(`${connection.url}${path}`)).json());
  const [server, ready, queue, questions, waiting, agents, spend] = await Promise.all([
    part(answerOf('/version', VersionAnswer)),
    part(answerOf('/readyz', ReadyAnswer)),
    part(connection.call(runOperations.stats, {})),
    part(connection.call(approvalOperations.list, { limit: WAITING_SHOWN })),
    part(connection.call(runOperations.list, { status: 'waiting', limit: WAITING_SHOWN })),
    part(agentsInError(connection)),
    part(connection.call(spendOperations.read, {})),
  ]);
  return { url: connection.url, self, server, ready, queue, questions, waiting, agents, spend };
}

/** Of the agents of one page; `looked` says how many of `total` that are. */
async function agentsInError(connection: Connection): Promise<{ inError: AgentView[]; looked: Count; total: Count }> {
  const page = await connection.call(agentOperations.list, { limit: PAGE_SIZE_MAX });
  return { inError: page.items.filter((agent) => agent.state === 'error'), looked: { kind: 'exact', value: page.shown }, total: page.total };
}

export type Status = {
  url: string;
  self: z.output<typeof identityOperations.whoami.output>;
  server: Part<z.output<typeof VersionAnswer>>;
  ready: Part<z.output<typeof ReadyAnswer>>;
  queue: Part<z.output<typeof runOperations.stats.output>>;
  questions: Part<z.output<typeof approvalOperations.list.output>>;
  waiting: Part<RunPage>;
  agents: Part<{ inError: AgentView[]; looked: Count; total: Count }>;
  spend: Part<AccountView>;
};

function said<T>(part: Part<T>, say: (value: T) => Line): Line {
  return part.ok ? say(part.value) : [['yellow', `unknown: ${part.why}`]];
}

export function statusLines(cli: Pick<Cli, 'terminal' | 'clock'>, status: Status): Line[] {
  const nowMs = cli.clock.nowMs();
  const head = fields([
    ['server', said(status.server, (each) => `${status.url}, version ${each.version}, started ${relativeTime(each.startedAtMs, nowMs)}`)],
    [
      'database',
      said(status.ready, (each) =>
        each.database === undefined
          ? [['red', each.status]]
          : `PostgreSQL ${each.database.version}, answers in ${duration(each.database.roundTripMs)}`,
      ),
    ],
    ['you', `${status.self.actor.name} (${status.self.actor.kind}), ${status.self.role}: ${status.self.scopes.join(' ')}`],
    [
      'runs',
      said(
        status.queue,
        (each) =>
          `${count(each.running)} running${each.workers > 0 ? ` on ${plural(each.workers, 'worker')}` : ''}, ${count(each.queued)} queued${oldest(each.oldestQueuedMs)}, ${count(each.waiting)} waiting`,
      ),
    ],
    [
      'last hour',
      said(
        status.queue,
        (each) => `${count(each.endedLastHour)} ended, ${count(each.failedLastHour)} failed, ${count(each.takeoversLastHour)} taken over`,
      ),
    ],
    ['agents', said(status.agents, agentsText)],
    ['spent today', said(status.spend, ({ today }) => figuresText(today))],
    ['this month', said(status.spend, (account) => `${figuresText(account.month)}; ${forecastText(account)}`)],
  ]);
  return [...head, ...budgetLines(cli, status.spend), ...questionLines(cli, status.questions), ...waitingLines(cli, status.waiting)];
}

function agentsText({ inError, looked, total }: { inError: readonly AgentView[]; looked: Count; total: Count }): Line {
  const of = renderCount(looked) === renderCount(total) ? '' : ` of the ${renderCount(looked)} looked at`;
  if (inError.length === 0) return `${renderCount(total)}, none${of} in error`;
  const names = inError.map((agent) => `${agent.name} (${agent.stateReason})`).join(', ');
  return [`${renderCount(total)}; `, ['red', `in error: ${names}`], `. Mend it, then: windlass agent resume ${inError[0]?.name ?? ''}`];
}

function oldest(ms: number | null): string {
  return ms === null ? '' : ` (oldest for ${duration(ms)})`;
}

function budgetLines(cli: Pick<Cli, 'terminal' | 'clock'>, spend: Part<AccountView>): Line[] {
  if (!spend.ok || spend.value.budgets.shown === 0) return [];
  const { items, shown, total } = spend.value.budgets;
  const of = renderCount(total) === String(shown) ? '' : `, ${shown} of ${renderCount(total)}`;
  return ['', [['bold', `Budgets${of}`]], ...budgetTable(cli, items), ...nearEndLines(spend.value.nearEnd)];
}

function questionLines(cli: Pick<Cli, 'terminal' | 'clock'>, questions: Status['questions']): Line[] {
  if (!questions.ok) return ['', [['yellow', `What waits for you is unknown: ${questions.why}`]]];
  const { shown, total, items } = questions.value;
  if (shown === 0) return ['', [['green', 'Nothing waits for you.']]];
  return [
    '',
    [
      ['bold', `Waiting for you: ${renderCount(total)}`],
      ['dim', '  windlass approvals show QUESTION'],
    ],
    ...approvalTable(cli, items),
  ];
}

function waitingLines(cli: Pick<Cli, 'terminal' | 'clock'>, waiting: Status['waiting']): Line[] {
  if (!waiting.ok) return ['', [['yellow', `What runs wait for is unknown: ${waiting.why}`]]];
  const others = waiting.value.items.filter((run) => run.waitingFor === null || !PERSONS.includes(run.waitingFor));
  if (others.length === 0) return [];
  const cut = waiting.value.next === null ? '' : `, of the first ${waiting.value.shown} that wait`;
  return ['', [['bold', `Waiting for something else: ${others.length}${cut}`]], ...runTable(cli, others)];
}

export const status: Command = {
  name: 'status',
  summary: 'What goes on, what waits for you, what it has cost today.',
  examples: ['status', 'status --json'],
  async run(cli) {
    const found = await gather(cli, await cli.connect());
    return { value: found, lines: statusLines(cli, found) };
  },
};
