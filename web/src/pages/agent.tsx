/** One agent: how it is, what it is told, its runs, versions and schedules; run, pause, change it. */
import { useState } from 'react';
import type { AgentDetail } from '../../../src/work/agents/contract.ts';
import { AgentBadge } from '../parts/badge.tsx';
import { Confirm } from '../parts/dialog.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import { Icon } from '../parts/icon.tsx';
import { Json } from '../parts/json.tsx';
import { Card, Page } from '../parts/page.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Empty, Failed, Loading, Notice, Outdated } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import type { PageProps } from '../routes.ts';
import { useAct } from '../state/act.ts';
import { api } from '../state/api.ts';
import { money, number } from '../state/format.ts';
import { usePages } from '../state/pages.ts';
import { useCall } from '../state/query.ts';
import { useMay } from '../state/session.tsx';
import { Editor } from './agent/editor.tsx';
import { RunNow } from './agent/run-now.tsx';
import { Schedules } from './agent/schedules.tsx';
import { Versions } from './agent/versions.tsx';
import { periodOf } from './spend/budget-words.ts';
import { amount } from './spend/frame.tsx';

const WEEK_MS = 7 * 24 * 60 * 60_000;

export function Agent({ params }: PageProps) {
  const name = params['name'] ?? '';
  const part = params['part'] ?? '';
  const agent = useCall(api.agents.get, { name }, { live: ['agent', 'run.ended'] });
  const mayWrite = useMay('agents.write');
  const { data } = agent;
  const tabs = [
    { to: `/agents/${name}`, label: 'Overview' },
    ...(mayWrite ? [{ to: `/agents/${name}/edit`, label: 'Edit' }] : []),
    { to: `/agents/${name}/versions`, label: 'Versions' },
    { to: `/agents/${name}/schedules`, label: 'Schedules' },
  ];
  if (data === undefined) {
    return (
      <Page title={name} crumbs={[{ to: '/agents', label: 'Agents' }]}>
        {agent.problem === null ? <Loading what="the agent" /> : <Failed what="The agent" problem={agent.problem} retry={agent.reload} />}
      </Page>
    );
  }
  return (
    <Page
      title={name}
      crumbs={[{ to: '/agents', label: 'Agents' }]}
      beside={<AgentBadge state={data.state} />}
      about={data.description === '' ? undefined : data.description}
      actions={<AgentActions agent={data} />}
      tabs={tabs}
    >
      <Outdated query={agent} />
      {data.state !== 'active' && (
        <Notice kind={data.state === 'error' ? 'bad' : 'wait'}>
          {data.stateReason} (<Time ms={data.stateAtMs} />)
        </Notice>
      )}
      {part === '' && <Overview agent={data} />}
      {part === 'edit' && mayWrite && <Editor key={data.version} agent={data} start={data.definition} />}
      {part === 'versions' && <Versions agent={data} />}
      {part === 'schedules' && <Schedules agent={name} />}
    </Page>
  );
}

function AgentActions({ agent }: { agent: AgentDetail }) {
  const [open, setOpen] = useState<'run' | 'pause' | 'archive' | null>(null);
  const { busy, run } = useAct();
  const [mayRun, mayWrite] = [useMay('runs.create'), useMay('agents.write')];
  const { name } = agent;
  const close = (): void => setOpen(null);
  return (
    <>
      {mayRun && agent.state === 'active' && (
        <button type="button" className="button main" onClick={() => setOpen('run')}>
          <Icon name="play" size={14} /> Run now
        </button>
      )}
      {mayWrite && agent.state === 'active' && (
        <button type="button" className="button" onClick={() => setOpen('pause')}>
          <Icon name="pause" size={14} /> Pause
        </button>
      )}
      {mayWrite && (agent.state === 'paused' || agent.state === 'error') && (
        <button
          type="button"
          className="button main"
          disabled={busy}
          onClick={() =>
            void run(async () => {
              await api.agents.resume({ name });
              return `${name} takes runs again.`;
            }, 'agent')
          }
        >
          <Icon name="play" size={14} /> Let it run again
        </button>
      )}
      {mayWrite && agent.state !== 'archived' && (
        <button type="button" className="button danger" onClick={() => setOpen('archive')}>
          Archive
        </button>
      )}
      {open === 'run' && <RunNow agent={agent} onClose={close} />}
      {open === 'pause' && (
        <Confirm
          title={`Pause ${name}`}
          action="Pause"
          ask={{ label: 'Why, for the record' }}
          onConfirm={(reason) =>
            run(async () => {
              await api.agents.pause({ name, reason });
              return `${name} takes no new runs.`;
            }, 'agent')
          }
          onClose={close}
        >
          It takes no new runs until it is resumed; runs that live go on.
        </Confirm>
      )}
      {open === 'archive' && (
        <Confirm
          title={`Archive ${name}`}
          action="Archive"
          danger
          onConfirm={() =>
            run(async () => {
              await api.agents.archive({ name });
              return `${name} is archived.`;
            }, 'agent')
          }
          onClose={close}
        >
          It takes no runs and its schedules end. Its versions and runs stay, and an agent of the same name can be created again.
        </Confirm>
      )}
    </>
  );
}

