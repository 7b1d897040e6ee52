/** What was done under a correlation id, which every answer and every problem carries. */
import { useState } from 'react';
import type { RequestView } from '../../../../src/platform/telemetry/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { duration } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { TrustPage } from './frame.tsx';

const COLUMNS: readonly Column<RequestView>[] = [
  {
    title: 'Request',
    wide: true,
    render: (request) => (
      <div className="clip mono" title={request.path}>
        {request.method} {request.path}
      </div>
    ),
  },
  {
    title: 'Answer',
    render: (request) => <Badge tone={request.status < 400 ? 'good' : 'bad'}>{`${request.status} ${request.code ?? ''}`.trim()}</Badge>,
  },
  { title: 'By', minor: true, render: (request) => <span className="nowrap">{request.actor}</span> },
  { title: 'Over', minor: true, render: (request) => request.surface },
  { title: 'Took', end: true, minor: true, render: (request) => duration(request.durationMs) },
  { title: 'When', end: true, render: (request) => <Time ms={request.atMs} /> },
];

export function Requests() {
  const [params, setParams] = useParams();
  const asked = params.get('id') ?? '';
  const [typed, setTyped] = useState(asked);
  const found = useCall(api.telemetry.requests, asked === '' ? null : { correlationId: asked, limit: 200 });
  return (
    <TrustPage title="Requests">
      <form
        className="filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setParams({ id: typed.trim() });
        }}
      >
        <input
          className="input mono"
          type="search"
          aria-label="Correlation id"
          placeholder="Correlation id"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="submit" className="button main" disabled={typed.trim() === ''}>
          Look up
        </button>
      </form>
      <Card flush>
        {asked === '' ? (
          <Empty title="Look up what was done">
            Every answer carries a correlation id in <code>X-Correlation-Id</code>, and every problem shows it. What was asked under it is kept for 7
            days.
          </Empty>
        ) : (
          <List
            what="requests"
            rows={{ ...found, items: found.data?.items, total: found.data?.total ?? null, more: null }}
            columns={COLUMNS}
            keyOf={(request) => `${request.atMs} ${request.method} ${request.path}`}
            empty={<Empty title="Nothing was asked under this id in the last 7 days" />}
          />
        )}
      </Card>
    </TrustPage>
  );
}
