/** The briefing as an agent sees it: the very text, what it costs, and which sources told something. */
import type { BriefingView } from '../../../../src/work/briefing/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter, useProjects } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { count, number, size } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { ContextPage } from './frame.tsx';

const BUDGETS = ['3000', '6000', '12000'] as const;

export function Briefing() {
  const [params] = useParams();
  const projects = useProjects();
  const project = params.get('project') ?? projects[0];
  const budget = BUDGETS.find((each) => each === params.get('tokens'));
  const briefing = useCall(
    api.briefing.read,
    project === undefined ? null : { project, ...(budget === undefined ? {} : { budgetTokens: Number(budget) }) },
    { everyMs: 60_000 },
  );
  return (
    <ContextPage title="Briefing" about="What an agent is told when it begins to work, word for word.">
      <div className="filters" role="search">
        {projects.length > 0 && <ChoiceFilter label="Project" name="project" choices={projects} />}
        <ChoiceFilter label="Tokens at most" name="tokens" any="3,000 tokens at most" choices={BUDGETS.slice(1)} />
      </div>
      {project === undefined ? (
        <Card>
          <Empty title="No project yet">
            <a href="/context">Add one</a>, and see what agents are told there.
          </Empty>
        </Card>
      ) : (
        <Loaded query={briefing} what="the briefing">
          {(found) => <Shown briefing={found} />}
        </Loaded>
      )}
    </ContextPage>
  );
}

function Shown({ briefing }: { briefing: BriefingView }) {
  return (
    <>
      {briefing.faults.map((fault) => (
        <Notice key={fault} kind="bad">
          {fault}
        </Notice>
      ))}
      <Card
        title={briefing.project.name}
        beside={
          <span className="muted small number">
            {number(briefing.tokens)} of {number(briefing.budgetTokens)} tokens, {size(briefing.bytes)}
          </span>
        }
      >
        <div className="prose mono">{briefing.markdown}</div>
      </Card>
      <div className="columns">
        <Card title="What it is made of" flush>
          <List
            what="parts"
            rows={{ ...STILL, items: briefing.parts }}
            columns={PART_COLUMNS}
            keyOf={(part) => part.key}
            empty={<Empty title="Nothing" />}
          />
        </Card>
        <Card title="Sources" flush>
          <List
            what="sources"
            rows={{ ...STILL, items: briefing.sources }}
            columns={SOURCE_COLUMNS}
            keyOf={(source) => source.name}
            empty={<Empty title="None" />}
          />
        </Card>
      </div>
    </>
  );
}

const STILL = { total: null, problem: null, loading: false, reload: () => undefined, atMs: 0, more: null };

const PART_COLUMNS: readonly Column<BriefingView['parts'][number]>[] = [
  { title: 'Part', wide: true, render: (part) => <div className="clip">{part.title}</div> },
  {
    title: 'Shown',
    end: true,
    render: (part) => <span title={part.fault ?? ''}>{part.fault === null ? `${part.shown} of ${count(part.total)}` : 'failed'}</span>,
  },
];

const SOURCE_TONES = { ok: 'good', failed: 'bad', silent: 'wait', doubtful: 'wait' } as const;
const SOURCE_COLUMNS: readonly Column<BriefingView['sources'][number]>[] = [
  {
    title: 'Source',
    wide: true,
    render: (source) => (
      <div className="clip" title={source.why}>
        {source.name} {source.why !== '' && <span className="muted small">{source.why}</span>}
      </div>
    ),
  },
  { title: 'State', render: (source) => <Badge tone={SOURCE_TONES[source.state]}>{source.state}</Badge> },
  { title: 'Newest', end: true, render: (source) => (source.newestAtMs === null ? '–' : <Time ms={source.newestAtMs} />) },
];
