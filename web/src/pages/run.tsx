/** One run: what it is and costs, what it waits for, every step of it, and what can be done with it. */
import { FINAL_STATUSES } from 'virtual:words';
import type { RunDetail } from '../../../src/runtime/runs/contract.ts';
import { Badge, RunBadge } from '../parts/badge.tsx';
import { Figure, Figures } from '../parts/figures.tsx';
import { Json } from '../parts/json.tsx';
import { Card, Page } from '../parts/page.tsx';
import { RunName, Took } from '../parts/run-list.tsx';
import { Failed, Loaded, Loading, Outdated } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import type { PageProps } from '../routes.ts';
import { api } from '../state/api.ts';
import { money, number, shortId, tokens } from '../state/format.ts';
import { useJournal } from '../state/journal.ts';
import { useCall } from '../state/query.ts';
import { useParams } from '../state/router.ts';
import { Approval } from './needs/approval.tsx';
import { RunActions } from './run/actions.tsx';
import { RunBudgets } from './run/budgets.tsx';
import { Timeline } from './run/timeline.tsx';

export function Run({ params }: PageProps) {
  const id = params['id'] ?? '';
  const [query] = useParams();
  const tab = query.get('tab') ?? 'timeline';
  const run = useCall(api.runs.get, { id }, { live: [`run:${id}`] });
  const journal = useJournal(id);
  const { data } = run;
  if (data === undefined) {
    return (
      <Page title="Run" crumbs={[{ to: '/runs', label: 'Runs' }]}>
        {run.problem === null ? <Loading what="the run" /> : <Failed what="The run" problem={run.problem} retry={run.reload} />}
      </Page>
    );
  }
  const tabs = [
    { to: `/runs/${id}`, label: 'Timeline', name: 'timeline' },
    { to: `/runs/${id}?tab=about`, label: 'Input, answer, budgets', name: 'about' },
    { to: `/runs/${id}?tab=journal`, label: 'Journal', name: 'journal' },
  ];
  return (
    <Page
      title={data.agent}
      crumbs={[{ to: '/runs', label: 'Runs' }]}
      beside={
        <>
          <span className="mono muted" title={id}>
            {shortId(id)}
          </span>
          <RunBadge status={data.status} waitingFor={data.waitingFor} />
          {data.rehearsed && <Badge>rehearsed</Badge>}
          {data.purpose !== 'live' && data.purpose !== 'rehearsal' && <Badge>{data.purpose}</Badge>}
        </>
      }
      about={data.reason === '' ? (data.phase ?? undefined) : data.reason}
      actions={<RunActions run={data} entries={journal.entries} />}
    >
      <Outdated query={run} />
      {data.waitingOn.length > 0 && <Waiting run={id} />}
      {data.escalation !== null && <Escalated escalation={data.escalation} />}
      <RunFigures run={data} />
      <nav className="tabs" aria-label="Parts of this run">
        {tabs.map((each) => (
          <a key={each.name} href={each.to} aria-current={each.name === tab ? 'page' : undefined}>
            {each.label}
          </a>
        ))}
      </nav>
      {tab === 'timeline' && <Timeline run={data} journal={journal} />}
      {tab === 'about' && <About run={data} />}
      {tab === 'journal' && <Raw id={id} />}
    </Page>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Waiting({ run }: { run: string }) {
  const approvals = useCall(api.approvals.list, { run }, { live: ['approval'] });
  return (
    <div className="stack">
      <h2 className="unseen">It waits for a person</h2>
      {(approvals.data?.items ?? []).map((approval) => (
        <Approval key={approval.id} approval={approval} linkRun={false} />
      ))}
    </div>
  );
}

function Escalated({ escalation }: { escalation: NonNullable<RunDetail['escalation']> }) {
  return (
    <Card>
      <dl className="facts">
        <dt>Blocked</dt>
        <dd>{escalation.blocked}</dd>
        <dt>Tried</dt>
        <dd>{escalation.tried}</dd>
        <dt>Needs</dt>
        <dd>{escalation.need}</dd>
      </dl>
    </Card>
  );
}

function RunFigures({ run }: { run: RunDetail }) {
  const { usage } = run;
  return (
    <Card>
      <Figures>
        <Figure title="Cost" value={money(run.cost)} hint={run.cost.known ? 'As settled' : 'A lower bound: some model has no price'} />
        <Figure title="Took" value={<Took run={run} />} />
        <Figure title="Turns" value={number(run.turns)} />
        <Figure title="Tool calls" value={number(run.toolCalls)} />
        <Figure
          title="Tokens"
          value={tokens(usage.inputTokens + usage.outputTokens)}
          hint={`${number(usage.inputTokens)} in, ${number(usage.cachedInputTokens)} of them cached; ${number(usage.outputTokens)} out`}
        />
        {run.percent !== null && !FINAL_STATUSES.includes(run.status) && (
          <Figure title={sentence(run.phase ?? 'progress')} value={`${Math.round(run.percent)} %`} />
        )}
      </Figures>
      <p className="row muted small run-facts">
        <span>
          begun <Time ms={run.createdAtMs} /> by {run.by.name} ({run.trigger})
        </span>
        <span>
          <a href={`/agents/${run.agent}`}>{run.agent}</a> version {run.version}
        </span>
        {run.project !== null && <span>project {run.project}</span>}
        {run.labels.length > 0 && <span>labels: {run.labels.join(', ')}</span>}
        {run.evidence.length > 0 && <span>evidence: {run.evidence.map((each) => `${each.what} (level ${each.level})`).join('; ')}</span>}
        {run.etaMs !== null && (
          <span>
            about <Time ms={run.etaMs} />
          </span>
        )}
        {run.parent !== null && <a href={`/runs/${run.parent}`}>the run that called it</a>}
        {run.origin !== null && (
          <span>
            {run.origin.how} of <a href={`/runs/${run.origin.run}`}>{shortId(run.origin.run)}</a> at entry {run.origin.seq} (
            <a href={`/runs/${run.id}/compare/${run.origin.run}`}>compare</a>)
          </span>
        )}
      </p>
      {run.children.length > 0 && (
        <ul className="row">
          {run.children.map((child) => (
            <li key={child.run} className="row tight">
              <RunName run={{ id: child.run, agent: child.agent, rehearsed: false }} /> <RunBadge status={child.status} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function About({ run }: { run: RunDetail }) {
  return (
    <div className="stack">
      <RunBudgets run={run} />
      <Card title="Input">
        <Json value={run.input} />
      </Card>
      <Card title={run.partial ? 'Answer, in part' : 'Answer'}>
        {run.answer === null ? (
          <p className="muted">{FINAL_STATUSES.includes(run.status) ? 'It ended without an answer.' : 'Not there yet.'}</p>
        ) : (
          <Json value={run.answer} tall />
        )}
      </Card>
      {run.output !== undefined && (
        <Card title="Output">
          <Json value={run.output} tall />
        </Card>
      )}
    </div>
  );
}

/** The transcript, and whether the chain of the journal holds. */
function Raw({ id }: { id: string }) {
  const verified = useCall(api.runs.verify, { id }, { live: [`run:${id}`] });
  const transcript = useCall(api.runs.transcript, { id }, { live: [`run:${id}`] });
  return (
    <div className="stack">
      <Card title="Chain">
        <Loaded query={verified} what="whether the chain holds">
          {(found) => (
            <p className="row">
              <Badge tone={found.ok ? 'good' : 'bad'}>{found.ok ? 'unbroken' : 'broken'}</Badge> {found.why}
            </p>
          )}
        </Loaded>
      </Card>
      <Card
        title="Transcript"
        beside={
          <a className="small" href={`/api/v1/runs/${id}/events?limit=1000`} target="_blank" rel="noopener">
            Raw entries as JSON
          </a>
        }
      >
        <Loaded query={transcript} what="the transcript">
          {(found) => <Json value={found.markdown} tall />}
        </Loaded>
      </Card>
    </div>
  );
}
