/** The versions of an agent: who made each, what differs between two, and going back to one. */
import { useState } from 'react';
import type { AgentDetail, VersionView } from '../../../../src/work/agents/contract.ts';
import { Confirm } from '../../parts/dialog.tsx';
import { Differences } from '../../parts/json.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';

export function Versions({ agent }: { agent: AgentDetail }) {
  const [params, setParams] = useParams();
  const [restoring, setRestoring] = useState<number | null>(null);
  const may = useMay('agents.write');
  const { run } = useAct();
  const rows = usePages(api.agents.versions, { name: agent.name }, { live: ['agent'], keyOf: ({ version }) => String(version) });
  const to = Number(params.get('to')) || agent.version;
  const from = Number(params.get('from')) || to - 1;
  const columns: readonly Column<VersionView>[] = [
    { title: 'Version', render: (each) => <b className="number">{each.version}</b> },
    {
      title: 'By',
      wide: true,
      render: (each) => (
        <div className="clip">
          {each.by.name} <span className="muted">({each.source})</span>
        </div>
      ),
    },
    { title: 'Made', end: true, minor: true, render: (each) => <Time ms={each.atMs} /> },
    {
      title: 'Compare',
      end: true,
      render: (each) => (
        <span className="row tight end">
          {each.version > 1 && (
            <button type="button" className="button" onClick={() => setParams({ from: String(each.version - 1), to: String(each.version) })}>
              with {each.version - 1}
            </button>
          )}
          {each.version !== agent.version && (
            <button type="button" className="button" onClick={() => setParams({ from: String(each.version), to: String(agent.version) })}>
              with newest
            </button>
          )}
          {may && each.version !== agent.version && (
            <button type="button" className="button" onClick={() => setRestoring(each.version)}>
              Restore
            </button>
          )}
        </span>
      ),
    },
  ];
  return (
    <div className="stack">
      {from >= 1 && from !== to && <Compared name={agent.name} from={from} to={to} />}
      <Card title="Versions" flush>
        <List what="versions" rows={rows} columns={columns} keyOf={(each) => String(each.version)} empty={<Empty title="No version" />} />
      </Card>
      {restoring !== null && (
        <Confirm
          title={`Restore version ${restoring}`}
          action="Restore"
          onConfirm={() =>
            run(async () => {
              const restored = await api.agents.restore({ name: agent.name, version: restoring });
              return `Version ${restored.version} is what version ${restoring} was.`;
            }, 'agent')
          }
          onClose={() => setRestoring(null)}
        >
          <p>It becomes the newest, as version {agent.version + 1}; nothing is lost. What changes:</p>
          <Compared name={agent.name} from={agent.version} to={restoring} />
        </Confirm>
      )}
    </div>
  );
}

function Compared({ name, from, to }: { name: string; from: number; to: number }) {
  const compared = useCall(api.agents.compare, { name, from, to });
  return (
    <Card title={`From version ${from} to ${to}`}>
      <Loaded query={compared} what="the differences">
        {(found) => <Differences list={found.differences} />}
      </Loaded>
    </Card>
  );
}
