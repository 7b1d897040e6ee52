/** One handoff: what was done, what is open, what comes next; taken or dismissed where it waits in a queue. */
import { useState } from 'react';
import type { HandoffDetail, HandoffView } from '../../../../src/work/handoffs/contract.ts';
import { Confirm } from '../../parts/dialog.tsx';
import { Json } from '../../parts/json.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { HandoffBadges } from './handoffs.tsx';

const CRUMBS = [{ to: '/context/handoffs', label: 'Handoffs' }];
const PARTS = [
  ['Next', 'next'],
  ['Blocked', 'blocked'],
  ['In progress', 'inProgress'],
  ['Accomplished', 'accomplished'],
  ['Decisions', 'decisions'],
] as const;

export function Handoff({ params }: PageProps) {
  const handoff = useCall(api.handoffs.get, { id: params['id'] ?? '' }, { live: ['handoff'] });
  const found = handoff.data;
  return (
    <Page
      title="Handoff"
      crumbs={CRUMBS}
      beside={found === undefined ? undefined : <HandoffBadges handoff={found} />}
      actions={found === undefined ? undefined : <HandoffActions handoff={found} />}
    >
      <Loaded query={handoff} what="the handoff">
        {(shown) => <Detail handoff={shown} />}
      </Loaded>
    </Page>
  );
}

/** What can be done with one that waits; shared with Home. */
export function HandoffActions({ handoff }: { handoff: HandoffView }) {
  const { busy, run } = useAct();
  const [dismissing, setDismissing] = useState(false);
  const may = useMay('context.write');
  if (!may || handoff.queue !== 'open') return null;
  return (
    <>
      <button
        type="button"
        className="button main"
        disabled={busy}
        onClick={() =>
          void run(async () => {
            await api.handoffs.take({ id: handoff.id });
            return 'Taken: it waits no more.';
          }, 'handoff')
        }
      >
        Take it
      </button>
      <button type="button" className="button" onClick={() => setDismissing(true)}>
        Dismiss
      </button>
      {dismissing && (
        <Confirm
          title="Dismiss this handoff"
          action="Dismiss"
          danger
          ask={{ label: 'Why?', required: true }}
          onConfirm={(reason) =>
            run(async () => {
              await api.handoffs.dismiss({ id: handoff.id, reason });
              return 'Dismissed.';
            }, 'handoff')
          }
          onClose={() => setDismissing(false)}
        >
          It leaves the queue of {handoff.to} and stays readable.
        </Confirm>
      )}
    </>
  );
}

function Detail({ handoff }: { handoff: HandoffDetail }) {
  const { payload } = handoff;
  const parts = PARTS.filter(([, key]) => payload[key].length > 0);
  return (
    <>
      <Card>
        <p className="question">{handoff.summary}</p>
        <p className="muted small">
          From {payload.from.agent} on {payload.from.machine} in {handoff.from} to {handoff.to}, <Time ms={handoff.createdAtMs} />
          {payload.from.branch !== null && <>, branch {payload.from.branch}</>}
          {handoff.issue !== null && <>, issue {handoff.issue}</>}. <a href={`/context/sessions/${handoff.session}`}>Its session</a>
          {handoff.settledAtMs !== null && (
            <>
              . {handoff.queue === 'taken' ? 'Taken' : 'Dismissed'} by {handoff.settledBy}, <Time ms={handoff.settledAtMs} />
              {handoff.settledReason !== '' && <>: {handoff.settledReason}</>}
            </>
          )}
        </p>
      </Card>
      {parts.length > 0 && (
        <div className="columns">
          {parts.map(([title, key]) => (
            <Card key={key} title={title}>
              <ul className="points">
                {payload[key].map((item, index) => (
                  <li key={index}>{item}</li>
                ))}
              </ul>
            </Card>
          ))}
        </div>
      )}
      {payload.details !== undefined && (
        <Card title="Details">
          <Json value={payload.details} />
        </Card>
      )}
      <Card>
        <details>
          <summary>As Markdown, for a file {handoff.fileName}</summary>
          <Json value={handoff.markdown} />
        </details>
      </Card>
    </>
  );
}
