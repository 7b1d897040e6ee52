/** All agents: how they are, how their runs went in the last seven days, and what those cost. */
import { useState } from 'react';
import type { AgentView } from '../../../src/work/agents/contract.ts';
import { AgentBadge } from '../parts/badge.tsx';
import { Icon } from '../parts/icon.tsx';
import type { Column } from '../parts/list.tsx';
import { List } from '../parts/list.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import type { AnswerOf } from '../state/api.ts';
import { api } from '../state/api.ts';
import { money, number } from '../state/format.ts';
import { usePages } from '../state/pages.ts';
import { useCall } from '../state/query.ts';
import { useParams } from '../state/router.ts';
import { useMay } from '../state/session.tsx';

export const AGENT_TABS = [
  { to: '/agents', label: 'Agents' },
  { to: '/schedules', label: 'Schedules' },
];

const WEEK_MS = 7 * 24 * 60 * 60_000;
type Week = AnswerOf<typeof api.status.agents>['items'][number];

function columnsOf(weeks: readonly Week[] | undefined): readonly Column<AgentView>[] {
  const of = (agent: AgentView): Week | undefined => weeks?.find((each) => each.agent === agent.name);
  const figure = (agent: AgentView, show: (week: Week) => string): string => {
    const week = of(agent);
    return week === undefined ? (weeks === undefined ? '' : '–') : show(week);
  };
  return [
    {
      title: 'Agent',
      render: (agent) => (
        <a className="over" href={`/agents/${agent.name}`}>
          {agent.name}
        </a>
      ),
    },
    { title: 'State', render: (agent) => <AgentBadge state={agent.state} /> },
    {
      title: 'What for',
      minor: true,
      wide: true,
      render: (agent) => {
        const text = agent.state === 'active' ? agent.description : agent.stateReason;
        return (
          <div className="clip muted" title={text}>
            {text}
          </div>
        );
      },
    },
    { title: 'Runs, 7 days', end: true, minor: true, render: (agent) => figure(agent, (week) => number(week.runs)) },
    { title: 'Failed', end: true, minor: true, render: (agent) => figure(agent, (week) => number(week.failed)) },
    {
      title: 'Spent',
      end: true,
      minor: true,
      render: (agent) => figure(agent, (week) => money({ microUsd: week.microUsd, known: week.unknown === 0 })),
    },
    {
      title: 'Last run',
      end: true,
      render: (agent) => {
        const week = of(agent);
        return week === undefined ? <span className="muted">–</span> : <Time ms={week.lastAtMs} />;
      },
    },
  ];
}

export function Agents() {
  const [params, setParams] = useParams();
  const [since] = useState(() => Date.now() - WEEK_MS);
  const archived = params.get('archived') === 'true';
  const rows = usePages(api.agents.list, archived ? { archived: 'true' } : {}, { live: ['agent', 'run.ended'] });
  const weeks = useCall(api.status.agents, useMay('status.read') ? { since } : null, { live: ['run.ended', 'run.queued'] });
  const mayWrite = useMay('agents.write');
  return (
    <Page
      title="Agents"
      tabs={AGENT_TABS}
      actions={
        mayWrite ? (
          <a className="button main" href="/agents/new">
            <Icon name="plus" size={14} /> New agent
          </a>
        ) : undefined
      }
    >
      <div className="filters">
        <label className="check">
          <input type="checkbox" checked={archived} onChange={(event) => setParams({ archived: event.target.checked ? 'true' : null })} /> Also
          archived ones
        </label>
      </div>
      <Card flush>
        <List
          what="agents"
          rows={rows}
          columns={columnsOf(weeks.data?.items)}
          keyOf={(agent) => agent.id}
          empty={
            <Empty title="No agent yet">
              {mayWrite ? (
                <>
                  <a href="/agents/new">Make one</a> from a template or from nothing,
                </>
              ) : (
                'Make one,'
              )}{' '}
              or apply a folder of agent files with <code>npx windlass apply agents</code>.
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}
