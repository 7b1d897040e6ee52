/** Alerts, the worst first: who looks after each, and how it ended. */
import { useState } from 'react';
import type { AlertView } from '../../../../src/work/alerts/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { ChoiceFilter, ProjectFilter, useProjectFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { useMay, useMe } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

const KINDS = ['ci', 'deployment', 'security', 'other'] as const;
const STATES = ['open', 'resolved', 'all'] as const;
const TONES = { low: 'plain', medium: 'wait', high: 'bad', critical: 'bad' } as const;
const KIND_WORDS = { ci: 'build', deployment: 'deployment', security: 'security', other: null } as const;
const ESCALATED = { none: '', overdue: 'older than it may be', organization: 'told to every project' } as const;

const COLUMNS: readonly Column<AlertView>[] = [
  {
    title: 'Alert',
    wide: true,
    render: (alert) => (
      <>
        <div className="clip" title={alert.title}>
          {alert.url !== null && /^https?:/.test(alert.url) ? (
            <a href={alert.url} target="_blank" rel="noreferrer noopener">
              {alert.title}
            </a>
          ) : (
            <b>{alert.title}</b>
          )}
        </div>
        <div className="clip muted small">
          {[alert.repository, alert.branch, alert.source.name, ESCALATED[alert.escalation]].filter((part) => part !== null && part !== '').join(', ')}
          {alert.resolved !== null && `, resolved by ${alert.resolved.by}: ${alert.resolved.reason}`}
        </div>
      </>
    ),
  },
  {
    title: 'Severity',
    render: (alert) =>
      alert.state === 'resolved' ? <Badge tone="good">resolved</Badge> : <Badge tone={TONES[alert.severity]}>{alert.severity}</Badge>,
  },
  { title: 'Kind', minor: true, render: (alert) => KIND_WORDS[alert.kind] ?? <span className="muted">–</span> },
  { title: 'Owner', minor: true, render: (alert) => alert.owner?.name ?? <span className="muted">nobody</span> },
  { title: 'Told', end: true, minor: true, render: (alert) => alert.count },
  { title: 'Since', end: true, minor: true, render: (alert) => <Time ms={alert.firstAtMs} /> },
  { title: 'Do', end: true, render: (alert) => <AlertActions alert={alert} /> },
];

export function Severity({ alert }: { alert: AlertView }) {
  return <Badge tone={TONES[alert.severity]}>{`${alert.severity} severity`}</Badge>;
}

/** What it is about; nothing where nobody said. */
export function AlertKind({ alert }: { alert: AlertView }) {
  const word = KIND_WORDS[alert.kind];
  return word === null ? null : <span className="muted small">{word}</span>;
}

/** Who looks after it, and that it is over; shared with Home. */
export function AlertActions({ alert }: { alert: AlertView }) {
  const { busy, run } = useAct();
  const me = useMe();
  const [resolving, setResolving] = useState(false);
  if (!useMay('context.write') || alert.state === 'resolved') return null;
  return (
    <span className="row tight end">
      {alert.owner?.actor !== me.actor.id && (
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() =>
            void run(async () => {
              await api.alerts.assign({ id: alert.id });
              return 'You look after it.';
            }, 'alert')
          }
        >
          Take it
        </button>
      )}
      <button type="button" className="button" onClick={() => setResolving(true)}>
        Resolve
      </button>
      {resolving && (
        <Confirm
          title="Resolve this alert"
          action="Resolve"
          ask={{ label: 'Why is it resolved?', required: true }}
          onConfirm={(reason) =>
            run(async () => {
              await api.alerts.resolve({ id: alert.id, reason });
              return 'Resolved.';
            }, 'alert')
          }
          onClose={() => setResolving(false)}
        >
          It closes by itself when the matching event turns green; by hand it needs a reason.
        </Confirm>
      )}
    </span>
  );
}

export function Alerts() {
  const [params] = useParams();
  const state = STATES.find((each) => each === params.get('state')) ?? 'open';
  const kind = KINDS.find((each) => each === params.get('kind'));
  const filter = { ...useProjectFilter(), state, ...(kind === undefined ? {} : { kind }) };
  const rows = usePages(api.alerts.list, filter, { live: ['alert'], everyMs: 30_000 });
  const plain = state === 'open' && kind === undefined && !('project' in filter);
  return (
    <ContextPage title="Alerts">
      <div className="filters" role="search">
        <ChoiceFilter label="State" name="state" any="Open" choices={STATES.slice(1)} />
        <ChoiceFilter label="Kind" name="kind" any="Any kind" choices={KINDS} />
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="alerts"
          rows={rows}
          columns={COLUMNS}
          keyOf={(alert) => alert.id}
          empty={
            plain ? (
              <Empty title="Nothing is wrong, as far as anybody told">
                Failed builds, deployments and security findings come by <a href="/settings/webhooks">webhooks</a>.
              </Empty>
            ) : (
              <Empty title="No alert is like that" />
            )
          }
        />
      </Card>
    </ContextPage>
  );
}
