/** What needs a person, the most urgent kind first. Each source stands for itself: one that fails says so and hides no other. */
import { useState } from 'react';
import type { AlertView } from '../../../../src/work/alerts/contract.ts';
import { Icon } from '../../parts/icon.tsx';
import { Failed, Loading } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import type { AnswerOf, Problem } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { count, plural, shortId } from '../../state/format.ts';
import { useShortcuts } from '../../state/keys.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { AlertActions, AlertKind, Severity } from '../context/alerts.tsx';
import { Approval } from './approval.tsx';
import { BudgetNearEnd, BudgetRequest, Proposed, Waits } from './waiting.tsx';

const SHOWN = 20;
const HALTED_SHOWN = 5;
const HALTED_SINCE_MS = 24 * 60 * 60_000;

type Agent = AnswerOf<typeof api.status.read>['agentsInError']['items'][number];
type Run = AnswerOf<typeof api.runs.list>['items'][number];

export function Needs() {
  const approvals = useCall(api.approvals.list, useMay('approvals.read') ? { limit: SHOWN } : null, { live: ['approval', 'run.ended'] });
  const alerts = useCall(api.alerts.list, useMay('context.read') ? { limit: SHOWN } : null, { live: ['alert'], everyMs: 30_000 });
  const status = useCall(api.status.read, useMay('status.read') ? {} : null, { live: ['agent', 'run.ended', 'budget'], everyMs: 60_000 });
  const halted = useCall(api.runs.list, useMay('runs.read') ? { status: 'halted', limit: SHOWN } : null, { live: ['run.ended', 'run.queued'] });
  const [mayRaise, mayAnswer, mayWrite] = [useMay('budgets.raise'), useMay('approvals.answer'), useMay('context.write')];
  const requests = useCall(api.budgets.requests, mayRaise ? { state: 'open', limit: SHOWN } : null, { live: ['budget'], everyMs: 30_000 });
  const proposals = useCall(api.standards.proposals, mayAnswer ? { state: 'open', limit: SHOWN } : null, { live: ['standard'], everyMs: 30_000 });
  const handoffs = useCall(api.handoffs.list, mayWrite ? { view: 'queue', limit: SHOWN } : null, { live: ['handoff'], everyMs: 30_000 });
  useNeedKeys();
  const [since] = useState(() => Date.now() - HALTED_SINCE_MS);
  const sources = [approvals, alerts, status, halted, requests, proposals, handoffs];
  const stopped = (halted.data?.items ?? []).filter((run) => (run.endedAtMs ?? 0) > since);
  const agents = status.data?.agentsInError.items ?? [];
  const budgets = status.data?.budgetsNearEnd.items ?? [];
  const alertItems = alerts.data?.items ?? [];
  const asked = approvals.data?.items ?? [];
  const waiting = [requests.data?.items ?? [], proposals.data?.items ?? [], handoffs.data?.items ?? []] as const;
  const total = budgets.length + asked.length + alertItems.length + agents.length + stopped.length + waiting.flat().length;
  const failed = [
    { what: 'What runs ask', query: approvals },
    { what: 'Alerts', query: alerts },
    { what: 'Agents in error and budgets', query: status },
    { what: 'Halted runs', query: halted },
    { what: 'Requests for more of a budget', query: requests },
    { what: 'Proposals of standards', query: proposals },
    { what: 'Handoffs that wait', query: handoffs },
  ].filter(({ query }) => query.problem !== null && query.data === undefined);
  if (sources.every(({ data, loading }) => data === undefined && loading)) return <Loading what="what needs you" />;
  return (
    <div className="stack">
      {failed.map(({ what, query }) => (
        <div key={what} className="card">
          <Failed what={what} problem={query.problem as Problem} retry={query.reload} />
        </div>
      ))}
      {asked.map((approval) => (
        <Approval key={approval.id} approval={approval} />
      ))}
      {approvals.data?.next !== null && approvals.data !== undefined && (
        <p className="muted">{count(approvals.data.total)} questions wait; the oldest are shown.</p>
      )}
      {alertItems.map((alert) => (
        <Alert key={alert.id} alert={alert} />
      ))}
      {alerts.data?.next !== null && alerts.data !== undefined && (
        <p className="muted">{count(alerts.data.total)} alerts are open; the worst are shown.</p>
      )}
      {budgets.map((budget) => (
        <BudgetNearEnd key={budget.id} budget={budget} />
      ))}
      {agents.map((agent) => (
        <AgentInError key={agent.name} agent={agent} />
      ))}
      {stopped.slice(0, HALTED_SHOWN).map((run) => (
        <Halted key={run.id} run={run} />
      ))}
      {stopped.length > HALTED_SHOWN && (
        <p>
          <a href="/runs?status=halted">More runs halted in the last day</a>
        </p>
      )}
      {waiting[0].map((request) => (
        <BudgetRequest key={request.id} request={request} />
      ))}
      {waiting[1].map((proposal) => (
        <Proposed key={proposal.id} proposal={proposal} />
      ))}
      {waiting[2].map((handoff) => (
        <Waits key={handoff.id} handoff={handoff} />
      ))}
      {total === 0 && failed.length === 0 && (
        <div className="card calm">
          <Icon name="check" size={20} />
          <p>Nothing needs you.</p>
        </div>
      )}
    </div>
  );
}

