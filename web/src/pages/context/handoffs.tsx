/** What sessions left to the next one, and what waits in the queues of projects. */
import type { HandoffView } from '../../../../src/work/handoffs/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter, ProjectFilter, useProjectFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { ContextPage } from './frame.tsx';

const TONES = { in_progress: 'busy', blocked: 'bad', done: 'good' } as const;
const QUEUE_TONES = { open: 'wait', taken: 'good', dismissed: 'plain' } as const;

export function HandoffBadges({ handoff }: { handoff: HandoffView }) {
  return (
    <span className="row tight">
      <Badge tone={TONES[handoff.status]}>{handoff.status.replace('_', ' ')}</Badge>
      {handoff.queue !== null && (
        <Badge tone={QUEUE_TONES[handoff.queue]}>{handoff.queue === 'open' ? `waits in ${handoff.to}` : handoff.queue}</Badge>
      )}
      {handoff.priority !== 'normal' && (
        <Badge tone={handoff.priority === 'urgent' ? 'bad' : handoff.priority === 'high' ? 'wait' : 'plain'}>{`${handoff.priority} priority`}</Badge>
      )}
    </span>
  );
}

const COLUMNS: readonly Column<HandoffView>[] = [
  {
    title: 'Handoff',
    wide: true,
    render: (handoff) => (
      <div className="clip" title={handoff.summary}>
        <a className="over" href={`/context/handoffs/${handoff.id}`}>
          {handoff.summary}
        </a>
      </div>
    ),
  },
  { title: 'Status', minor: true, render: (handoff) => <HandoffBadges handoff={handoff} /> },
  { title: 'Project', minor: true, render: (handoff) => (handoff.from === handoff.to ? handoff.to : `${handoff.from} → ${handoff.to}`) },
  { title: 'Left', end: true, render: (handoff) => <Time ms={handoff.createdAtMs} /> },
];

export function Handoffs() {
  const [params] = useParams();
  const queue = params.get('view') === 'queue';
  const filter = { ...useProjectFilter(), ...(queue ? { view: 'queue' as const } : {}) };
  const rows = usePages(api.handoffs.list, filter, { live: ['handoff'], everyMs: 30_000 });
  return (
    <ContextPage title="Handoffs">
      <div className="filters" role="search">
        <ChoiceFilter label="Which" name="view" any="All that were left" choices={['queue']} />
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="handoffs"
          rows={rows}
          columns={COLUMNS}
          keyOf={(handoff) => handoff.id}
          empty={
            queue ? (
              <Empty title="Nothing waits">What one project leaves to another waits here until it is taken or dismissed.</Empty>
            ) : (
              <Empty title="No handoff yet">A session leaves one when it ends: what was done, what is open, what to do next.</Empty>
            )
          }
        />
      </Card>
    </ContextPage>
  );
}
