/** What was spent today and this month, by whom and on what, where it goes, and the dearest runs. */
import type { Figures as Spent, Share } from '../../../../src/work/spend/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Bar } from '../../parts/bar.tsx';
import { Figure, Figures } from '../../parts/figures.tsx';
import type { Column } from '../../parts/list.tsx';
import { List, STILL } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { AnswerOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { money, number, plural, shortId, tokens } from '../../state/format.ts';
import type { Query } from '../../state/query.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { BudgetRequest } from '../needs/waiting.tsx';
import { BY_WORDS, ByDay, useBy } from './by-day.tsx';
import { SpendPage } from './frame.tsx';

type Account = AnswerOf<typeof api.spend.read>;
type TopRun = Account['topRuns']['items'][number];

function cost(figures: Spent): string {
  return money({ microUsd: figures.microUsd, known: figures.unpricedCalls === 0 });
}

export function Spend() {
  const account: Query<Account> = useCall(api.spend.read, {}, { live: ['run.ended', 'budget'], everyMs: 30_000 });
  return (
    <SpendPage title="Spend">
      <Asked />
      <Loaded query={account} what="spend">
        {(found) => (
          <>
            <Totals account={found} />
            <ByDay />
            <Shares account={found} />
            <Card title="Dearest runs of this month" flush>
              <List
                what="runs"
                rows={{ ...STILL, items: found.topRuns.items, total: found.topRuns.total }}
                columns={RUN_COLUMNS}
                keyOf={(run) => run.id}
                empty={<Empty title="No run has cost anything this month" />}
              />
            </Card>
          </>
        )}
      </Loaded>
    </SpendPage>
  );
}

const ASKED_SHOWN = 5;

/** Who asks for more, answered where it stands. */
function Asked() {
  const may = useMay('budgets.raise');
  const requests = useCall(api.budgets.requests, { state: 'open', limit: ASKED_SHOWN }, { live: ['budget'], everyMs: 30_000 });
  const { data } = requests;
  if (data === undefined || data.items.length === 0) return null;
  const total = data.total.kind === 'unknown' ? data.shown : data.total.value;
  if (!may) {
    return (
      <Notice>
        {plural(total, 'request')} for more of a <a href="/spend/budgets">budget</a> {total === 1 ? 'waits' : 'wait'} for an answer.
      </Notice>
    );
  }
  return (
    <section className="stack tight" aria-label="Who asks for more">
      <h2>Who asks for more</h2>
      {data.items.map((request) => (
        <BudgetRequest key={request.id} request={request} />
      ))}
      {total > data.shown && (
        <p className="muted">
          {number(data.shown)} of {number(total)} requests; <a href="/spend/budgets">all of them</a>
        </p>
      )}
    </section>
  );
}

function Totals({ account }: { account: Account }) {
  const { today, month, forecast, fixed } = account;
  const waiting = account.runsWaiting.kind === 'unknown' ? 0 : account.runsWaiting.value;
  return (
    <>
      {waiting > 0 && (
        <Notice kind="bad">
          {plural(waiting, 'run')} {waiting === 1 ? 'waits' : 'wait'} for a budget. <a href="/spend/budgets">See which is used up</a>
        </Notice>
      )}
      <Card>
        <Figures>
          <Figure title="Today" value={cost(today)} hint={`${number(today.calls)} calls`} />
          <Figure title="This month" value={cost(month)} hint={`${number(month.calls)} calls`} />
          <Figure
            title="Month at this pace"
            value={forecast.monthMicroUsd === null ? '–' : money({ microUsd: forecast.monthMicroUsd, known: month.unpricedCalls === 0 })}
            hint={forecast.how}
          />
          {fixed.items.length > 0 && (
            <Figure
              title="Fixed, a month"
              value={money({ microUsd: fixed.monthMicroUsd, known: true })}
              hint={`Beside what is metered: ${fixed.items.map(({ name }) => name).join(', ')}`}
            />
          )}
          <Figure title="Calls, month" value={number(month.calls)} />
          <Figure title="Tokens in" value={tokens(month.inputTokens)} hint={`${number(month.cachedInputTokens)} of them cached`} />
          <Figure title="Tokens out" value={tokens(month.outputTokens)} />
        </Figures>
        <Worth month={month} how={forecast.how} />
        <Plan />
      </Card>
    </>
  );
}

/** Whose key pays for models. */
function Plan() {
  const plan = useCall(api.budgets.plan, {}, { live: ['budget', 'run.ended'], everyMs: 60_000 });
  const { data } = plan;
  if (data === undefined) return null;
  return (
    <p className="muted small">
      Plan <b>{data.plan}</b>: {data.message}
      {data.leftTokens !== null && data.tokensPerDay !== null && (
        <>
          {' '}
          {tokens(data.leftTokens)} of {tokens(data.tokensPerDay)} tokens are left today
          {data.resetsAtMs !== null && (
            <>
              , it resets <Time ms={data.resetsAtMs} />
            </>
          )}
          .
        </>
      )}
    </p>
  );
}

/** What the figures leave open. Days and months are of UTC. */
function Worth({ month, how }: { month: Spent; how: string }) {
  const said = [
    ...(month.unpricedCalls === 0
      ? []
      : [`${plural(month.unpricedCalls, 'call')} of models without a price are in tokens only, so money is a lower bound`]),
    ...(month.estimatedCalls === 0 ? [] : [`${plural(month.estimatedCalls, 'call')} broke off and are counted at what they had reserved`]),
    ...(month.failedCalls === 0 ? [] : [`${plural(month.failedCalls, 'call')} failed`]),
    ...(month.rehearsedCalls === 0 ? [] : [`${plural(month.rehearsedCalls, 'call')} were rehearsed and cost nothing`]),
  ];
  return (
    <p className="muted small worth">
      Days and months are of UTC. {said.length > 0 && `${said.join('; ')}. `}
      {how}
    </p>
  );
}

function Shares({ account }: { account: Account }) {
  const by = useBy();
  const shares = account[`${by}s`];
  const most = Math.max(1, ...shares.items.map(({ month }) => month.microUsd));
  const columns: readonly Column<Share>[] = [
    {
      title: 'Whose',
      wide: true,
      render: (share) => (
        <>
          <div className="clip" title={share.name}>
            {by === 'agent' && share.id !== null ? <a href={`/agents/${encodeURIComponent(share.name)}`}>{share.name}</a> : share.name}
          </div>
          <Bar parts={[{ share: share.month.microUsd / most, kind: 'full' }]} />
        </>
      ),
    },
    { title: 'Month', end: true, render: (share) => cost(share.month) },
    { title: 'Today', end: true, render: (share) => cost(share.today) },
    { title: 'Calls', end: true, minor: true, render: (share) => number(share.month.calls) },
    { title: 'Tokens', end: true, minor: true, render: (share) => tokens(share.month.inputTokens + share.month.outputTokens) },
  ];
  return (
    <Card title={`Where it went this month, by ${BY_WORDS[by]}`} flush>
      <List
        what={by === 'actor' ? 'people' : `${by}s`}
        rows={{ ...STILL, items: shares.items, total: shares.total }}
        columns={columns}
        keyOf={(share) => share.id ?? share.name}
        empty={<Empty title="Nothing was spent this month">Every call of a model is counted here, of runs and of the gateway.</Empty>}
      />
    </Card>
  );
}

const RUN_COLUMNS: readonly Column<TopRun>[] = [
  {
    title: 'Run',
    wide: true,
    render: (run) => (
      <div className="clip">
        <a className="over" href={`/runs/${run.id}`}>
          {run.agent}
        </a>{' '}
        <span className="muted mono">{shortId(run.id)}</span>
      </div>
    ),
  },
  { title: 'Status', minor: true, render: (run) => <Badge>{run.status.replaceAll('_', ' ')}</Badge> },
  { title: 'Cost', end: true, render: (run) => money(run) },
  { title: 'Begun', end: true, render: (run) => <Time ms={run.createdAtMs} /> },
];
