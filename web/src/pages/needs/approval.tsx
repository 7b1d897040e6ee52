/** One question of a run to a person, answered in place: the exact call that an answer binds to, why it is asked, and what led there. */
import { useState } from 'react';
import type { ApprovalView } from '../../../../src/platform/approvals/contract.ts';
import { Confirm, Dialog } from '../../parts/dialog.tsx';
import { Json } from '../../parts/json.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { Act } from '../../state/act.ts';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { shortId } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';

type Answer = Parameters<typeof api.approvals.answer>[0];
type Give = (answer: Omit<Answer, 'id' | 'hash'>, said: string) => Promise<boolean>;
type Open = 'edit' | 'deny' | null;

export function Approval({ approval, linkRun = true }: { approval: ApprovalView; linkRun?: boolean }) {
  const act = useAct();
  const may = useMay('approvals.answer');
  const [open, setOpen] = useState<Open>(null);
  const [story, setStory] = useState(false);
  const give: Give = (answer, said) =>
    act.run(
      async () => {
        await api.approvals.answer({ id: approval.id, hash: approval.hash, ...answer });
        return said;
      },
      'approval',
      `run:${approval.run}`,
    );
  const onKey = (event: React.KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.metaKey || event.ctrlKey || !may || act.busy || approval.kind !== 'approval') return;
    if (event.key === 'a') void give({ answer: 'approve' }, `Approved: ${approval.tool} goes ahead.`);
    else if (event.key === 'd') setOpen('deny');
    else if (event.key === 'e') setOpen('edit');
    else return;
    event.preventDefault();
  };
  return (
    <article className="card need" data-need tabIndex={0} aria-label={titleOf(approval)} onKeyDown={onKey}>
      <header>
        <h3 className="grow">
          {linkRun ? <a href={`/runs/${approval.run}`}>{approval.agent}</a> : approval.agent} {verbOf(approval)}{' '}
          {approval.kind === 'approval' && <code>{approval.tool}</code>}
        </h3>
        <span className="muted small">
          asked <Time ms={approval.askedAtMs} />, ends <Time ms={approval.deadlineMs} />
        </span>
      </header>
      {approval.kind === 'approval' ? <Call approval={approval} /> : <p className="question">{approval.question}</p>}
      {!may && <p className="muted">Your key cannot answer. Sign in with one that has the scope to answer, such as the owner key.</p>}
      {may && approval.kind === 'approval' && (
        <div className="row">
          <button
            type="button"
            className="button main"
            disabled={act.busy}
            onClick={() => void give({ answer: 'approve' }, `Approved: ${approval.tool} goes ahead.`)}
          >
            Approve
          </button>
          <button type="button" className="button" disabled={act.busy} onClick={() => setOpen('edit')}>
            Edit first
          </button>
          <button type="button" className="button danger" disabled={act.busy} onClick={() => setOpen('deny')}>
            Deny
          </button>
          <Led open={story} onToggle={() => setStory(!story)} />
        </div>
      )}
      {may && approval.kind === 'input' && <Words approval={approval} act={act} give={give} />}
      {may && approval.kind === 'outcome' && (
        <div className="row">
          <button type="button" className="button" disabled={act.busy} onClick={() => void give({ answer: 'done' }, 'Noted: it was done.')}>
            It was done
          </button>
          <button type="button" className="button" disabled={act.busy} onClick={() => void give({ answer: 'not_done' }, 'Noted: it was not done.')}>
            It was not done
          </button>
          <Led open={story} onToggle={() => setStory(!story)} />
        </div>
      )}
      {story && <Story id={approval.id} />}
      {open === 'deny' && <Deny approval={approval} give={give} onClose={() => setOpen(null)} />}
      {open === 'edit' && <Edit approval={approval} give={give} onClose={() => setOpen(null)} />}
    </article>
  );
}

function titleOf(approval: ApprovalView): string {
  return `${approval.agent} ${verbOf(approval)} ${approval.kind === 'approval' ? approval.tool : approval.question}`;
}

function verbOf({ kind }: ApprovalView): string {
  return kind === 'approval' ? 'wants to call' : kind === 'input' ? 'asks' : 'does not know whether this was done';
}

