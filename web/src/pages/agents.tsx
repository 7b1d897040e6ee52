/** All agents: how they are, what they cost, when they run next. */
import type { AgentView } from '../../../src/work/agents/contract.ts';
import { Badge } from '../parts/badge.tsx';
import type { Column } from '../parts/list.tsx';
import { List } from '../parts/list.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { api } from '../state/api.ts';
import { usePages } from '../state/pages.ts';
import { useParams } from '../state/router.ts';

const TONES = { active: 'good', paused: 'wait', error: 'bad', archived: 'plain' } as const;

export function AgentBadge({ state }: { state: AgentView['state'] }) {
  return <Badge tone={TONES[state]}>{state}</Badge>;
}

const COLUMNS: readonly Column<AgentView>[] = [
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
    render: (agent) => (
      <div className="clip muted" title={agent.description}>
        {agent.state === 'error' ? agent.stateReason : agent.description}
      </div>
    ),
  },
  { title: 'Tier', end: true, minor: true, render: (agent) => agent.tier },
  { title: 'Version', end: true, minor: true, render: (agent) => agent.version },
  { title: 'Changed', end: true, render: (agent) => <Time ms={agent.updatedAtMs} /> },
];

export function Agents() {
  const [params, setParams] = useParams();
  const archived = params.get('archived') === 'true';
  const rows = usePages(api.agents.list, archived ? { archived: 'true' } : {}, { live: ['agent'] });
  return (
    <Page title="Agents">
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
          columns={COLUMNS}
          keyOf={(agent) => agent.id}
          empty={
            <Empty title="No agent yet">
              Make one from a template, or apply a folder of agent files with <code>npx windlass apply agents</code>.
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}
