/** Reviews: each the work of one reviewer, with how far it is and how long it will take. */
import { useState } from 'react';
import type { JobDetail, JobView } from '../../../../src/work/reviews/contract.ts';
import { RunBadge } from '../../parts/badge.tsx';
import { Bar } from '../../parts/bar.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { ChoiceFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { duration, plural } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { FindingCard, ProposalCard } from './finding.tsx';
import { ReviewsPage } from './frame.tsx';

const CRUMBS = [{ to: '/reviews/jobs', label: 'Reviews' }];
const PERCENT = 100;

const COLUMNS: readonly Column<JobView>[] = [
  {
    title: 'Review',
    wide: true,
    render: (job) => (
      <>
        <div className="clip" title={job.title}>
          <a className="over" href={`/reviews/jobs/${job.id}`}>
            {job.persona}: {job.title}
          </a>
        </div>
        <div className="clip muted small">{job.message}</div>
      </>
    ),
  },
  { title: 'Status', render: (job) => <RunBadge status={job.status} /> },
  { title: 'Model', minor: true, render: (job) => <span className="muted">{job.model}</span> },
  {
    title: 'To go',
    end: true,
    minor: true,
    render: (job) => (job.endedAtMs !== null ? '–' : job.etaMs === null ? 'longer than thought' : duration(job.etaMs)),
  },
  { title: 'Begun', end: true, render: (job) => <Time ms={job.createdAtMs} /> },
];

export function Jobs() {
  const [params] = useParams();
  const live = params.get('live') === 'at work';
  const rows = usePages(api.reviews.list, live ? { live: 'true' } : {}, { live: ['review', 'run'] });
  return (
    <ReviewsPage title="Reviews">
      <div className="filters" role="search">
        <ChoiceFilter label="Which" name="live" any="All reviews" choices={['at work']} />
      </div>
      <Card flush>
        <List
          what="reviews"
          rows={rows}
          columns={COLUMNS}
          keyOf={(job) => job.id}
          empty={<Empty title={live ? 'No reviewer is at work' : 'No review yet'}>A review is started here, by the command line or over MCP.</Empty>}
        />
      </Card>
    </ReviewsPage>
  );
}

export function Job({ params }: PageProps) {
  const job = useCall(api.reviews.get, { id: params['id'] ?? '' }, { live: ['review', 'run'], everyMs: 10_000 });
  const { run } = useAct();
  const [cancelling, setCancelling] = useState(false);
  const may = useMay('runs.create');
  const found = job.data;
  return (
    <Page
      title={found === undefined ? 'Review' : `${found.persona}: ${found.title}`}
      crumbs={CRUMBS}
      beside={found === undefined ? undefined : <RunBadge status={found.status} />}
      actions={
        <>
          <a className="button" href={`/runs/${params['id'] ?? ''}`}>
            Its run, step by step
          </a>
          {may && found?.ended === false && (
            <button type="button" className="button danger" onClick={() => setCancelling(true)}>
              Cancel
            </button>
          )}
        </>
      }
    >
      <Loaded query={job} what="the review">
        {(shown) => <Detail job={shown} />}
      </Loaded>
      {cancelling && found !== undefined && (
        <Confirm
          title="Cancel this review"
          action="Cancel it"
          danger
          onConfirm={() =>
            run(async () => {
              await api.reviews.cancel({ id: found.id });
              return 'It stops, and with it the call of its model.';
            }, 'review')
          }
          onClose={() => setCancelling(false)}
        >
          What it found so far is lost.
        </Confirm>
      )}
    </Page>
  );
}

function Detail({ job }: { job: JobDetail }) {
  return (
    <>
      {!job.ended && <Bar parts={[{ share: job.percent / PERCENT, kind: 'full' }]} />}
      {job.leftOut !== '' && <Notice>Not shown to the reviewer: {job.leftOut}</Notice>}
      <Card>
        <div className="stack tight">
          <div className="prose">{job.summary === '' ? job.message : job.summary}</div>
          <p className="muted small">
            By {job.model}
            {job.rehearsed && ', rehearsed'}, begun <Time ms={job.createdAtMs} />
            {job.tookMs !== null && `, took ${duration(job.tookMs)}`}, thought to take {duration(job.estimateMs)}
            {job.panel !== null && (
              <>
                , part of <a href={`/reviews/panels/${job.panel}`}>a panel</a>
              </>
            )}
            .
          </p>
        </div>
      </Card>
      <section className="stack" aria-label="Findings">
        <h2>{job.findings.length === 0 ? 'Findings' : plural(job.findings.length, 'finding')}</h2>
        {job.findings.map((finding) => (
          <FindingCard key={`${finding.file} ${finding.line ?? ''} ${finding.problem}`} finding={finding} />
        ))}
        {job.findings.length === 0 && (
          <Card>
            <Empty title={job.ended ? 'Nothing was found' : 'Nothing yet'} />
          </Card>
        )}
      </section>
      {job.proposal !== null && <ProposalCard proposal={job.proposal} />}
      {job.droppedSaid.length > 0 && (
        <Card title="Thrown away">
          <ul className="points">
            {job.droppedSaid.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}
