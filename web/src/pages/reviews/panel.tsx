/** One panel: grades by dimension with the threshold that decided, who answered, and what was found. */
import type { PanelView } from '../../../../src/work/reviews/contract.ts';
import { Badge, RunBadge } from '../../parts/badge.tsx';
import { Bar } from '../../parts/bar.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { api } from '../../state/api.ts';
import { number, plural } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { FindingCard, ProposalCard } from './finding.tsx';
import { Grade } from './panels.tsx';

const CRUMBS = [{ to: '/reviews', label: 'Panels' }];
const STILL = { total: null, problem: null, loading: false, reload: () => undefined, atMs: 0, more: null };
const PERCENT = 100;

export function Panel({ params }: PageProps) {
  const panel = useCall(api.panels.get, { id: params['id'] ?? '' }, { live: ['review', 'run'], everyMs: 10_000 });
  const found = panel.data;
  return (
    <Page
      title={found?.title ?? 'Panel'}
      crumbs={CRUMBS}
      beside={found === undefined ? undefined : found.ended ? <Grade grade={found.card?.overall ?? null} /> : <Badge tone="busy">at work</Badge>}
      {...(found === undefined ? {} : { about: <About panel={found} /> })}
    >
      <Loaded query={panel} what="the panel">
        {(shown) => <Detail panel={shown} />}
      </Loaded>
    </Page>
  );
}

function About({ panel }: { panel: PanelView }) {
  return (
    <>
      {panel.project !== null && `${panel.project}, `}begun <Time ms={panel.createdAtMs} />
      {panel.endedAtMs !== null && (
        <>
          , ended <Time ms={panel.endedAtMs} />
        </>
      )}
      , {panel.coverage.answered} of {panel.coverage.of} answered{panel.rehearsed && ', rehearsed'}
    </>
  );
}

function Detail({ panel }: { panel: PanelView }) {
  const { file, evidence, invalid } = panel.dropped;
  const dropped = file + evidence + invalid;
  return (
    <>
      {!panel.ended && <Bar parts={[{ share: panel.percent / PERCENT, kind: 'full' }]} />}
      {panel.leftOut !== '' && <Notice>Not shown to the reviewers: {panel.leftOut}</Notice>}
      {panel.coverage.failed.length > 0 && panel.ended && (
        <Notice kind="bad">{`${panel.coverage.failed.join(', ')} gave no answer, so the grades stand without ${panel.coverage.failed.length === 1 ? 'it' : 'them'}.`}</Notice>
      )}
      <div className="columns">
        {panel.card !== null && (
          <Card title="Grades" flush>
            <List
              what="dimensions"
              rows={{ ...STILL, items: panel.card.dimensions }}
              columns={GRADE_COLUMNS}
              keyOf={(each) => each.dimension}
              empty={null}
            />
          </Card>
        )}
        <Card title="Reviewers" flush>
          <List what="reviewers" rows={{ ...STILL, items: panel.members }} columns={MEMBER_COLUMNS} keyOf={(each) => each.reviewer} empty={null} />
        </Card>
      </div>
      <section className="stack" aria-label="Findings">
        <h2>{panel.findings.length === 0 ? 'Findings' : plural(panel.findings.length, 'finding')}</h2>
        {panel.findings.map((finding) => (
          <FindingCard key={`${finding.file} ${finding.line ?? ''} ${finding.problem}`} finding={finding} />
        ))}
        {panel.findings.length === 0 && (
          <Card>
            <Empty title={panel.ended ? 'Nothing was found' : 'Nothing yet'} />
          </Card>
        )}
        {panel.proposals.map((proposal) => (
          <ProposalCard key={proposal.id} proposal={proposal} />
        ))}
        {dropped > 0 && (
          <p className="muted small">
            {plural(dropped, 'finding')} thrown away: {invalid} not of the form, {file} of files that were not shown, {evidence} quoting what is not
            there.
          </p>
        )}
      </section>
    </>
  );
}

const GRADE_COLUMNS: readonly Column<NonNullable<PanelView['card']>['dimensions'][number]>[] = [
  {
    title: 'Dimension',
    wide: true,
    render: (each) => (
      <>
        <div className="clip">{each.dimension}</div>
        <div className="clip muted small" title={each.why}>
          {each.why}
        </div>
      </>
    ),
  },
  { title: 'Findings', end: true, render: (each) => number(each.findings) },
  { title: 'Grade', end: true, render: (each) => <Grade grade={each.grade} /> },
];

const MEMBER_COLUMNS: readonly Column<PanelView['members'][number]>[] = [
  {
    title: 'Reviewer',
    wide: true,
    render: (each) => (
      <>
        <div className="clip">{each.job === null ? each.persona : <a href={`/reviews/jobs/${each.job}`}>{each.persona}</a>}</div>
        <div className="clip muted small" title={each.failure ?? each.model}>
          {each.failure ?? each.model}
        </div>
      </>
    ),
  },
  { title: 'Is', render: (each) => (each.status === 'not_started' ? <Badge>not started</Badge> : <RunBadge status={each.status} />) },
  { title: 'Found', end: true, render: (each) => number(each.findings) },
];
