/** Budgets: what is spent, reserved and left of each and when it resets; asking for more, and granting it. */
import { useState } from 'react';
import type { BudgetView, RequestView } from '../../../../src/platform/budgets/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Bar } from '../../parts/bar.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { Ask, Change, NewBudget } from './amounts.tsx';
import { budgetName, periodOf } from './budget-words.ts';
import { SpendPage, amount } from './frame.tsx';
import { RequestActions } from './request.tsx';

const TONES = { open: 'good', warned: 'wait', exhausted: 'bad' } as const;
const WORDS = { open: 'open', warned: 'nearly used up', exhausted: 'used up' } as const;
type Open = { what: 'ask' | 'change' | 'remove'; budget: BudgetView } | { what: 'new' } | null;

function columnsOf(act: (open: Open) => void, may: { ask: boolean; raise: boolean }): readonly Column<BudgetView>[] {
  return [
    {
      title: 'Budget',
      wide: true,
      render: (budget) => {
        const whole = Math.max(1, budget.limit + budget.granted);
        return (
          <>
            <div className="clip">
              <b>{budgetName(budget)}</b> <span className="muted">{periodOf(budget)}</span>
            </div>
            <Bar
              parts={[
                { share: budget.spent / whole, kind: budget.state === 'exhausted' ? 'over' : 'full' },
                { share: budget.reserved / whole, kind: 'held' },
              ]}
            />
          </>
        );
      },
    },
    { title: 'State', minor: true, render: (budget) => <Badge tone={TONES[budget.state]}>{WORDS[budget.state]}</Badge> },
    { title: 'Spent', end: true, minor: true, render: (budget) => amount(budget.spent, budget.unit) },
    { title: 'Reserved', end: true, extra: true, render: (budget) => amount(budget.reserved, budget.unit) },
    { title: 'Left', end: true, render: (budget) => amount(budget.left, budget.unit) },
    {
      title: 'Of',
      end: true,
      extra: true,
      render: (budget) => (
        <>
          {amount(budget.limit, budget.unit)}
          {budget.granted > 0 && <span className="muted"> + {amount(budget.granted, budget.unit)}</span>}
        </>
      ),
    },
    { title: 'Resets', end: true, extra: true, render: (budget) => (budget.resetsAtMs === null ? '–' : <Time ms={budget.resetsAtMs} />) },
    {
      title: 'Do',
      end: true,
      render: (budget) => (
        <span className="row tight end">
          {may.ask && (
            <button type="button" className="button" onClick={() => act({ what: 'ask', budget })}>
              {may.raise ? 'Grant more' : 'Ask for more'}
            </button>
          )}
          {may.raise && budget.plan === null && (
            <>
              <button type="button" className="button" onClick={() => act({ what: 'change', budget })}>
                Change
              </button>
              <button type="button" className="button plain" onClick={() => act({ what: 'remove', budget })}>
                Remove
              </button>
            </>
          )}
        </span>
      ),
    },
  ];
}

export function Budgets() {
  const rows = usePages(api.budgets.list, {}, { live: ['budget', 'run.ended'], everyMs: 15_000 });
  const requests = usePages(api.budgets.requests, {}, { live: ['budget'], everyMs: 30_000 });
  const [params, setParams] = useParams();
  const agent = params.get('agent');
  const [open, setOpen] = useState<Open>(agent === null ? null : { what: 'new' });
  const raise = useMay('budgets.raise');
  const ask = useMay('runs.create');
  const budgets = rows.items ?? [];
  return (
    <SpendPage
      title="Budgets"
      actions={
        raise ? (
          <button type="button" className="button main" onClick={() => setOpen({ what: 'new' })}>
            <Icon name="plus" size={14} /> New budget
          </button>
        ) : undefined
      }
    >
      <Card flush>
        <List
          what="budgets"
          rows={rows}
          columns={columnsOf(setOpen, { ask, raise })}
          keyOf={(budget) => budget.id}
          empty={
            <Empty title="Nothing is capped">
              A budget holds an agent, a project, a key or everything to an amount in a period. What would go over it is refused before it is spent.
            </Empty>
          }
        />
      </Card>
      {(requests.items === undefined || requests.items.length > 0) && (
        <Card title="Who asked for more" flush>
          <List what="requests" rows={requests} columns={requestColumns(budgets)} keyOf={(request) => request.id} empty={null} />
        </Card>
      )}
      {open?.what === 'ask' && <Ask budget={open.budget} grants={raise} onClose={() => setOpen(null)} />}
      {open?.what === 'change' && <Change budget={open.budget} onClose={() => setOpen(null)} />}
      {open?.what === 'new' && (
        <NewBudget
          agent={agent}
          onClose={() => {
            setOpen(null);
            setParams({ agent: null });
          }}
        />
      )}
      {open?.what === 'remove' && <Remove budget={open.budget} onClose={() => setOpen(null)} />}
    </SpendPage>
  );
}

const REQUEST_TONES = { open: 'wait', granted: 'good', refused: 'plain' } as const;

function requestColumns(budgets: readonly BudgetView[]): readonly Column<RequestView>[] {
  const of = (request: RequestView): BudgetView | undefined => budgets.find(({ id }) => id === request.budget);
  return [
    {
      title: 'Request',
      wide: true,
      render: (request) => {
        const budget = of(request);
        return (
          <>
            <div className="clip">
              <b>{request.by.name}</b> asks for{' '}
              {budget === undefined ? request.amount : `${amount(request.amount, budget.unit)} more of ${budgetName(budget)}`}
            </div>
            <div className="clip muted small">{request.state === 'open' ? request.reason : request.answer}</div>
          </>
        );
      },
    },
    { title: 'State', render: (request) => <Badge tone={REQUEST_TONES[request.state]}>{request.state}</Badge> },
    { title: 'Asked', end: true, minor: true, render: (request) => <Time ms={request.atMs} /> },
    {
      title: 'Do',
      end: true,
      render: (request) => (
        <span className="row tight end">
          <RequestActions request={request} />
        </span>
      ),
    },
  ];
}

function Remove({ budget, onClose }: { budget: BudgetView; onClose: () => void }) {
  const { run } = useAct();
  return (
    <Confirm
      title={`Remove the budget of ${budgetName(budget)}`}
      action="Remove"
      danger
      onConfirm={() =>
        run(async () => {
          await api.budgets.remove({ id: budget.id });
          return 'Removed: nothing is capped by it any more.';
        }, 'budget')
      }
      onClose={onClose}
    >
      Nothing is capped by it any more, and runs that wait for it go on.
    </Confirm>
  );
}
