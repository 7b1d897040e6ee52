/** The audit log: who changed what of the organization itself, and whether the record is whole. */
import { useState } from 'react';
import type { AuditEntry } from '../../../../src/platform/audit/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ChoiceFilter } from '../../parts/filters.tsx';
import { Json } from '../../parts/json.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { exactTime, shortId } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { TrustPage } from './frame.tsx';

const KINDS = ['agent', 'key', 'actor', 'sign_in', 'budget', 'project', 'standard', 'webhook_source'] as const;

/** The name of what was changed, where its record has one. */
function nameOf({ detail, subject }: AuditEntry): string {
  const name = detail?.['name'] ?? detail?.['topic'];
  if (typeof name === 'string' && name !== '') return name;
  return subject === null ? 'deleted on request' : shortId(subject);
}

function columnsOf(look: (entry: AuditEntry) => void): readonly Column<AuditEntry>[] {
  return [
    {
      title: 'Changed',
      wide: true,
      render: (entry) => (
        <div className="clip">
          <button type="button" className="over" onClick={() => look(entry)}>
            {entry.type.replaceAll(/[._]/g, ' ')}
          </button>{' '}
          <span className="muted" title={entry.subject ?? ''}>
            {nameOf(entry)}
          </span>
        </div>
      ),
    },
    { title: 'By', minor: true, render: ({ by }) => <span className="nowrap">{by.name}</span> },
    { title: 'When', end: true, render: ({ atMs }) => <Time ms={atMs} /> },
    { title: 'Entry', end: true, minor: true, render: ({ seq }) => seq },
  ];
}

export function Audit() {
  const [params] = useParams();
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const kind = KINDS.find((each) => each === params.get('kind'));
  const rows = usePages(api.audit.list, kind === undefined ? {} : { kind }, { live: ['org'], everyMs: 60_000, keyOf: ({ seq }) => String(seq) });
  return (
    <TrustPage title="Audit">
      <Chain />
      <div className="filters" role="search">
        <ChoiceFilter label="Of what" name="kind" any="Changes of anything" choices={KINDS} />
      </div>
      <Card flush>
        <List
          what="changes"
          rows={rows}
          columns={columnsOf(setOpen)}
          keyOf={({ seq }) => String(seq)}
          empty={
            <Empty title="No change is like that">
              Changes of keys, agents, budgets and standards stand here, in the order in which they were made.
            </Empty>
          }
        />
      </Card>
      {open !== null && <Record entry={open} onClose={() => setOpen(null)} />}
    </TrustPage>
  );
}

/** Verified when the page is opened and after each change. */
function Chain() {
  const verified = useCall(api.audit.verify, {}, { live: ['org'] });
  const { data } = verified;
  return (
    <Card>
      {data === undefined ? (
        verified.problem === null ? (
          <Loading what="whether the record is whole" />
        ) : (
          <Failed what="whether the record is whole" problem={verified.problem} retry={verified.reload} />
        )
      ) : (
        <p className="row">
          <Badge tone={data.ok ? 'good' : 'bad'}>{data.ok ? 'unbroken' : 'broken'}</Badge>
          <span>{data.why}</span>
          <span className="muted small">
            Verified <Time ms={verified.atMs} />
          </span>
        </p>
      )}
    </Card>
  );
}

function Record({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  return (
    <Dialog
      title={`Record ${entry.seq}: ${entry.type}`}
      onClose={onClose}
      buttons={
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <dl className="facts">
        <dt>Of</dt>
        <dd className="mono">{entry.subject ?? 'deleted on request'}</dd>
        <dt>By</dt>
        <dd>
          {entry.by.name} <span className="muted mono small">{entry.by.actor}</span>
        </dd>
        <dt>When</dt>
        <dd>{exactTime(entry.atMs)}</dd>
        <dt>Hash</dt>
        <dd className="mono small">{entry.hash}</dd>
      </dl>
      {entry.detail === null ? (
        <p className="muted">What was written was deleted on request; the chain still holds.</p>
      ) : (
        <Json value={entry.detail} />
      )}
    </Dialog>
  );
}
