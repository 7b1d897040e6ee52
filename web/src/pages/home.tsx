/** The first screen: what needs me, what it cost today, what goes on, what happened since I last looked. */
import { useEffect, useState } from 'react';
import { FINAL_STATUSES } from 'virtual:words';
import type { SessionView } from '../../../src/work/sessions/contract.ts';
import type { Figures as Spent } from '../../../src/work/spend/contract.ts';
import { RunBadge } from '../parts/badge.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import type { Column } from '../parts/list.tsx';
import { List } from '../parts/list.tsx';
import { Card, Page } from '../parts/page.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { StopEverything } from '../parts/stop-everything.tsx';
import { Time } from '../parts/time.tsx';
import type { AnswerOf } from '../state/api.ts';
import { api } from '../state/api.ts';
import { count, money, number, plural, shortId } from '../state/format.ts';
import { usePages } from '../state/pages.ts';
import { useCall } from '../state/query.ts';
import { useMay } from '../state/session.tsx';
import { Needs } from './needs/needs.tsx';

type Status = AnswerOf<typeof api.status.read>;
type Activity = AnswerOf<typeof api.status.activity>;

export function Home() {
  const sessions = useMay('context.read');
  const mayStop = useMay('agents.write');
  const [stopping, setStopping] = useState(false);
  return (
    <Page
      title="Home"
      actions={
        mayStop && (
          <button type="button" className="button danger" onClick={() => setStopping(true)}>
            Stop everything
          </button>
        )
      }
    >
      {stopping && <StopEverything onClose={() => setStopping(false)} />}
      <div className="home">
        <section className="stack" aria-label="What needs you">
          <h2>Needs you</h2>
          <Needs />
        </section>
        <div className="stack">
          <Today />
          <Since />
        </div>
      </div>
      <GoingOn />
      {sessions && <Sessions />}
    </Page>
  );
}

/** All that models cost, of runs and of the gateway; days are of UTC, as budgets count them. */
function Today() {
  const spend = useCall(api.spend.read, {}, { live: ['run.ended', 'budget'], everyMs: 30_000 });
  const status = useCall(api.status.read, {}, { live: ['run', 'agent', 'approval'], everyMs: 60_000 });
  return (
    <Card
      title="Today"
      beside={
        <a className="small" href="/spend">
          Spend
        </a>
      }
    >
      <Loaded query={spend} what="What was spent">
        {(found) => <TodayFigures today={found.today} status={status.data} />}
      </Loaded>
    </Card>
  );
}

function TodayFigures({ today, status }: { today: Spent; status: Status | undefined }) {
  const live = (status?.runs ?? []).filter((each) => !FINAL_STATUSES.includes(each.status));
  const sum = live.reduce((total, each) => total + (each.count.kind === 'unknown' ? 0 : each.count.value), 0);
  const { unpricedCalls, rehearsedCalls } = today;
  return (
    <>
      <Figures>
        <Figure
          title="Spent"
          value={money({ microUsd: today.microUsd, known: unpricedCalls === 0 })}
          hint="Since midnight UTC, by runs and through the gateway"
        />
        <Figure title="Calls of models" value={number(today.calls)} />
        <Figure title="Runs" value={status === undefined ? '–' : count(status.spend.runs)} />
        <Figure title="Live now" value={status === undefined ? '–' : number(sum)} />
      </Figures>
      {unpricedCalls > 0 && <p className="muted small worth">A lower bound: {plural(unpricedCalls, 'call')} of a model without a price.</p>}
      {rehearsedCalls > 0 && today.calls === 0 && (
        <p className="muted small worth">{plural(rehearsedCalls, 'call')} were rehearsed and cost nothing.</p>
      )}
    </>
  );
}

const FAILURES_SHOWN = 5;
const LOOKED = 'windlass.looked';
/** Coming back within this is no new look. */
const SAME_LOOK_MS = 5 * 60_000;

