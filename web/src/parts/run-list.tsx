/** Runs as a list: on their own page, of an agent, of a schedule. */
import type { ReactNode } from 'react';
import type { RunSummary } from '../../../src/runtime/runs/contract.ts';
import { duration, money, shortId, tokens } from '../state/format.ts';
import { RunBadge } from './badge.tsx';
import type { Column, Rows } from './list.tsx';
import { List } from './list.tsx';
import { Time, useNow } from './time.tsx';

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: 'Run', render: (run) => <RunName run={run} /> },
  { title: 'Status', render: (run) => <RunBadge status={run.status} waitingFor={run.waitingFor} /> },
  {
    title: 'What',
    minor: true,
    wide: true,
    render: (run) => (
      <div className="clip muted" title={run.reason}>
        {run.reason}
      </div>
    ),
  },
  { title: 'Turns', extra: true, end: true, render: (run) => run.turns },
  {
    title: 'Tokens',
    extra: true,
    end: true,
    render: (run) => (
      <span title={`${run.usage.inputTokens} in, ${run.usage.outputTokens} out`}>{tokens(run.usage.inputTokens + run.usage.outputTokens)}</span>
    ),
  },
  { title: 'Cost', end: true, minor: true, render: (run) => money(run.cost) },
  { title: 'Took', minor: true, end: true, render: (run) => <Took run={run} /> },
  { title: 'Begun', end: true, render: (run) => <Time ms={run.createdAtMs} /> },
];

export function RunName({ run }: { run: Pick<RunSummary, 'id' | 'agent' | 'rehearsed'> }) {
  return (
    <span className="nowrap">
      <a className="over" href={`/runs/${run.id}`}>
        {run.agent}
      </a>{' '}
      <span className="under">
        <span className="muted mono" title={run.id}>
          {shortId(run.id)}
        </span>
        {run.rehearsed && <span className="muted small"> rehearsed</span>}
      </span>
    </span>
  );
}

/** From start to end, or to now. */
export function Took({ run }: { run: Pick<RunSummary, 'startedAtMs' | 'endedAtMs'> }) {
  const nowMs = useNow();
  if (run.startedAtMs === null) return <span className="muted">–</span>;
  return <>{duration(Math.max(0, (run.endedAtMs ?? nowMs) - run.startedAtMs))}</>;
}

export function RunList({ rows, empty, without = [] }: { rows: Rows<RunSummary>; empty: ReactNode; without?: readonly string[] }) {
  return <List what="runs" rows={rows} columns={COLUMNS.filter((column) => !without.includes(column.title))} keyOf={(run) => run.id} empty={empty} />;
}
