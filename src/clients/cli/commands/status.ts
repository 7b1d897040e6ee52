/**
 * `windlass status`: what goes on, what waits for a person, what it has cost today. Each part says for itself when it could not be had.
 */
import { z } from 'zod';
import { identityOperations } from '../../../platform/identity/contract.ts';
import { toAppError } from '../../../kernel/errors.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import type { Count } from '../../../kernel/page.ts';
import { runOperations } from '../../../runtime/runs/contract.ts';
import type { RunSummary } from '../../../runtime/runs/contract.ts';
import type { Cli, Command } from '../command.ts';
import type { Connection } from '../connection.ts';
import { count, duration, money, plural, relativeTime } from '../format.ts';
import { fields } from '../table.ts';
import type { Line } from '../terminal.ts';
import { runTable } from './runs.ts';

const VersionAnswer = z.object({ version: z.string(), startedAtMs: z.int() });
const ReadyAnswer = z.object({ status: z.string(), database: z.object({ version: z.string(), roundTripMs: z.number() }).optional() });

/** Today's runs are read page by page, so many pages at most; beyond that the spend is a lower bound. */
const SPEND_PAGES_MAX = 10;
const WAITING_SHOWN = 20;

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
export type Spend = { cost: { microUsd: number; known: boolean }; runs: Count; rehearsed: number; sinceMs: number };

/** What the runs created since `sinceMs` have cost so far. */
export async function spendSince(connection: Connection, sinceMs: number): Promise<Spend> {
  const found: RunSummary[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < SPEND_PAGES_MAX; page += 1) {
    const answer: RunPage = await connection.call(runOperations.list, { limit: PAGE_SIZE_MAX, ...(cursor === null ? {} : { cursor }) });
    const recent = answer.items.filter((run) => run.createdAtMs >= sinceMs);
    found.push(...recent);
    cursor = recent.length < answer.items.length ? null : answer.next;
    if (cursor === null) break;
  }
  return {
    cost: { microUsd: found.reduce((sum, run) => sum + run.cost.microUsd, 0), known: cursor === null && found.every((run) => run.cost.known) },
    runs: cursor === null ? { kind: 'exact', value: found.length } : { kind: 'at_least', value: found.length },
    rehearsed: found.filter((run) => run.rehearsed).length,
    sinceMs,
  };
}

async function gather(cli: Cli, connection: Connection): Promise<Status> {
  const self = await connection.call(identityOperations.whoami, {});
  const answerOf = async <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    schema.parse(await (await cli.fetch(`${connection.url}${path}`)).json());
  const midnight = new Date(cli.clock.nowMs());
  midnight.setHours(0, 0, 0, 0);
  const [server, ready, queue, waiting, spend] = await Promise.all([
    part(answerOf('/version', VersionAnswer)),
    part(answerOf('/readyz', ReadyAnswer)),
    part(connection.call(runOperations.stats, {})),
    part(connection.call(runOperations.list, { status: 'waiting', limit: WAITING_SHOWN })),
    part(spendSince(connection, midnight.getTime())),
  ]);
  return { url: connection.url, self, server, ready, queue, waiting, spend };
}

type Status = {
  url: string;
  self: z.output<typeof identityOperations.whoami.output>;
  server: Part<z.output<typeof VersionAnswer>>;
  ready: Part<z.output<typeof ReadyAnswer>>;
  queue: Part<z.output<typeof runOperations.stats.output>>;
  waiting: Part<z.output<typeof runOperations.list.output>>;
  spend: Part<Spend>;
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
          `${count(each.running)} running, ${count(each.queued)} queued${oldest(each.oldestQueuedMs)}, ${count(each.waiting)} waiting; ${plural(each.workers, 'worker')}`,
      ),
    ],
    [
      'last hour',
      said(
        status.queue,
        (each) => `${count(each.endedLastHour)} ended, ${count(each.failedLastHour)} failed, ${count(each.takeoversLastHour)} taken over`,
      ),
    ],
    ['spent today', said(status.spend, spendText)],
  ]);
  return [...head, ...waitingLines(cli, status.waiting)];
}

function oldest(ms: number | null): string {
  return ms === null ? '' : ` (oldest for ${duration(ms)})`;
}

function spendText(spend: Spend): string {
  const rehearsed = spend.rehearsed === 0 ? '' : `, ${count(spend.rehearsed)} of them rehearsed`;
  return `${money(spend.cost)} by ${renderCount(spend.runs)} runs${rehearsed}`;
}

function waitingLines(cli: Pick<Cli, 'terminal' | 'clock'>, waiting: Status['waiting']): Line[] {
  if (!waiting.ok) return ['', [['yellow', `What waits is unknown: ${waiting.why}`]]];
  if (waiting.value.shown === 0) return ['', [['green', 'Nothing waits.']]];
  return ['', [['bold', `Waiting: ${renderCount(waiting.value.total)}`]], ...runTable(cli, waiting.value.items)];
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
