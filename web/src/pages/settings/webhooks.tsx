/** Who may send events here, each with a secret of its own. */
import { useState } from 'react';
import type { SourceView } from '../../../../src/work/webhooks/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { ChoiceFilter, useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Secret } from '../../parts/secret.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import type { AnswerOf, InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { SettingsPage } from './frame.tsx';

const COLUMNS: readonly Column<SourceView>[] = [
  {
    title: 'Source',
    wide: true,
    render: (source) => (
      <>
        <div className="clip">
          <b>{source.name}</b>
        </div>
        <div className="clip muted small mono" title={source.path}>
          /{source.path}
        </div>
      </>
    ),
  },
  { title: 'Kind', minor: true, render: (source) => source.kind },
  { title: 'State', minor: true, render: (source) => <Badge tone={source.state === 'active' ? 'good' : 'plain'}>{source.state}</Badge> },
  { title: 'Project', extra: true, render: (source) => source.project ?? <span className="muted">by repository</span> },
  { title: 'Answers for it', extra: true, render: (source) => source.owner.name },
  {
    title: 'Last heard',
    end: true,
    render: (source) => (source.lastDeliveryAtMs === null ? <span className="muted">never</span> : <Time ms={source.lastDeliveryAtMs} />),
  },
  { title: 'Do', end: true, render: (source) => source.state === 'active' && <Revoke source={source} /> },
];

function Revoke({ source }: { source: SourceView }) {
  const { run } = useAct();
  const [asking, setAsking] = useState(false);
  if (!useMay('webhooks.write')) return null;
  return (
    <>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        Revoke
      </button>
      {asking && (
        <Confirm
          title={`Revoke ${source.name}`}
          action="Revoke"
          danger
          onConfirm={() =>
            run(async () => {
              await api.webhooks.revoke({ id: source.id });
              return 'Nothing more is taken from it.';
            }, 'webhook')
          }
          onClose={() => setAsking(false)}
        >
          Nothing more is taken from it; its alerts stay. It cannot be undone.
        </Confirm>
      )}
    </>
  );
}

type Made = AnswerOf<typeof api.webhooks.create>;

export function Webhooks() {
  const [params] = useParams();
  const all = params.get('all') === 'all';
  const rows = usePages(api.webhooks.list, all ? { all: 'true' } : {}, { live: ['webhook'], everyMs: 60_000 });
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const projects = useProjects();
  const may = useMay('webhooks.write');
  return (
    <SettingsPage
      title="Webhooks"
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> Let a sender in
          </button>
        ) : undefined
      }
    >
      <div className="filters" role="search">
        <ChoiceFilter label="Which" name="all" any="Active ones" choices={['all']} />
      </div>
      <Card flush>
        <List
          what="sources"
          rows={rows}
          columns={COLUMNS}
          keyOf={(source) => source.id}
          empty={
            <Empty title="Nobody sends events yet">
              GitHub, or whatever signs Standard Webhooks, tells here of failed builds, deployments and security findings.
            </Empty>
          }
        />
      </Card>
      {adding && (
        <FormDialog
          title="Let a sender in"
          action="Make its secret"
          operation="webhooks.create"
          start={{ kind: 'github' }}
          without={['owner']}
          choices={{ project: projects }}
          topics={['webhook']}
          send={async (value: InputOf<typeof api.webhooks.create>) => {
            setMade(await api.webhooks.create(value));
            return null;
          }}
          onClose={() => setAdding(false)}
        />
      )}
      {made !== null && !adding && (
        <Secret title={`The secret of ${made.source.name}`} secret={made.secret} message={made.message} onClose={() => setMade(null)} />
      )}
    </SettingsPage>
  );
}
