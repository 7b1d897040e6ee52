/** One finding: where, what is wrong, the line it is quoted from, what to do instead, and how sure the reviewers are. */
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { FindingView, JobDetail } from '../../../../src/work/reviews/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { Json } from '../../parts/json.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { plural } from '../../state/format.ts';
import { useMay } from '../../state/session.tsx';

const SEVERITY_TONES = { critical: 'bad', high: 'bad', medium: 'wait', low: 'plain', info: 'plain' } as const;
const STATE_TONES = { open: 'wait', issue: 'busy', dismissed: 'plain', resolved: 'good' } as const;
const PERCENT = 100;

export type Shown = JobDetail['findings'][number] & Partial<Pick<FindingView, 'confidence' | 'votes'>>;

export function FindingCard({ finding, children }: { finding: Shown; children?: ReactNode }) {
  return (
    <article className="card need">
      <header>
        <h3 className="grow">{finding.problem}</h3>
        <Badge tone={SEVERITY_TONES[finding.severity]}>{finding.severity}</Badge>
      </header>
      <p className="muted small">
        <code>
          {finding.file}
          {finding.line !== null && `:${finding.line}`}
        </code>
        , {finding.dimension}
        {finding.rule !== null && `, ${finding.rule}`}
        {finding.standard !== null && `, by the standard ${finding.standard}`}
        {finding.confidence !== undefined && `, ${Math.round(finding.confidence * PERCENT)} % sure`}
        {finding.votes !== undefined && finding.votes.length > 0 && `: ${finding.votes.map(({ reviewer }) => reviewer).join(', ')}`}
      </p>
      <Json value={finding.evidence} />
      {finding.fix !== '' && (
        <p>
          <b>Instead:</b> {finding.fix}
        </p>
      )}
      {children}
    </article>
  );
}

/** A standard that a reviewer proposes; a person answers it on its own page. */
export function ProposalCard({ proposal }: { proposal: NonNullable<JobDetail['proposal']> }) {
  return (
    <p>
      Proposes the standard <a href={`/context/proposals/${proposal.id}`}>{proposal.path}</a>: nothing is written before a person approves it.
    </p>
  );
}

/** What became of a finding, and what a person makes of it. */
export function KeptFinding({ finding }: { finding: FindingView }) {
  const { busy, run } = useAct();
  const may = useMay('approvals.answer');
  const [dismissing, setDismissing] = useState(false);
  return (
    <FindingCard finding={finding}>
      <div className="row">
        <Badge tone={STATE_TONES[finding.state]}>{finding.state}</Badge>
        <span className="muted small">
          found {plural(finding.seen, 'time')}
          {finding.issue !== null && (
            <>
              , issue{' '}
              {/^https?:/.test(finding.issue) ? (
                <a href={finding.issue} target="_blank" rel="noreferrer noopener">
                  {finding.issue}
                </a>
              ) : (
                finding.issue
              )}
            </>
          )}
          {finding.reason !== '' && `: ${finding.reason}`}
        </span>
        {may && finding.state === 'open' && (
          <>
            <button
              type="button"
              className="button"
              disabled={busy}
              onClick={() =>
                void run(async () => {
                  const made = await api.findings.approve({ id: finding.id });
                  return `It is an issue: ${made.issue ?? 'kept here'}.`;
                }, 'review')
              }
            >
              Make an issue of it
            </button>
            <button type="button" className="button" disabled={busy} onClick={() => setDismissing(true)}>
              Dismiss
            </button>
          </>
        )}
      </div>
      {dismissing && (
        <Confirm
          title="Dismiss this finding"
          action="Dismiss"
          ask={{ label: 'Why?', required: true }}
          onConfirm={(reason) =>
            run(async () => {
              await api.findings.dismiss({ id: finding.id, reason });
              return 'Dismissed.';
            }, 'review')
          }
          onClose={() => setDismissing(false)}
        >
          The same one does not come up again.
        </Confirm>
      )}
    </FindingCard>
  );
}
