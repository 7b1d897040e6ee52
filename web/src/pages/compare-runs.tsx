/** Two runs side by side: what they cost and came to, and step by step where they part. */
import { useMemo } from 'react';
import type { RunDetail } from '../../../src/runtime/runs/contract.ts';
import { RunBadge } from '../parts/badge.tsx';
import { Differences } from '../parts/json.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Took } from '../parts/run-list.tsx';
import { Loaded } from '../parts/states.tsx';
import type { PageProps } from '../routes.ts';
import { api } from '../state/api.ts';
import { money, number, shortId } from '../state/format.ts';
import { useJournal } from '../state/journal.ts';
import { useCall } from '../state/query.ts';
import type { Step } from './run/steps.ts';
import { stepOf } from './run/steps.ts';

/** Pairs of steps shown: a comparison is for reading. */
const SHOWN = 500;

export function CompareRuns({ params }: PageProps) {
  const [left, right] = [params['id'] ?? '', params['other'] ?? ''];
  return (
    <Page
      title="Two runs"
      crumbs={[
        { to: '/runs', label: 'Runs' },
        { to: `/runs/${left}`, label: shortId(left) },
      ]}
    >
      <div className="columns">
        <One id={left} />
        <One id={right} />
      </div>
      <Steps left={left} right={right} />
    </Page>
  );
}

function One({ id }: { id: string }) {
  const run = useCall(api.runs.get, { id }, { live: [`run:${id}`] });
  return (
    <Card
      title={
        <a href={`/runs/${id}`}>
          {run.data?.agent ?? 'Run'} {shortId(id)}
        </a>
      }
    >
      <Loaded query={run} what="the run">
        {(found) => <Facts run={found} />}
      </Loaded>
    </Card>
  );
}

function Facts({ run }: { run: RunDetail }) {
  return (
    <dl className="facts">
      <dt>Status</dt>
      <dd>
        <RunBadge status={run.status} waitingFor={run.waitingFor} /> {run.reason}
      </dd>
      <dt>Version</dt>
      <dd>{run.version}</dd>
      <dt>Cost</dt>
      <dd className="number">{money(run.cost)}</dd>
      <dt>Took</dt>
      <dd className="number">
        <Took run={run} />
      </dd>
      <dt>Turns, calls</dt>
      <dd className="number">
        {run.turns}, {run.toolCalls}
      </dd>
      <dt>Tokens</dt>
      <dd className="number">{number(run.usage.inputTokens + run.usage.outputTokens)}</dd>
      <dt>Answer</dt>
      <dd>{run.answer === null ? '–' : run.answer.slice(0, 600)}</dd>
    </dl>
  );
}

function Steps({ left, right }: { left: string; right: string }) {
  const [a, b] = [useJournal(left), useJournal(right)];
  const [mine, theirs] = [useMemo(() => told(a.entries.map(stepOf)), [a.entries]), useMemo(() => told(b.entries.map(stepOf)), [b.entries])];
  const first = firstApart(mine, theirs);
  const rows = Array.from({ length: Math.min(SHOWN, Math.max(mine.length, theirs.length)) }, (_none, index) => [mine[index], theirs[index]] as const);
  const [x, y] = first === null ? [undefined, undefined] : [mine[first], theirs[first]];
  return (
    <>
      <Card title="Where they part">
        {first === null ? (
          <p className="muted">Every step is the same.</p>
        ) : (
          <Differences
            list={[
              { path: `step ${first + 1}`, ...(x === undefined ? {} : { before: textOf(x) }), ...(y === undefined ? {} : { after: textOf(y) }) },
            ]}
          />
        )}
      </Card>
      <Card title="Step by step" flush>
        <div className="list">
          <table>
            <caption className="unseen">Steps of both runs</caption>
            <thead>
              <tr>
                <th scope="col">Step</th>
                <th scope="col">{shortId(left)}</th>
                <th scope="col">{shortId(right)}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(([one, other], index) => (
                <tr key={index} className={index === first ? 'apart' : undefined}>
                  <td className="muted number">{index + 1}</td>
                  <td>{one === undefined ? '–' : <StepLink run={left} step={one} />}</td>
                  <td>{other === undefined ? '–' : <StepLink run={right} step={other} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </>
  );
}

function StepLink({ run, step }: { run: string; step: Step }) {
  return (
    <div className="clip pair">
      <a href={`/runs/${run}?step=${step.seq}`}>{step.title}</a> <span className="muted">{step.about}</span>
    </div>
  );
}

/** Steps that say what was decided and done; who carried them out is no difference. */
function told(steps: readonly Step[]): Step[] {
  return steps.filter((step) => !step.minor && !/^run\.(?:queued|started|resumed)/.test(step.entry.event?.type ?? ''));
}

function textOf(step: Step): string {
  return `${step.title}\n${step.about}`;
}

function firstApart(left: readonly Step[], right: readonly Step[]): number | null {
  const longest = Math.max(left.length, right.length);
  for (let index = 0; index < longest; index += 1) {
    const [one, other] = [left[index], right[index]];
    if (one === undefined || other === undefined || textOf(one) !== textOf(other)) return index;
  }
  return null;
}
