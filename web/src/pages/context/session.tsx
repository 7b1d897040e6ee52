/** One session: where it works, what it holds, what it left. */
import { useState } from 'react';
import type { ClaimView, SessionView } from '../../../../src/work/sessions/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Json } from '../../parts/json.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { SESSION_TONES } from './sessions.tsx';

const CRUMBS = [{ to: '/context', label: 'Sessions' }];

export function Session({ params }: PageProps) {
  const session = useCall(api.sessions.get, { id: params['id'] ?? '' }, { live: ['session'], everyMs: 15_000 });
  const [ending, setEnding] = useState(false);
  const may = useMay('context.write');
  const found = session.data;
  return (
    <Page
      title={found === undefined ? 'Session' : `${found.agent} on ${found.machine}`}
      crumbs={CRUMBS}
      beside={found === undefined ? undefined : <Badge tone={SESSION_TONES[found.state]}>{found.state}</Badge>}
      actions={
        may && found?.state === 'active' ? (
          <button type="button" className="button danger" onClick={() => setEnding(true)}>
            End it
          </button>
        ) : undefined
      }
    >
      <Loaded query={session} what="the session">
        {(shown) => <Detail session={shown} />}
      </Loaded>
      {ending && found !== undefined && <End session={found} onClose={() => setEnding(false)} />}
    </Page>
  );
}

function Detail({ session }: { session: SessionView }) {
  return (
    <>
      <Card>
        <dl className="facts">
          <dt>Works on</dt>
          <dd>{session.workingOn === '' ? <span className="muted">it did not say</span> : session.workingOn}</dd>
          <dt>Project</dt>
          <dd>
            <a href={`/context/projects/${session.project}`}>{session.project}</a>
          </dd>
          <dt>Repository</dt>
          <dd className="mono">{session.repository ?? '–'}</dd>
          <dt>Branch</dt>
          <dd className="mono">
            {session.branch ?? '–'} {session.commit !== null && <span className="muted">at {session.commit.slice(0, 12)}</span>}
          </dd>
          <dt>Issue</dt>
          <dd>{session.issue ?? '–'}</dd>
          <dt>Key of</dt>
          <dd>{session.actor}</dd>
          <dt>Began</dt>
          <dd>
            <Time ms={session.startedAtMs} />, last heard <Time ms={session.heartbeatAtMs} />
            {session.endedAtMs !== null && (
              <>
                , ended <Time ms={session.endedAtMs} /> ({session.endReason})
              </>
            )}
          </dd>
          <dt>Left</dt>
          <dd>{session.handoff === null ? 'no handoff' : <a href={`/context/handoffs/${session.handoff}`}>its handoff</a>}</dd>
        </dl>
      </Card>
      <Claims session={session} />
      {Object.keys(session.metadata).length > 0 && (
        <Card title="What it says of itself">
          <Json value={session.metadata} />
        </Card>
      )}
    </>
  );
}

function Claims({ session }: { session: SessionView }) {
  const { busy, run } = useAct();
  const may = useMay('context.write');
  const columns: readonly Column<ClaimView>[] = [
    { title: 'What', render: (claim) => claim.kind },
    {
      title: 'Which',
      wide: true,
      render: (claim) => (
        <div className="clip mono" title={claim.name}>
          {claim.name}
        </div>
      ),
    },
    { title: 'Fence', end: true, minor: true, render: (claim) => claim.fence },
    { title: 'Lapses', end: true, render: (claim) => <Time ms={claim.expiresAtMs} /> },
    {
      title: 'Give back',
      end: true,
      render: (claim) =>
        may && (
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() =>
              void run(async () => {
                await api.sessions.release({ id: session.id, kind: claim.kind, name: claim.name });
                return `${claim.name} can be claimed by others.`;
              }, 'session')
            }
          >
            Release
          </button>
        ),
    },
  ];
  return (
    <Card title="Holds" flush>
      <List
        what="claims"
        rows={{ items: session.claims, total: null, problem: null, loading: false, reload: () => undefined, atMs: 0, more: null }}
        columns={columns}
        keyOf={(claim) => `${claim.kind} ${claim.name}`}
        empty={<Empty title="It holds nothing">A session claims an issue, a file or a track so that no other works on it.</Empty>}
      />
    </Card>
  );
}

function End({ session, onClose }: { session: SessionView; onClose: () => void }) {
  const { run } = useAct();
  return (
    <Confirm
      title="End this session"
      action="End it"
      danger
      onConfirm={() =>
        run(async () => {
          await api.sessions.end({ id: session.id });
          return 'The session has ended; what it held is free.';
        }, 'session')
      }
      onClose={onClose}
    >
      It is recorded as ended without a handoff, and what it holds is given back. The coding CLI itself is not stopped.
    </Confirm>
  );
}
