/** Standards: what is written down about how things are done here, and proposals that wait for a person. */
import type { ProposalView, StandardMatch, StandardSummary } from '../../../../src/work/standards/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ProjectFilter, SearchFilter, useProjectFilter } from '../../parts/filters.tsx';
import { Figure, Figures } from '../../parts/figures.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { number } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { ContextPage } from './frame.tsx';

const COLUMNS: readonly Column<StandardSummary>[] = [
  {
    title: 'Standard',
    wide: true,
    render: (standard) => (
      <>
        <div className="clip" title={standard.title}>
          <a className="over" href={`/context/standards/${standard.id}`}>
            {standard.title}
          </a>
        </div>
        <div className="clip muted small mono">{standard.path}</div>
      </>
    ),
  },
  { title: 'Tags', minor: true, render: (standard) => <span className="muted nowrap">{standard.tags.join(', ')}</span> },
  { title: 'Project', minor: true, render: (standard) => standard.project ?? <span className="muted">all</span> },
  {
    title: 'Form',
    minor: true,
    render: (standard) =>
      standard.faults.length === 0 ? <Badge tone="good">kept</Badge> : <Badge tone="wait">{`${standard.faults.length} faults`}</Badge>,
  },
  { title: 'Approved by', end: true, minor: true, render: (standard) => standard.approvedBy },
];

const MATCH_COLUMNS: readonly Column<StandardMatch>[] = [
  {
    title: 'Passage',
    wide: true,
    render: (match) => (
      <>
        <div className="clip">
          <a className="over" href={`/context/standards/${match.id}`}>
            {match.title}
            {match.heading !== '' && match.heading !== match.title && ` · ${match.heading}`}
          </a>
        </div>
        <div className="clip muted small">{match.passage}</div>
      </>
    ),
  },
  {
    title: 'Where',
    end: true,
    minor: true,
    render: (match) => (
      <span className="mono">
        {match.path}:{match.line}
      </span>
    ),
  },
];

const HOW = {
  words: null,
  words_and_meaning: null,
  likeness: 'No standard has these words; titles that look like them are shown.',
} as const;

export function Standards() {
  const [params] = useParams();
  const query = params.get('q') ?? '';
  const filter = useProjectFilter();
  const rows = usePages(api.standards.list, filter, { live: ['standard'], everyMs: 60_000 });
  return (
    <ContextPage title="Standards">
      <Proposals />
      <div className="filters" role="search">
        <SearchFilter label="Find a standard" />
        <ProjectFilter />
      </div>
      {query === '' ? (
        <Card flush>
          <List
            what="standards"
            rows={rows}
            columns={COLUMNS}
            keyOf={(standard) => standard.id}
            empty={
              <Empty title="No standard yet">
                Agents propose them from what they saw go wrong; a person approves the exact text. Files in the folder of standards are read as well.
              </Empty>
            }
          />
        </Card>
      ) : (
        <Found query={query} filter={filter} />
      )}
      <Metrics />
    </ContextPage>
  );
}

function Found({ query, filter }: { query: string; filter: { project?: string } }) {
  const found = useCall(api.standards.search, { query, limit: 50, ...filter }, { live: ['standard'] });
  const said = found.data === undefined || found.data.items.length === 0 ? null : HOW[found.data.how];
  return (
    <>
      {said !== null && <p className="muted">{said}</p>}
      <Card flush>
        <List
          what="passages"
          rows={{ ...found, items: found.data?.items, total: found.data?.total ?? null, more: null }}
          columns={MATCH_COLUMNS}
          keyOf={(match) => `${match.id} ${match.line}`}
          empty={<Empty title="Nothing is written about that" />}
        />
      </Card>
    </>
  );
}

export const PROPOSAL_TONES = { open: 'wait', approved: 'busy', refused: 'plain', written: 'good' } as const;
const PROPOSAL_COLUMNS: readonly Column<ProposalView>[] = [
  {
    title: 'Proposal',
    wide: true,
    render: (proposal) => (
      <>
        <div className="clip">
          <a className="over" href={`/context/proposals/${proposal.id}`}>
            {proposal.domain}/{proposal.topic}
          </a>
        </div>
        <div className="clip muted small">{proposal.why}</div>
      </>
    ),
  },
  { title: 'State', render: (proposal) => <Badge tone={PROPOSAL_TONES[proposal.state]}>{proposal.state}</Badge> },
  { title: 'By', minor: true, render: (proposal) => proposal.proposedBy.name },
  { title: 'Proposed', end: true, render: (proposal) => <Time ms={proposal.proposedAtMs} /> },
];

function Proposals() {
  const found = useCall(api.standards.proposals, { limit: 50 }, { live: ['standard'], everyMs: 30_000 });
  if (found.data?.items.length === 0) return null;
  return (
    <Card title="Proposals" flush>
      <List
        what="proposals"
        rows={{ ...found, items: found.data?.items, total: found.data?.total ?? null, more: null }}
        columns={PROPOSAL_COLUMNS}
        keyOf={(proposal) => proposal.id}
        empty={null}
      />
    </Card>
  );
}

function Metrics() {
  const metrics = useCall(api.standards.metrics, {}, { live: ['standard'] });
  return (
    <Card>
      <Loaded query={metrics} what="how standards are used">
        {(found) => (
          <Figures>
            <Figure title="Proposed" value={number(found.proposed)} />
            <Figure title="Accepted" value={number(found.accepted)} />
            <Figure title="Refused" value={number(found.refused)} />
            <Figure title="Searches" value={number(found.queries)} />
            <Figure title="Found something" value={number(found.hits)} />
          </Figures>
        )}
      </Loaded>
    </Card>
  );
}