/** Exactly what is carried out when approved, and the digest that an answer binds to. */
function Call({ approval }: { approval: ApprovalView }) {
  return (
    <>
      <p>{approval.reason === '' ? approval.question : approval.reason}</p>
      <Json value={approval.args} />
      <p className="muted small">
        Bound to <code title={approval.hash}>{approval.hash.slice(0, 16)}</code>: nothing but this call is carried out.
        {approval.rules.length > 0 && (
          <>
            {' '}
            Asked by the rule <a href="/trust/policy">{approval.rules.join(', ')}</a>.
          </>
        )}{' '}
        Unanswered it is {approval.onExpiry === 'deny' ? 'denied' : 'halted'}.
      </p>
    </>
  );
}

function Led({ open, onToggle }: { open: boolean; onToggle: () => void }) {
  return (
    <button type="button" className="button plain" aria-expanded={open} onClick={onToggle}>
      What led here
    </button>
  );
}

function Story({ id }: { id: string }) {
  const detail = useCall(api.approvals.get, { id });
  return (
    <Loaded query={detail} what="what led here">
      {(found) => (
        <div className="stack tight">
          {found.whyNotYou !== null && <p>{found.whyNotYou}</p>}
          <p className="muted small">
            Started by {found.startedBy.name} ({found.trigger}), tier {found.tier}.
          </p>
          <ol className="story">
            {found.story.map((step) => (
              <li key={step.seq}>
                <span className="muted number">{step.seq}</span> {step.what}
              </li>
            ))}
          </ol>
        </div>
      )}
    </Loaded>
  );
}

function Words({ approval, act, give }: { approval: ApprovalView; act: Act; give: Give }) {
  const [text, setText] = useState('');
  const id = `answer-${shortId(approval.id)}`;
  return (
    <div className="stack tight">
      {approval.choices.length > 0 && (
        <div className="row">
          {approval.choices.map((choice) => (
            <button
              key={choice}
              type="button"
              className="button"
              disabled={act.busy}
              onClick={() => void give({ answer: 'answer', text: choice }, `Answered: ${choice}`)}
            >
              {choice}
            </button>
          ))}
        </div>
      )}
      <label htmlFor={id} className="unseen">
        Your answer
      </label>
      <textarea id={id} className="area" rows={2} placeholder="Your answer" value={text} onChange={(event) => setText(event.target.value)} />
      <div className="row">
        <button
          type="button"
          className="button main"
          disabled={act.busy || text.trim() === ''}
          onClick={() => void give({ answer: 'answer', text: text.trim() }, 'Answered.')}
        >
          Answer
        </button>
        <button
          type="button"
          className="button danger"
          disabled={act.busy}
          onClick={() => void give({ answer: 'deny', text: text.trim() }, 'Declined to answer.')}
        >
          Decline
        </button>
      </div>
    </div>
  );
}

function Deny({ approval, give, onClose }: { approval: ApprovalView; give: Give; onClose: () => void }) {
  return (
    <Confirm
      title={`Deny ${approval.tool}`}
      action="Deny"
      danger
      ask={{ label: 'Why? The agent is told.', required: true }}
      onConfirm={(text) => give({ answer: 'deny', text }, `Denied: ${approval.tool} is not carried out.`)}
      onClose={onClose}
    >
      The call is not carried out; {approval.agent} goes on without it.
    </Confirm>
  );
}

/** The whole arguments, to be carried out instead. */
function Edit({ approval, give, onClose }: { approval: ApprovalView; give: Give; onClose: () => void }) {
  const [text, setText] = useState(JSON.stringify(approval.args, null, 2));
  const args = parse(text);
  const approve = async (): Promise<void> => {
    if (args !== null && (await give({ answer: 'edit', args: args as Answer['args'] }, `Approved as edited: ${approval.tool} goes ahead.`)))
      onClose();
  };
  return (
    <Dialog
      title={`Edit and approve ${approval.tool}`}
      onClose={onClose}
      buttons={
        <>
          <button type="button" className="button" onClick={onClose}>
            Keep as it is
          </button>
          <button type="button" className="button main" disabled={args === null} onClick={() => void approve()}>
            Approve as edited
          </button>
        </>
      }
    >
      <div className="field">
        <label htmlFor="args">Arguments, whole: these are carried out instead</label>
        <textarea
          id="args"
          className="area mono"
          spellCheck={false}
          rows={12}
          value={text}
          aria-invalid={args === null}
          onChange={(event) => setText(event.target.value)}
        />
        {args === null && <div className="fault">This is no JSON object yet.</div>}
      </div>
    </Dialog>
  );
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null; // half typed
  }
}
