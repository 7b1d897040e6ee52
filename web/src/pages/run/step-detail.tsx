/** One step whole: what was sent and what came back, why it was allowed, its evidence and labels, the prompt it came of, the raw entry. */
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { EntryView } from '../../../../src/runtime/runs/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Json } from '../../parts/json.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { clockTime, duration, money, number, tokens } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import type { Step } from './steps.ts';
import { turnAt } from './steps.ts';

type Event = NonNullable<EntryView['event']>;
type Props = { run: string; step: Step; entries: readonly EntryView[]; onFork: (() => void) | null };

export function StepDetail({ run, step, entries, onFork }: Props) {
  const [shown, setShown] = useState<'raw' | 'prompt' | null>(step.entry.event?.type === 'context.assembled' ? 'prompt' : null);
  const turn = turnAt(entries, step.seq);
  const { event } = step.entry;
  const flip = (what: 'raw' | 'prompt'): void => setShown(shown === what ? null : what);
  return (
    <section className="card stack tight" aria-label={`Step ${step.seq}`}>
      <div className="row">
        <h2 className="grow">{step.title}</h2>
        <span className="muted small number">
          {step.seq} · {clockTime(step.atMs)} · <Time ms={step.atMs} />
        </span>
      </div>
      <div className="row">
        {turn !== null && (
          <button type="button" className="button" aria-pressed={shown === 'prompt'} onClick={() => flip('prompt')}>
            Prompt of turn {turn}
          </button>
        )}
        {onFork !== null && (
          <button type="button" className="button" onClick={onFork}>
            Fork from here
          </button>
        )}
        <button type="button" className="button plain" aria-pressed={shown === 'raw'} onClick={() => flip('raw')}>
          Raw entry
        </button>
      </div>
      {shown === 'prompt' && turn !== null ? (
        <Prompt run={run} turn={turn} />
      ) : shown === 'raw' ? (
        <Json value={step.entry} tall />
      ) : event === null ? (
        <p>{step.about}</p>
      ) : (
        <Shown event={event} about={step.about} entries={entries} />
      )}
    </section>
  );
}

function Shown({ event, about, entries }: { event: Event; about: string; entries: readonly EntryView[] }) {
  switch (event.type) {
    case 'run.queued':
      return (
        <Facts>
          <Fact name="Input">
            <Json value={event.input} />
          </Fact>
          <Fact name="Labels">{event.labels.length === 0 ? 'none' : event.labels.join(', ')}</Fact>
          {event.origin !== null && (
            <Fact name="Comes from">
              <a href={`/runs/${event.origin.run}`}>{event.origin.run}</a>, entry {event.origin.seq} ({event.origin.how})
            </Fact>
          )}
        </Facts>
      );
    case 'model.replied':
      return <Reply event={event} />;
    case 'tool.intended':
      return <Intent event={event} />;
    case 'tool.done': {
      const intent = intentOf(entries, event.callId);
      return (
        <>
          {intent !== null && <Intent event={intent} />}
          <Fact name="Result">
            <Json value={event.structured === undefined ? event.text : event.text === '' ? event.structured : event.text} />
          </Fact>
          <div className="row">
            <span className="muted small">took {duration(event.ms)}</span>
            {event.known !== 'effect' && <Badge tone="wait">{event.known === 'probe' ? 'found done by looking' : 'told by a person'}</Badge>}
            {event.labels.map((label) => (
              <Badge key={label} tone="wait">
                {label}
              </Badge>
            ))}
            {event.evidence !== null && <Badge tone="good">{`evidence, level ${event.evidence.level}: ${event.evidence.what}`}</Badge>}
          </div>
        </>
      );
    }
    case 'tool.failed': {
      const intent = intentOf(entries, event.callId);
      return (
        <>
          {intent !== null && <Intent event={intent} />}
          <Notice kind="bad">
            {event.class.replaceAll('_', ' ')}: {event.message}
          </Notice>
        </>
      );
    }
    case 'approval.asked':
      return (
        <>
          <p>{event.question}</p>
          <Json value={event.args} />
          <p className="muted small">
            Bound to <code>{event.hash.slice(0, 16)}</code>. {event.decision.reason}{' '}
            {event.decision.rules.length > 0 && `(${event.decision.rules.join(', ')})`}
          </p>
        </>
      );
    case 'run.ended':
      return (
        <>
          <p>{event.reason}</p>
          {event.answer !== null && <Json value={event.answer} />}
          {event.escalation !== null && (
            <Facts>
              <Fact name="Blocked">{event.escalation.blocked}</Fact>
              <Fact name="Tried">{event.escalation.tried}</Fact>
              <Fact name="Needs">{event.escalation.need}</Fact>
            </Facts>
          )}
        </>
      );
    default:
      return (
        <>
          {about !== '' && <p>{about}</p>}
          <Json value={event} />
        </>
      );
  }
}