function Overview({ agent }: { agent: AgentDetail }) {
  const { definition } = agent;
  const runs = usePages(api.runs.list, { agent: agent.name }, { live: ['run'] });
  return (
    <div className="stack">
      <Week name={agent.name} />
      <div className="columns">
        <Card title="What it is">
          <dl className="facts">
            <dt>Model</dt>
            <dd>{definition.kind === 'command' ? 'none: it runs commands' : (definition.model ?? 'the default')}</dd>
            <dt>Tools</dt>
            <dd>{definition.tools.join(', ') || 'none'}</dd>
            {definition.agents.length > 0 && (
              <>
                <dt>Agents</dt>
                <dd>{definition.agents.join(', ')}</dd>
              </>
            )}
            <dt>Tier</dt>
            <dd>{TIERS[definition.tier]}</dd>
            <dt>Budget</dt>
            <dd>
              <Budget agent={agent.name} />
            </dd>
            <dt>Version</dt>
            <dd>
              {agent.version}, <Time ms={agent.updatedAtMs} /> by {agent.by.name}
              {agent.drifted === true && ' (changed since the last apply)'}
            </dd>
          </dl>
        </Card>
        {definition.kind === 'model' ? (
          <Card title="Instructions">
            <Json value={definition.instructions} />
          </Card>
        ) : (
          <Card title="Commands">
            <Json value={definition.commands} />
          </Card>
        )}
      </div>
      <Card title="Runs" flush>
        <RunList rows={runs} empty={<Empty title="It has not run yet" />} />
      </Card>
    </div>
  );
}

/** What really holds it: budgets, not what its definition says. */
function Budget({ agent }: { agent: string }) {
  const budgets = useCall(api.budgets.list, { scope: 'agent' }, { live: ['budget'] });
  const raise = useMay('budgets.raise');
  const own = budgets.data?.items.filter(({ name }) => name === agent) ?? [];
  return (
    <>
      {budgets.data !== undefined && own.length === 0 && 'nothing caps it '}
      {own.map((each) => (
        <div key={each.id}>
          {amount(each.left, each.unit)} left of {amount(each.limit + each.granted, each.unit)} {periodOf(each)}
        </div>
      ))}
      <a href={raise ? `/spend/budgets?agent=${encodeURIComponent(agent)}` : '/spend/budgets'}>{raise ? 'Cap its spend' : 'Budgets'}</a>
    </>
  );
}

const TIERS = {
  1: '1: faces customers or money, with approval',
  2: '2: acts outside, with confirmation',
  3: '3: reads, or works in a sandbox',
} as const;

function Week({ name }: { name: string }) {
  const [since] = useState(() => Date.now() - WEEK_MS);
  const all = useCall(api.status.agents, useMay('status.read') ? { since } : null, { live: ['run.ended', 'run.queued'] });
  const mine = all.data?.items.find(({ agent }) => agent === name);
  if (mine === undefined) return null;
  return (
    <Card title="The last seven days">
      <Figures>
        <Figure title="Runs" value={number(mine.runs)} />
        <Figure title="Succeeded" value={number(mine.succeeded)} />
        <Figure title="Failed" value={number(mine.failed)} />
        <Figure title="Live now" value={number(mine.live)} />
        <Figure title="Spent" value={money({ microUsd: mine.microUsd, known: mine.unknown === 0 })} />
      </Figures>
    </Card>
  );
}
