/** What waits for a person besides runs: requests for more of a budget, proposals of standards, handoffs from other projects. */
import type { BudgetView, NearEnd, RequestView } from '../../../../src/platform/budgets/contract.ts';
import type { HandoffView } from '../../../../src/work/handoffs/contract.ts';
import type { ProposalView } from '../../../../src/work/standards/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { HandoffActions } from '../context/handoff.tsx';
import { amount } from '../spend/frame.tsx';
import { RequestActions } from '../spend/request.tsx';

export function BudgetRequest({ request }: { request: RequestView }) {
  const budgets = useCall(api.budgets.list, { limit: 200 }, { live: ['budget'] });
  const budget: BudgetView | undefined = budgets.data?.items.find(({ id }) => id === request.budget);
  const of = budget === undefined ? 'a budget' : budget.scope === 'org' ? 'the budget of everything' : `the budget of ${budget.scope} ${budget.name}`;
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`${request.by.name} asks for more of ${of}`}>
      <header>
        <h3 className="grow">
          {request.by.name} asks for {budget === undefined ? 'more' : `${amount(request.amount, budget.unit)} more`} of{' '}
          <a href="/spend/budgets">{of}</a>
        </h3>
        <span className="muted small">
          <Time ms={request.atMs} />
        </span>
      </header>
      {request.reason !== '' && <p>{request.reason}</p>}
      {budget !== undefined && (
        <p className="muted small">
          {amount(budget.left, budget.unit)} of {amount(budget.limit + budget.granted, budget.unit)} are left
          {budget.resetsAtMs !== null && (
            <>
              , it resets <Time ms={budget.resetsAtMs} />
            </>
          )}
          .
        </p>
      )}
      <div className="row">
        <RequestActions request={request} />
      </div>
    </article>
  );
}

/** A budget that is used up, or of which 80% is spent: gone from here when it resets or has more. */
export function BudgetNearEnd({ budget }: { budget: NearEnd }) {
  const mayRaise = useMay('budgets.raise');
  return (
    <article className="card need" data-need tabIndex={0} aria-label={budget.text}>
      <header>
        <h3 className="grow">
          <a href="/spend/budgets">{budget.scope === 'org' ? 'The budget of everything' : `The budget of ${budget.scope} ${budget.name}`}</a>{' '}
          {budget.state === 'exhausted' ? 'is used up' : 'is nearly used up'}
        </h3>
        <Badge tone={budget.state === 'exhausted' ? 'bad' : 'wait'}>{budget.state === 'exhausted' ? 'used up' : '80%'}</Badge>
      </header>
      <p>{budget.text}</p>
      <div className="row">
        <a className="button" href="/spend/budgets">
          {mayRaise && budget.plan === null ? 'Raise it or grant more' : 'Look at it'}
        </a>
      </div>
    </article>
  );
}

export function Proposed({ proposal }: { proposal: ProposalView }) {
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`Proposal of a standard: ${proposal.domain}/${proposal.topic}`}>
      <header>
        <h3 className="grow">
          {proposal.proposedBy.name} proposes the standard{' '}
          <a href={`/context/proposals/${proposal.id}`}>
            {proposal.domain}/{proposal.topic}
          </a>
        </h3>
        <span className="muted small">
          <Time ms={proposal.proposedAtMs} />
        </span>
      </header>
      <p>{proposal.why}</p>
      <div className="row">
        <a className="button" href={`/context/proposals/${proposal.id}`}>
          Read it and answer
        </a>
      </div>
    </article>
  );
}

export function Waits({ handoff }: { handoff: HandoffView }) {
  const tone = handoff.priority === 'urgent' ? 'bad' : handoff.priority === 'high' ? 'wait' : 'plain';
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`Handoff from ${handoff.from}: ${handoff.summary}`}>
      <header>
        <h3 className="grow">
          {handoff.from} leaves <a href={`/context/handoffs/${handoff.id}`}>a handoff</a> to {handoff.to}
        </h3>
        {handoff.priority !== 'normal' && <Badge tone={tone}>{`${handoff.priority} priority`}</Badge>}
        <span className="muted small">
          <Time ms={handoff.createdAtMs} />
        </span>
      </header>
      <p>{handoff.summary}</p>
      <div className="row">
        <HandoffActions handoff={handoff} />
      </div>
    </article>
  );
}
