/** How a run ended, as `watch` and `run --wait` say it last. */
import type { RunStatus } from '../../kernel/run-status.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import type { RunDetail } from '../../runtime/runs/contract.ts';
import type { Answer, Cli } from './command.ts';
import type { Connection } from './connection.ts';
import { EXIT_INTERRUPTED } from './failure.ts';
import { follow } from './follow.ts';
import { money, shortId, statusStyle } from './format.ts';
import { table } from './table.ts';
import type { Line, Segment } from './terminal.ts';

/** Follows the run and answers with what came of it; Ctrl-C leaves it going. */
export async function followToOutcome(cli: Cli, connection: Connection, options: { run: string; after: number }): Promise<Answer> {
  const followed = await follow(cli, connection, options);
  const run = await connection.call(runOperations.get, { id: options.run });
  if (followed === 'interrupted') {
    const id = shortId(cli.terminal, run.id);
    return {
      value: run,
      exit: EXIT_INTERRUPTED,
      lines: [`The run goes on. Watch it again: windlass watch ${id}   Stop it: windlass runs cancel ${id}`],
    };
  }
  return { value: run, exit: exitOf(run.status), lines: outcomeLines(cli, run) };
}

/** 0 only for a run that succeeded; 4 for one that had no budget. */
export function exitOf(status: RunStatus): number {
  if (status === 'succeeded') return 0;
  return status === 'budget_exhausted' ? 4 : 1;
}

function outcomeLines({ terminal }: Cli, run: RunDetail): Line[] {
  const rehearsed: readonly Segment[] = run.rehearsed ? [['yellow', ' (rehearsed)']] : [];
  const head: Line = [[statusStyle(run.status), run.status], ...rehearsed, run.reason === '' ? '' : `: ${run.reason}`, ['dim', `  ${run.id}`]];
  return [head, ...escalationLines(run), ...answerLines(run, terminal.columns)];
}

export function escalationLines({ escalation }: RunDetail): Line[] {
  if (escalation === null) return [];
  return [
    [['bold', 'BLOCKED '], escalation.blocked],
    [['bold', 'TRIED   '], escalation.tried],
    [['bold', 'NEED    '], escalation.need],
  ];
}

/** The answer as the model wrote it; a command agent's outcome is its output. */
export function answerLines(run: RunDetail, columns: number): Line[] {
  const children = run.children.length === 0 ? [] : ['', ...childLines(run, columns)];
  const partial: Line[] = run.partial && run.answer !== null ? [[['yellow', 'The answer is partial.']]] : [];
  if (run.answer !== null) return [...children, '', ...partial, run.answer];
  return run.output === undefined ? children : [...children, '', JSON.stringify(run.output, null, 2)];
}

function childLines(run: RunDetail, columns: number): Line[] {
  return table(
    ['sub-run', 'agent', 'status'],
    run.children.map((child) => [child.run, child.agent, [[statusStyle(child.status), child.status]]]),
    columns,
  );
}

/** `$0.03, rehearsed` where answers were played from a script. */
export function costText(run: Pick<RunDetail, 'cost' | 'rehearsed'>): string {
  return run.rehearsed ? `${money(run.cost)}, rehearsed` : money(run.cost);
}
