/** What needs me, what goes on, what it cost today. */
import { Card, Page } from '../parts/page.tsx';
import { RunList } from '../parts/run-list.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { api } from '../state/api.ts';
import type { AnswerOf } from '../state/api.ts';
import { count, money, tokens } from '../state/format.ts';
import { usePages } from '../state/pages.ts';
import { useCall } from '../state/query.ts';

type Status = AnswerOf<typeof api.status.read>;

export function Home() {
  const status = useCall(api.status.read, { since: midnightMs() }, { live: ['run', 'agent', 'approval'], everyMs: 60_000 });
  const live = usePages(api.runs.list, { live: 'true' }, { live: ['run'] });
  return (
    <Page title="Home">
      <Card title="Today">
        <Loaded query={status} what="what goes on">
          {(found) => <Figures status={found} />}
        </Loaded>
      </Card>
      <Card title="Going on" flush>
        <RunList rows={live} empty={<Empty title="Nothing runs">Start a run from an agent.</Empty>} />
      </Card>
    </Page>
  );
}

/** Today begins where the reader is. */
function midnightMs(): number {
  return new Date().setHours(0, 0, 0, 0);
}

function Figures({ status }: { status: Status }) {
  const { spend } = status;
  const known = spend.unknown.kind === 'exact' && spend.unknown.value === 0;
  return (
    <div className="figures">
      <Figure title="Spent" value={money({ microUsd: spend.microUsd, known })} />
      <Figure title="Runs" value={count(spend.runs)} />
      <Figure title="Tokens" value={tokens(spend.inputTokens + spend.outputTokens)} />
      <Figure title="Wait for a person" value={count(status.waitingForPeople.count)} />
      <Figure title="Agents in error" value={count(status.agentsInError.count)} />
    </div>
  );
}

export function Figure({ title, value }: { title: string; value: string }) {
  return (
    <div className="figure">
      <span className="muted small">{title}</span>
      <b>{value}</b>
    </div>
  );
}
