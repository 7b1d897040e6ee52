/** A proposed standard: the exact text that an answer is bound to, approved, edited or refused by a person who did not propose it. */
import { useState } from 'react';
import type { ProposalView } from '../../../../src/work/standards/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm, Dialog } from '../../parts/dialog.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay, useMe } from '../../state/session.tsx';
import { STANDARDS_CRUMBS } from './standard.tsx';
import { PROPOSAL_TONES } from './standards.tsx';

export function Proposal({ params }: PageProps) {
  const proposal = useCall(api.standards.proposal, { id: params['id'] ?? '' }, { live: ['standard'] });
  const found = proposal.data;
  return (
    <Page
      title={found === undefined ? 'Proposal' : `${found.domain}/${found.topic}`}
      crumbs={STANDARDS_CRUMBS}
      beside={found === undefined ? undefined : <Badge tone={PROPOSAL_TONES[found.state]}>{found.state}</Badge>}
      {...(found === undefined ? {} : { about: <span className="mono">{found.path}</span> })}
    >
      <Loaded query={proposal} what="the proposal">
        {(shown) => (
          <>
            <Card title="Why">
              <div className="prose">{shown.why}</div>
              <p className="muted small">
                Proposed by {shown.proposedBy.name} <Time ms={shown.proposedAtMs} /> for {shown.project ?? 'the whole organization'}
                {shown.tags.length > 0 && <>, tags: {shown.tags.join(', ')}</>}.
              </p>
              {shown.answer !== null && (
                <p>
                  {shown.state === 'refused' ? 'Refused' : shown.answer.edited ? 'Edited and approved' : 'Approved'} by {shown.answer.by.name}{' '}
                  <Time ms={shown.answer.atMs} />
                  {shown.answer.text !== '' && <>: {shown.answer.text}</>}
                  {shown.standard !== null && (
                    <>
                      . <a href={`/context/standards/${shown.standard}`}>The standard it became</a>
                    </>
                  )}
                </p>
              )}
            </Card>
            <Card title="The text">
              <div className="prose mono">{shown.content}</div>
            </Card>
            <ProposalActions proposal={shown} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

type Answer = Omit<InputOf<typeof api.standards.answer>, 'id' | 'hash'>;
type Give = (answer: Answer, said: string) => Promise<boolean>;

/** Bound to the text that was shown; shared with Home. */
export function ProposalActions({ proposal }: { proposal: ProposalView }) {
  const { busy, run } = useAct();
  const me = useMe();
  const may = useMay('approvals.answer');
  const [open, setOpen] = useState<'edit' | 'refuse' | null>(null);
  if (proposal.state !== 'open') return null;
  if (!may) return <p className="muted">Your key cannot answer. Sign in with one that has the scope to answer, such as the owner key.</p>;
  if (proposal.proposedBy.actor === me.actor.id) return <p className="muted">You proposed it, so another person has to answer.</p>;
  const give: Give = (answer, said) =>
    run(async () => {
      await api.standards.answer({ id: proposal.id, hash: proposal.hash, ...answer });
      return said;
    }, 'standard');
  return (
    <div className="stack tight">
      <p className="muted small">
        Bound to <code title={proposal.hash}>{proposal.hash.slice(0, 16)}</code>: nothing but this text is written.
      </p>
      <div className="row">
        <button
          type="button"
          className="button main"
          disabled={busy}
          onClick={() => void give({ answer: 'approve', write: true }, 'Approved and written.')}
        >
          Approve and write
        </button>
        <button type="button" className="button" disabled={busy} onClick={() => setOpen('edit')}>
          Edit first
        </button>
        <button type="button" className="button danger" disabled={busy} onClick={() => setOpen('refuse')}>
          Refuse
        </button>
      </div>
      {open === 'refuse' && (
        <Confirm
          title={`Refuse ${proposal.domain}/${proposal.topic}`}
          action="Refuse"
          danger
          ask={{ label: 'Why? Whoever proposed it reads this.', required: true }}
          onConfirm={(text) => give({ answer: 'refuse', text }, 'Refused.')}
          onClose={() => setOpen(null)}
        >
          Nothing is written; the proposal is kept with your reason.
        </Confirm>
      )}
      {open === 'edit' && <Edit proposal={proposal} busy={busy} give={give} onClose={() => setOpen(null)} />}
    </div>
  );
}

type EditProps = { proposal: ProposalView; busy: boolean; give: Give; onClose: () => void };

function Edit({ proposal, busy, give, onClose }: EditProps) {
  const [content, setContent] = useState(proposal.content);
  const approve = async (): Promise<void> => {
    if (await give({ answer: 'edit', content, write: true }, 'Approved as you edited it, and written.')) onClose();
  };
  return (
    <Dialog
      title={`Edit ${proposal.domain}/${proposal.topic}`}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button main" disabled={busy || content.trim() === ''} onClick={() => void approve()}>
            Approve as edited
          </button>
        </>
      }
    >
      <div className="field">
        <label htmlFor="proposal-text">The whole text, written instead</label>
        <textarea
          id="proposal-text"
          className="area mono"
          spellCheck={false}
          rows={18}
          value={content}
          onChange={(event) => setContent(event.target.value)}
        />
      </div>
    </Dialog>
  );
}
