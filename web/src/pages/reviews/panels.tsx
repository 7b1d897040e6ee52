/** Panels: several reviewers on one change, with the grade they came to. */
import type { PanelSummary } from '../../../../src/work/reviews/contract.ts';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Badge } from '../../parts/badge.tsx';
import { ProjectFilter, useProjectFilter } from '../../parts/filters.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { number } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { ReviewsPage } from './frame.tsx';

const GRADE_TONES = { A: 'good', B: 'good', C: 'wait', D: 'bad', F: 'bad' } as const;

export function Grade({ grade }: { grade: PanelSummary['overall'] }) {
  if (grade === null) return <span className="muted">no grade</span>;
  return <Badge tone={GRADE_TONES[grade]}>{grade}</Badge>;
}

const COLUMNS: readonly Column<PanelSummary>[] = [
  {
    title: 'Panel',
    wide: true,
    render: (panel) => (
      <div className="clip" title={panel.title}>
        <a className="over" href={`/reviews/panels/${panel.id}`}>
          {panel.title}
        </a>
      </div>
    ),
  },
  { title: 'Grade', render: (panel) => (panel.ended ? <Grade grade={panel.overall} /> : <Badge tone="busy">at work</Badge>) },
  { title: 'Findings', end: true, minor: true, render: (panel) => number(panel.findings) },
  { title: 'Answered', end: true, minor: true, render: (panel) => `${panel.answered} of ${panel.of}` },
  { title: 'Begun', end: true, render: (panel) => <Time ms={panel.createdAtMs} /> },
];

export function Panels() {
  const rows = usePages(api.panels.list, useProjectFilter(), { live: ['review', 'run.ended'] });
  return (
    <ReviewsPage title="Panels">
      <div className="filters" role="search">
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="panels"
          rows={rows}
          columns={COLUMNS}
          keyOf={(panel) => panel.id}
          empty={
            <Empty title="No panel yet">A panel lets several reviewers look at one change side by side, merges what they found and grades it.</Empty>
          }
        />
      </Card>
    </ReviewsPage>
  );
}
