/** What comes again: duties, when each is due, and what came of it the last time. */
import { useState } from 'react';
import type { DutyView } from '../../../../src/work/cadence/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { ProjectFilter, useProjectFilter, useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { plural } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useMay } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

const COLUMNS: readonly Column<DutyView>[] = [
  {
    title: 'Duty',
    wide: true,
    render: (duty) => (
      <>
        <div className="clip" title={duty.title}>
          <b>{duty.title}</b>
        </div>
        <div className="clip muted small" title={duty.last?.result}>
          {duty.last === null ? 'Never done' : `${duty.last.by.name}: ${duty.last.result}`}
        </div>
      </>
    ),
  },
  {
    title: 'Due',
    render: (duty) => (
      <span className="row tight">
        {duty.overdue && <Badge tone="bad">overdue</Badge>}
        <Time ms={duty.dueAtMs} />
      </span>
    ),
  },
  { title: 'Every', end: true, minor: true, render: (duty) => (duty.intervalDays === null ? 'once' : plural(duty.intervalDays, 'day')) },
  { title: 'Project', minor: true, render: (duty) => duty.project ?? <span className="muted">all</span> },
  { title: 'Last done', end: true, minor: true, render: (duty) => (duty.last === null ? '–' : <Time ms={duty.last.atMs} />) },
  { title: 'Do', end: true, render: (duty) => <DutyActions duty={duty} /> },
];

function DutyActions({ duty }: { duty: DutyView }) {
  const { run } = useAct();
  const [open, setOpen] = useState<'done' | 'retire' | null>(null);
  if (!useMay('context.write')) return null;
  return (
    <span className="row tight end">
      <button type="button" className="button" onClick={() => setOpen('done')}>
        Done
      </button>
      <button type="button" className="button plain" onClick={() => setOpen('retire')}>
        Retire
      </button>
      {open === 'done' && (
        <Confirm
          title={duty.title}
          action="It is done"
          ask={{ label: 'What came of it?', required: true }}
          onConfirm={(result) =>
            run(async () => {
              await api.duties.done({ id: duty.id, result });
              return duty.intervalDays === null ? 'Recorded; it is over.' : `Recorded; it is due again in ${plural(duty.intervalDays, 'day')}.`;
            }, 'duty')
          }
          onClose={() => setOpen(null)}
        >
          {duty.intervalDays === null ? 'It is over then.' : `Its interval of ${plural(duty.intervalDays, 'day')} begins anew.`}
        </Confirm>
      )}
      {open === 'retire' && (
        <Confirm
          title={`Retire: ${duty.title}`}
          action="Retire"
          danger
          onConfirm={() =>
            run(async () => {
              await api.duties.retire({ id: duty.id });
              return 'It comes no more.';
            }, 'duty')
          }
          onClose={() => setOpen(null)}
        >
          It is listed no more. What was done of it is kept.
        </Confirm>
      )}
    </span>
  );
}

export function Duties() {
  const rows = usePages(api.duties.list, useProjectFilter(), { live: ['duty'], everyMs: 60_000 });
  const [adding, setAdding] = useState(false);
  const projects = useProjects();
  const may = useMay('context.write');
  return (
    <ContextPage
      title="Duties"
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> New duty
          </button>
        ) : undefined
      }
    >
      <div className="filters" role="search">
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="duties"
          rows={rows}
          columns={COLUMNS}
          keyOf={(duty) => duty.id}
          empty={<Empty title="No duty yet">A duty comes again every so many days: renew a certificate, try the backup, read the log.</Empty>}
        />
      </Card>
      {adding && (
        <FormDialog
          title="New duty"
          action="Add"
          operation="duties.add"
          choices={{ project: projects }}
          topics={['duty']}
          send={async (value: InputOf<typeof api.duties.add>) => {
            await api.duties.add(value);
            return 'Added.';
          }}
          onClose={() => setAdding(false)}
        />
      )}
    </ContextPage>
  );
}