function Reply({ event }: { event: Extract<Event, { type: 'model.replied' }> }) {
  return (
    <>
      {event.content.map((part, index) => (
        <Fact key={index} name={part.type === 'tool_call' ? `Calls ${part.tool}` : part.type === 'reasoning' ? 'Thinks' : 'Says'}>
          <Json value={part.type === 'tool_call' ? (part.invalid ?? part.args) : part.text} />
        </Fact>
      ))}
      <p className="muted small number">
        {event.model}, {number(event.usage.inputTokens)} tokens in
        {event.usage.cachedInputTokens > 0 && ` (${tokens(event.usage.cachedInputTokens)} cached)`}, {number(event.usage.outputTokens)} out,{' '}
        {duration(event.ms)},{' '}
        {event.rehearsed ? 'rehearsed' : event.costMicroUsd === null ? 'no price known' : money({ microUsd: event.costMicroUsd, known: true })}
        {event.usage.estimated && ', tokens estimated'}, ended by {event.finish.replaceAll('_', ' ')}
      </p>
    </>
  );
}

function Intent({ event }: { event: Extract<Event, { type: 'tool.intended' }> }) {
  return (
    <>
      <Fact name="Arguments">
        <Json value={event.args} />
      </Fact>
      <p className="muted small">
        {event.sideEffect} effect; {event.decision.answer === 'allow' ? 'allowed' : event.decision.answer}
        {event.decision.reason !== '' && `: ${event.decision.reason}`}
        {event.decision.rules.length > 0 && ` (${event.decision.rules.join(', ')})`}
        {event.approvalId !== null && ', approved by a person'}
      </p>
    </>
  );
}

function intentOf(entries: readonly EntryView[], callId: string): Extract<Event, { type: 'tool.intended' }> | null {
  const found = entries.findLast(({ event }) => event?.type === 'tool.intended' && event.callId === callId)?.event;
  return found?.type === 'tool.intended' ? found : null;
}

/** The assembled prompt, part by part, as the model got it. */
function Prompt({ run, turn }: { run: string; turn: number }) {
  const prompt = useCall(api.runs.prompt, { id: run, turn });
  return (
    <Loaded query={prompt} what="the prompt">
      {(found) => (
        <div className="stack tight">
          <p className="muted small number">
            {number(found.tokens)} tokens; rebuilt from the journal and {found.verified ? 'equal to what was sent' : 'not equal to what was sent'}, by
            its digest <code>{found.hash.slice(0, 12)}</code>
          </p>
          {found.parts.map((part) => (
            <details key={part.name} open={part.text.length < 4_000}>
              <summary>
                {part.name} <span className="muted small number">{number(part.tokens)} tokens</span>
              </summary>
              <Json value={part.text} />
            </details>
          ))}
        </div>
      )}
    </Loaded>
  );
}

function Facts({ children }: { children: ReactNode }) {
  return <div className="stack tight">{children}</div>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <div className="muted small">{name}</div>
      <div>{children}</div>
    </div>
  );
}
