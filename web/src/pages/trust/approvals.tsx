/** Everything that runs asked people: what is open, and what became of the rest. */
import type { ApprovalView } from '../../../../src/platform/approvals/contract.ts';
import type { Tone } from '../../parts/badge.tsx';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter } from '../../parts/filters.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { TrustPage } from './frame.tsx';

const STATES = ['answered', 'open', 'expired', 'withdrawn'] as const;

const EMPTY = {
  answered: 'No question was answered yet',
  open: 'Nothing waits for a person',
  expired: 'No question has expired',
  withdrawn: 'No question was withdrawn',
} as const;

function toneOf({ state, answer }: ApprovalView): Tone {
  if (state === 'open') return 'wait';
  if (state !== 'answered') return 'plain';
  return answer?.answer === 'deny' || answer?.answer === 'not_done' ? 'bad' : 'good';
}

const COLUMNS: readonly Column<ApprovalView>[] = [
  {
    title: 'Asked',
    wide: true,
    render: (approval) => (
      <>
        <div className="clip" title={approval.question}>
          <a className="over" href={`/trust/approvals/${approval.id}`}>
            {approval.agent}: {approval.kind === 'approval' ? approval.tool : approval.question}
          </a>
        </div>
        <div className="clip muted small">{approval.answer === null ? approval.reason : approval.answer.text}</div>
      </>
    ),
  },
  {
    title: 'Came of it',
    render: (approval) => <Badge tone={toneOf(approval)}>{(approval.answer?.answer ?? approval.state).replace('_', ' ')}</Badge>,
  },
  { title: 'By', minor: true, render: (approval) => <span className="nowrap">{approval.answer?.by.name ?? '–'}</span> },
  { title: 'When', end: true, render: (approval) => <Time ms={approval.answer?.atMs ?? approval.askedAtMs} /> },
];

export function Approvals() {
  const [params] = useParams();
  const state = STATES.find((each) => each === params.get('state')) ?? 'answered';
  const rows = usePages(api.approvals.list, { state }, { live: ['approval', 'run.ended'] });
  return (
    <TrustPage title="Approvals">
      <div className="filters" role="search">
        <ChoiceFilter label="State" name="state" any="Answered" choices={STATES.slice(1)} />
      </div>
      <Card flush>
        <List
          what="questions"
          rows={rows}
          columns={COLUMNS}
          keyOf={(approval) => approval.id}
          empty={
            <Empty title={EMPTY[state]}>
              Runs ask before they do what cannot be undone. What waits is on <a href="/">Home</a> as well.
            </Empty>
          }
        />
      </Card>
    </TrustPage>
  );
}