/** `j` and `k` go from one to the next; what can be done with it is on its own keys. */
function useNeedKeys(): void {
  const step = (by: 1 | -1): void => {
    const all = [...document.querySelectorAll<HTMLElement>('[data-need]')];
    const at = all.findIndex((each) => each.contains(document.activeElement));
    const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
    next?.focus();
  };
  useShortcuts([
    { keys: 'j', does: 'Next thing that needs you; then a approves, e edits, d denies', run: () => step(1) },
    { keys: 'k', does: 'The one before', run: () => step(-1) },
  ]);
}

function Alert({ alert }: { alert: AlertView }) {
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`Alert: ${alert.title}`}>
      <header>
        <h3 className="grow">{alert.title}</h3>
        <AlertKind alert={alert} />
        <Severity alert={alert} />
      </header>
      <p className="muted small">
        {alert.repository !== null && <>{alert.repository} </>}
        {alert.branch !== null && <>on {alert.branch}, </>}since <Time ms={alert.firstAtMs} />, told {plural(alert.count, 'time')}, by{' '}
        {alert.source.name}
        {alert.owner !== null && <>, owner {alert.owner.name}</>}.
      </p>
      <div className="row">
        {alert.url !== null && /^https?:/.test(alert.url) && (
          <a className="button" href={alert.url} target="_blank" rel="noreferrer noopener">
            Open where it comes from
          </a>
        )}
        <AlertActions alert={alert} />
      </div>
    </article>
  );
}

function AgentInError({ agent }: { agent: Agent }) {
  const { busy, run } = useAct();
  const may = useMay('agents.write');
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`Agent ${agent.name} is in error`}>
      <header>
        <h3 className="grow">
          <a href={`/agents/${agent.name}`}>{agent.name}</a> takes no more runs
        </h3>
        <span className="muted small">
          since <Time ms={agent.sinceMs} />
        </span>
      </header>
      <p>{agent.reason}</p>
      <div className="row">
        <a className="button" href={`/runs?agent=${agent.name}&status=failed`}>
          See its failed runs
        </a>
        {may && (
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() =>
              void run(async () => {
                await api.agents.resume({ name: agent.name });
                return `${agent.name} takes runs again.`;
              }, 'agent')
            }
          >
            Let it run again
          </button>
        )}
      </div>
    </article>
  );
}

function Halted({ run }: { run: Run }) {
  const act = useAct();
  const may = useMay('runs.create');
  return (
    <article className="card need" data-need tabIndex={0} aria-label={`Run of ${run.agent} halted`}>
      <header>
        <h3 className="grow">
          <a href={`/runs/${run.id}`}>
            {run.agent} <span className="mono">{shortId(run.id)}</span>
          </a>{' '}
          halted
        </h3>
        <span className="muted small">{run.endedAtMs !== null && <Time ms={run.endedAtMs} />}</span>
      </header>
      <p>{run.reason}</p>
      {may && (
        <div className="row">
          <button
            type="button"
            className="button"
            disabled={act.busy}
            onClick={() =>
              void act.run(async () => {
                const made = await api.runs.retry({ id: run.id });
                return made.message;
              }, 'run')
            }
          >
            Retry from where it stopped
          </button>
        </div>
      )}
    </article>
  );
}
