/** One project: where it is, which documents it must have and has, and its open issues at the forge. */
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { AuditView, SyncView } from '../../../../src/work/documents/contract.ts';
import type { QueueView } from '../../../../src/work/work-queue/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { plural } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';

const CRUMBS = [{ to: '/context', label: 'Context' }];
const STILL = { problem: null, loading: false, reload: () => undefined, atMs: 0, more: null };

export function Project({ params }: PageProps) {
  const code = params['code'] ?? '';
  const project = useCall(api.projects.get, { code }, { live: ['project'] });
  return (
    <Page
      title={code}
      crumbs={CRUMBS}
      actions={
        <a className="button" href={`/context/briefing?project=${code}`}>
          What an agent is told
        </a>
      }
    >
      <Loaded query={project} what="the project">
        {(found) => (
          <>
            <Card>
              <dl className="facts">
                <dt>Name</dt>
                <dd>{found.name}</dd>
                <dt>Checkout</dt>
                <dd className="mono">{found.path ?? 'none on the server’s machine'}</dd>
                <dt>Remote</dt>
                <dd className="mono">{found.remote ?? 'none'}</dd>
                <dt>Added</dt>
                <dd>
                  <Time ms={found.createdAtMs} />
                </dd>
                <dt>See</dt>
                <dd className="row">
                  <a href={`/context?project=${code}`}>sessions</a>
                  <a href={`/context/handoffs?project=${code}`}>handoffs</a>
                  <a href={`/context/notes?project=${code}`}>notes</a>
                  <a href={`/context/documents?project=${code}`}>documents</a>
                  <a href={`/context/alerts?project=${code}`}>alerts</a>
                  <a href={`/context/duties?project=${code}`}>duties</a>
                </dd>
              </dl>
            </Card>
            <Audit code={code} hasCheckout={found.path !== null} />
            <Queue code={code} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

type AuditFinding = AuditView['findings'][number];
const STATE_TONES = { present: 'good', missing: 'bad', stale: 'wait' } as const;
const OVERALL = {
  complete: { tone: 'good', text: 'complete' },
  warning: { tone: 'wait', text: 'some are stale' },
  incomplete: { tone: 'bad', text: 'some are missing' },
} as const;

const AUDIT_COLUMNS: readonly Column<AuditFinding>[] = [
  { title: 'Document it must have', wide: true, render: (each) => <div className="clip mono">{each.name}</div> },
  { title: 'Is', render: (each) => <Badge tone={STATE_TONES[each.state]}>{each.state}</Badge> },
  { title: 'Age', end: true, render: (each) => (each.ageDays === null ? '–' : plural(each.ageDays, 'day')) },
  { title: 'Stale after', end: true, minor: true, render: (each) => plural(each.staleDays, 'day') },
];

function Audit({ code, hasCheckout }: { code: string; hasCheckout: boolean }) {
  const audit = useCall(api.documents.audit, { code }, { live: ['document'] });
  const { busy, run } = useAct();
  const [open, setOpen] = useState(false);
  const [synced, setSynced] = useState<SyncView | null>(null);
  const maySync = useMay('context.write') && hasCheckout;
  const maySet = useMay('projects.write');
  const found = audit.data;
  return (
    <Card
      title="Documents"
      flush
      beside={
        <span className="row tight">
          {found !== undefined && <Badge tone={OVERALL[found.overall].tone}>{OVERALL[found.overall].text}</Badge>}
          {maySet && found !== undefined && (
            <button type="button" className="button" onClick={() => setOpen(true)}>
              What it has
            </button>
          )}
          {maySync && (
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() =>
                void run(async () => {
                  setSynced(await api.documents.sync({ code }));
                  return null;
                }, 'document')
              }
            >
              {busy ? 'Reading…' : 'Read the checkout'}
            </button>
          )}
        </span>
      }
    >
      {synced !== null && <Synced result={synced} />}
      <List
        what="documents it must have"
        rows={{ ...audit, items: found?.findings, total: null, more: null }}
        columns={AUDIT_COLUMNS}
        keyOf={(each) => each.name}
        empty={<Empty title="Nothing is required of it" />}
      />
      {open && found !== undefined && (
        <FormDialog
          title={`What ${code} has`}
          action="Save"
          operation="documents.capabilities"
          start={{ capabilities: found.capabilities }}
          fixed={{ code }}
          topics={['document']}
          send={async (value: InputOf<typeof api.documents.capabilities>) => {
            await api.documents.capabilities({ ...value, capabilities: value.capabilities ?? [] });
            return 'Saved.';
          }}
          onClose={() => setOpen(false)}
        >
          <p className="muted">It decides which documents the project must have: has_api, has_database, has_ui, or words of your own.</p>
        </FormDialog>
      )}
    </Card>
  );
}

/** What a reading of the checkout did, in words; what was in the way by name. */
function Synced({ result }: { result: SyncView }) {
  const of = (state: string): number => result.results.filter((each) => each.state === state).length;
  const wrong = result.results.filter((each) => each.state === 'conflict' || each.state === 'failed');
  const said: ReactNode = `${plural(of('added'), 'document')} added, ${of('updated')} updated, ${of('unchanged')} as they were.`;
  return (
    <Notice kind={wrong.length > 0 ? 'bad' : 'good'}>
      {said}
      {result.cut && ' More files than one reading takes were left out.'}
      {wrong.map((each) => (
        <p key={each.name}>
          <code>{each.name}</code> {each.state === 'conflict' ? 'changed in both places; nothing was written' : each.reason}
        </p>
      ))}
    </Notice>
  );
}

type Issue = QueueView['items'][number];
const PRIORITY_TONES = { urgent: 'bad', high: 'wait', normal: 'plain', low: 'plain' } as const;
const QUEUE_COLUMNS: readonly Column<Issue>[] = [
  {
    title: 'Issue',
    wide: true,
    render: (issue) => (
      <div className="clip" title={issue.title}>
        {/^https?:/.test(issue.url) ? (
          <a href={issue.url} target="_blank" rel="noreferrer noopener">
            #{issue.number} {issue.title}
          </a>
        ) : (
          `#${issue.number} ${issue.title}`
        )}
      </div>
    ),
  },
  { title: 'Priority', render: (issue) => <Badge tone={PRIORITY_TONES[issue.priority]}>{issue.priority}</Badge> },
  { title: 'Status', minor: true, render: (issue) => issue.status.replace('_', ' ') },
  { title: 'Changed', end: true, minor: true, render: (issue) => <Time ms={issue.updatedAtMs} /> },
];

function Queue({ code }: { code: string }) {
  const queue = useCall(api.workQueue.read, { project: code });
  const source = queue.data?.sources[0];
  return (
    <Card title="Open issues at the forge" flush>
      {source?.state === 'failed' ? (
        <Empty title="The forge could not be asked">{source.reason}</Empty>
      ) : (
        <List
          what="issues"
          rows={{ ...STILL, ...queue, items: queue.data?.items, total: queue.data?.total ?? null, more: null }}
          columns={QUEUE_COLUMNS}
          keyOf={(issue) => String(issue.number)}
          empty={<Empty title="No issue is open" />}
        />
      )}
    </Card>
  );
}
