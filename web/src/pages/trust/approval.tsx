/** One question of a run: the exact call, what led there, and who answered what. */
import { Badge } from '../../parts/badge.tsx';
import { Json } from '../../parts/json.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import type { AnswerOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { shortId } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { Approval as Ask } from '../needs/approval.tsx';

const CRUMBS = [{ to: '/trust', label: 'Approvals' }];

export function Approval({ params }: PageProps) {
  const approval = useCall(api.approvals.get, { id: params['id'] ?? '' }, { live: ['approval', 'run.ended'] });
  const found = approval.data;
  return (
    <Page
      title={found === undefined ? 'Question' : `${found.agent}: ${found.kind === 'approval' ? found.tool : 'a question'}`}
      crumbs={CRUMBS}
      beside={found === undefined ? undefined : <Badge tone={found.state === 'open' ? 'wait' : 'plain'}>{found.state}</Badge>}
    >
      <Loaded query={approval} what="the question">
        {(shown) => (shown.state === 'open' ? <Waiting approval={shown} /> : <Settled approval={shown} />)}
      </Loaded>
    </Page>
  );
}

function Waiting({ approval }: { approval: AnswerOf<typeof api.approvals.get> }) {
  return (
    <section className="stack" aria-label="What is asked">
      <h2>It waits for an answer</h2>
      <Ask approval={approval} />
    </section>
  );
}

function Settled({ approval }: { approval: AnswerOf<typeof api.approvals.get> }) {
  const { answer } = approval;
  return (
    <>
      <Card title="What was asked">
        <div className="stack">
          <p className="question">{approval.reason === '' || approval.kind !== 'approval' ? approval.question : approval.reason}</p>
          {approval.kind === 'approval' && <Json value={approval.args} />}
          <p className="muted small">
            Asked <Time ms={approval.askedAtMs} /> by <a href={`/runs/${approval.run}`}>run {shortId(approval.run)}</a>
            {approval.kind === 'approval' && approval.rules.length > 0 && <>, because of {approval.rules.join(', ')}</>}. Bound to{' '}
            <code title={approval.hash}>{approval.hash.slice(0, 16)}</code>.
          </p>
        </div>
      </Card>
      <Card title="What came of it">
        {answer === null ? (
          <p>
            {approval.state === 'expired'
              ? `Nobody answered in time: it was ${approval.onExpiry === 'deny' ? 'denied' : 'halted'}.`
              : 'The run ended before it was answered.'}
          </p>
        ) : (
          <div className="stack">
            <p>
              <b>{answer.answer.replace('_', ' ')}</b> by {answer.by.name} <Time ms={answer.atMs} />
              {answer.text !== '' && <>: {answer.text}</>}
            </p>
            {answer.args !== undefined && <Json value={answer.args} />}
          </div>
        )}
      </Card>
      {approval.story.length > 0 && (
        <Card title="What led there">
          <ol className="story">
            {approval.story.map((step) => (
              <li key={step.seq}>
                <span className="muted number">{step.seq}</span> {step.what}
              </li>
            ))}
          </ol>
        </Card>
      )}
    </>
  );
}