/** When this browser last showed the page; what is seen now counts as looked at when it is left. */
function useLastLook(): number | null {
  const [last] = useState(() => Number(localStorage.getItem(LOOKED)) || null);
  useEffect(() => {
    const leave = (): void => localStorage.setItem(LOOKED, String(Date.now()));
    const hide = (): void => {
      if (document.visibilityState === 'hidden') leave();
    };
    document.addEventListener('visibilitychange', hide);
    if (last === null) leave();
    return () => {
      document.removeEventListener('visibilitychange', hide);
      if (last === null || Date.now() - last > SAME_LOOK_MS) leave();
    };
  }, [last]);
  return last;
}

function Since() {
  const last = useLastLook();
  const [dayAgo] = useState(() => Date.now() - 24 * 60 * 60_000);
  const activity = useCall(api.status.activity, { since: last ?? dayAgo }, { live: ['run.ended', 'approval', 'agent'] });
  return (
    <Card
      title={last === null ? 'The last day' : 'Since you last looked'}
      beside={
        last === null ? null : (
          <span className="muted small">
            <Time ms={last} />
          </span>
        )
      }
    >
      <Loaded query={activity} what="What happened">
        {(found) => <Happened activity={found} />}
      </Loaded>
    </Card>
  );
}

function Happened({ activity }: { activity: Activity }) {
  const { ended, failures, answered, asked, agents } = activity;
  if (ended.length + failures.length + agents.length === 0 && asked === 0 && answered === 0) return <p className="muted">Nothing happened.</p>;
  return (
    <ul className="happened">
      {ended.map(({ status, count: runs }) => (
        <li key={status}>
          <a href={`/runs?status=${status}`}>{plural(runs, 'run')}</a> <RunBadge status={status} />
        </li>
      ))}
      {failures.slice(0, FAILURES_SHOWN).map((run) => (
        <li key={run.id}>
          <a href={`/runs/${run.id}`}>
            {run.agent} <span className="mono">{shortId(run.id)}</span>
          </a>{' '}
          <span className="muted">{run.reason}</span>
        </li>
      ))}
      {asked > 0 && <li>{plural(asked, 'question')} asked of people</li>}
      {answered > 0 && <li>{plural(answered, 'question')} answered</li>}
      {agents.map((agent) => (
        <li key={agent.position}>
          <a href={`/agents/${agent.name}`}>{agent.name}</a> {agent.what} by {agent.by}{' '}
          <span className="muted">
            <Time ms={agent.atMs} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function GoingOn() {
  const live = usePages(api.runs.list, { live: 'true' }, { live: ['run'] });
  return (
    <Card title="Going on" flush>
      <RunList
        rows={live}
        empty={
          <Empty title="Nothing runs">
            Start a run from <a href="/agents">an agent</a>.
          </Empty>
        }
      />
    </Card>
  );
}

const SESSION_COLUMNS: readonly Column<SessionView>[] = [
  {
    title: 'Session',
    render: (session) => (
      <span className="nowrap">
        <b>{session.agent}</b> on {session.machine}
      </span>
    ),
  },
  {
    title: 'Works on',
    minor: true,
    wide: true,
    render: (session) => (
      <div className="clip muted" title={session.workingOn}>
        {session.workingOn === '' ? (session.branch ?? '') : session.workingOn}
      </div>
    ),
  },
  { title: 'Repository', minor: true, render: (session) => <span className="nowrap">{session.repository ?? '–'}</span> },
  { title: 'Last heard', end: true, render: (session) => <Time ms={session.heartbeatAtMs} /> },
];

function Sessions() {
  const rows = usePages(api.sessions.list, {}, { live: ['session'] });
  if (rows.items?.length === 0) return null;
  return (
    <Card title="Live sessions" flush>
      <List what="sessions" rows={rows} columns={SESSION_COLUMNS} keyOf={(session) => session.id} empty={null} />
    </Card>
  );
}
