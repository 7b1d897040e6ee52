/** The schedules of all agents: when each is due next, and what came of the last time. */
import type { ScheduleView } from '../../../src/runtime/schedules/contract.ts';
import { Badge } from '../parts/badge.tsx';
import type { Column } from '../parts/list.tsx';
import { List } from '../parts/list.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Empty, Notice } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { api } from '../state/api.ts';
import { plural } from '../state/format.ts';
import { useCall } from '../state/query.ts';
import { FIRING_TONES } from './agent/schedules.tsx';
import { AGENT_TABS } from './agents.tsx';

const COLUMNS: readonly Column<ScheduleView>[] = [
  {
    title: 'Agent',
    render: (schedule) => (
      <a className="over" href={`/agents/${encodeURIComponent(schedule.agent)}/schedules`}>
        {schedule.agent}
      </a>
    ),
  },
  {
    title: 'When',
    wide: true,
    minor: true,
    render: (schedule) => (
      <div className="clip">
        <code>{schedule.when}</code> <span className="muted small">{schedule.timezone}</span>
      </div>
    ),
  },
  {
    title: 'Last time',
    render: ({ last }) =>
      last === null ? (
        <span className="muted">not due yet</span>
      ) : (
        <span className="row tight" title={last.reason}>
          <Badge tone={FIRING_TONES[last.outcome]}>{last.outcome}</Badge>
          <span className="muted small">
            <Time ms={last.slotMs} />
          </span>
        </span>
      ),
  },
  {
    title: 'Next',
    end: true,
    render: ({ nextSlotMs, overdue }) =>
      overdue ? <Badge tone="bad">overdue</Badge> : nextSlotMs === null ? <span className="muted">not again</span> : <Time ms={nextSlotMs} />,
  },
];

export function Schedules() {
  const all = useCall(api.schedules.list, {}, { live: ['agent', 'run.queued'], everyMs: 30_000 });
  const items = all.data?.items.toSorted((a, b) => (a.nextSlotMs ?? Infinity) - (b.nextSlotMs ?? Infinity));
  const overdue = items?.filter((each) => each.overdue).length ?? 0;
  return (
    <Page title="Schedules" tabs={AGENT_TABS}>
      {overdue > 0 && (
        <Notice kind="bad">
          {plural(overdue, 'schedule')} {overdue === 1 ? 'was' : 'were'} due and {overdue === 1 ? 'has' : 'have'} no record: no server here fires
          schedules. Start one with workers.
        </Notice>
      )}
      <Card flush>
        <List
          what="schedules"
          rows={{ ...all, items, total: all.data?.total ?? null, more: null }}
          columns={COLUMNS}
          keyOf={(schedule) => schedule.id}
          empty={
            <Empty title="Nothing is scheduled">
              An agent&apos;s definition says when it runs: a cron line, an interval, or a moment. Open <a href="/agents">an agent</a> and edit it.
            </Empty>
          }
        />
      </Card>
    </Page>
  );
}
