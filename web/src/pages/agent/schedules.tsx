/** When an agent is due, and what came of it: ran, late, skipped or missed, each with its reason. */
import { useState } from 'react';
import type { FiringView, ScheduleView } from '../../../../src/runtime/schedules/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { exactTime, shortId } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';

export const FIRING_TONES = { ran: 'good', late: 'wait', skipped: 'plain', missed: 'bad' } as const;
const LIMIT_STEP = 50;
const LIMIT_MAX = 200;

const COLUMNS: readonly Column<FiringView>[] = [
  {
    title: 'Due',
    render: (firing) => (
      <span title={exactTime(firing.slotMs)}>
        <Time ms={firing.slotMs} />
      </span>
    ),
  },
  { title: 'Came of it', render: (firing) => <Badge tone={FIRING_TONES[firing.outcome]}>{firing.outcome}</Badge> },
  {
    title: 'Why',
    wide: true,
    minor: true,
    render: (firing) => (
      <div className="clip muted" title={firing.reason}>
        {firing.reason}
      </div>
    ),
  },
  {
    title: 'Run',
    end: true,
    render: (firing) =>
      firing.run === null ? (
        '–'
      ) : (
        <a href={`/runs/${firing.run}`} className="mono">
          {shortId(firing.run)}
        </a>
      ),
  },
];

export function Schedules({ agent }: { agent: string }) {
  const schedules = useCall(api.schedules.list, { agent }, { live: ['agent', 'run.queued'], everyMs: 30_000 });
  return (
    <Loaded query={schedules} what="schedules">
      {(found) =>
        found.items.length === 0 ? (
          <Card>
            <Empty title="It runs only when told">
              Give it schedules in <a href={`/agents/${agent}/edit`}>its definition</a>: a cron line, an interval, or a moment.
            </Empty>
          </Card>
        ) : (
          <div className="stack">
            {found.items.map((schedule) => (
              <Schedule key={schedule.id} schedule={schedule} />
            ))}
          </div>
        )
      }
    </Loaded>
  );
}

function Schedule({ schedule }: { schedule: ScheduleView }) {
  const [limit, setLimit] = useState(LIMIT_STEP);
  const firings = useCall(api.schedules.firings, { id: schedule.id, limit }, { live: ['run.queued'], everyMs: 30_000 });
  const { data } = firings;
  return (
    <Card
      flush
      title={<code>{schedule.when}</code>}
      beside={
        <span className="muted small">
          {schedule.timezone},{' '}
          {schedule.nextSlotMs === null ? (
            'not due again'
          ) : (
            <>
              next <Time ms={schedule.nextSlotMs} />
            </>
          )}
          , while one still runs: {schedule.overlap.replaceAll('_', ' ')}
        </span>
      }
    >
      {schedule.overdue && <Notice kind="bad">It was due and has no record: no server here fires schedules. Start one with workers.</Notice>}
      <List
        what="firings"
        rows={{
          items: data?.items,
          total: data?.total ?? null,
          problem: firings.problem,
          loading: firings.loading,
          reload: firings.reload,
          atMs: firings.atMs,
          more: data?.shown === limit && limit < LIMIT_MAX ? () => setLimit(LIMIT_MAX) : null,
        }}
        columns={COLUMNS}
        keyOf={(firing) => String(firing.slotMs)}
        empty={<Empty title="It was not due yet" />}
      />
    </Card>
  );
}
