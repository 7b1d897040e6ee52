/** Entries of a journal as steps for people: a title, what about it, its tone, and how long it took. Pure. */
import type { EntryView } from '../../../../src/runtime/runs/contract.ts';
import type { Tone } from '../../parts/badge.tsx';
import type { IconName } from '../../parts/icon.tsx';
import { money, plural, tokens } from '../../state/format.ts';

type Event = NonNullable<EntryView['event']>;

export type Step = {
  seq: number;
  atMs: number;
  icon: IconName;
  tone: Tone;
  title: string;
  /** One line; cut off where there is no room. */
  about: string;
  ms: number | null;
  cost: string | null;
  /** Bookkeeping: left out unless all entries are wanted. */
  minor: boolean;
  entry: EntryView;
};

type Words = Pick<Step, 'icon' | 'tone' | 'title' | 'about'> & Partial<Pick<Step, 'ms' | 'cost' | 'minor'>>;

export function stepOf(entry: EntryView): Step {
  const words: Words =
    entry.event === null
      ? { icon: 'close', tone: 'plain', title: 'Deleted', about: 'What was here was deleted on request; the chain still holds.' }
      : wordsOf(entry.event);
  return { ms: null, cost: null, minor: false, ...words, seq: entry.seq, atMs: entry.atMs, entry };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
const argsOf = (args: object): string => oneLine(JSON.stringify(args));

function wordsOf(event: Event): Words {
  switch (event.type) {
    case 'run.queued':
      return { icon: 'clock', tone: 'plain', title: 'Queued', about: `by ${event.by.name} (${event.trigger})` };
    case 'run.started':
      return { icon: 'play', tone: 'busy', title: 'Started', about: `${plural(event.tools.length, 'tool')} to call` };
    case 'run.resumed':
      return {
        icon: 'play',
        tone: 'busy',
        title: 'Resumed',
        about: event.after === 'takeover' ? 'taken over from a worker that died' : `after ${event.after}`,
      };
    case 'run.waiting':
      return { icon: 'clock', tone: 'wait', title: `Waits for ${event.for.replaceAll('_', ' ')}`, about: event.reason };
    case 'run.ended':
      return {
        icon: event.status === 'succeeded' ? 'check' : 'stop',
        tone: event.status === 'succeeded' ? 'good' : 'bad',
        title: `Ended: ${event.status.replaceAll('_', ' ')}`,
        about: event.reason,
        cost: money(event.cost),
      };
    case 'run.signalled':
      return {
        icon: 'more',
        tone: 'wait',
        title: `Told to ${event.signal}`,
        about: `by ${event.by.name}${event.reason === '' ? '' : `: ${event.reason}`}`,
      };
    case 'context.assembled':
      return {
        icon: 'context',
        tone: 'plain',
        title: `Prompt of turn ${event.turn}`,
        about: `${tokens(event.tokens)} tokens in ${plural(event.parts.length, 'part')}`,
        minor: true,
      };
    case 'context.compacted':
      return {
        icon: 'context',
        tone: 'plain',
        title: 'Context made smaller',
        about: `${tokens(event.beforeTokens)} to ${tokens(event.afterTokens)} tokens`,
      };
    default:
      return actionWords(event);
  }
}

function actionWords(event: Event): Words {
  switch (event.type) {
    case 'model.intended':
      return { icon: 'agents', tone: 'plain', title: `Turn ${event.turn}: ask the model`, about: event.model, minor: true };
    case 'model.replied':
      return {
        icon: 'agents',
        tone: 'plain',
        title: `Turn ${event.turn}`,
        about: saidIn(event.content),
        ms: event.ms,
        cost:
          event.kept === true
            ? 'kept from before'
            : event.rehearsed
              ? 'rehearsed'
              : event.costMicroUsd === null
                ? 'no price'
                : money({ microUsd: event.costMicroUsd, known: true }),
      };
    case 'model.failed':
      return {
        icon: 'warn',
        tone: event.retryable ? 'wait' : 'bad',
        title: `Turn ${event.turn}: the model failed`,
        about: `${event.kind.replaceAll('_', ' ')}: ${event.message}`,
      };
    case 'model.fellback':
      return { icon: 'fork', tone: 'wait', title: 'Another model', about: `${event.from} to ${event.to}: ${event.why}` };
    case 'tool.intended':
      return { icon: 'runs', tone: 'plain', title: event.tool, about: argsOf(event.args), minor: true };
    case 'tool.done':
      return { icon: 'check', tone: 'good', title: event.tool, about: oneLine(event.text), ms: event.ms };
    case 'tool.failed':
      return {
        icon: 'warn',
        tone: 'bad',
        title: `${event.tool} failed`,
        about: `${event.class.replaceAll('_', ' ')}: ${event.message}`,
        ms: event.ms,
      };
    case 'tool.denied':
      return { icon: 'stop', tone: 'bad', title: `${event.tool} was denied`, about: event.reason };
    case 'tool.outcome_unknown':
      return { icon: 'warn', tone: 'bad', title: `${event.tool}: outcome unknown`, about: event.why };
    case 'approval.asked':
      return {
        icon: 'trust',
        tone: 'wait',
        title: event.kind === 'approval' ? `Asks to call ${event.tool}` : 'Asks a person',
        about: event.question,
      };
    case 'approval.answered':
      return {
        icon: 'trust',
        tone: event.answer === 'deny' || event.answer === 'not_done' ? 'bad' : 'good',
        title: `Answered: ${event.answer.replaceAll('_', ' ')}`,
        about: `by ${event.by.name}${event.text === '' ? '' : `: ${event.text}`}`,
      };
    case 'approval.expired':
      return {
        icon: 'clock',
        tone: 'bad',
        title: 'Nobody answered in time',
        about: event.onExpiry === 'deny' ? 'taken as a denial' : 'the run halts',
      };
    default:
      return otherWords(event);
  }
}

function otherWords(event: Event): Words {
  switch (event.type) {
    case 'child.started':
      return { icon: 'fork', tone: 'busy', title: `Sub-agent ${event.agent}`, about: event.run };
    case 'child.ended':
      return {
        icon: 'fork',
        tone: event.status === 'succeeded' ? 'good' : 'bad',
        title: `Sub-agent ${event.status.replaceAll('_', ' ')}`,
        about: oneLine(event.text),
        cost: money(event.cost),
      };
    case 'progress':
      return { icon: 'more', tone: 'busy', title: event.phase, about: `${Math.round(event.percent)} %: ${event.message}`, minor: true };
    case 'phase.entered':
      return { icon: 'more', tone: 'plain', title: `Phase: ${event.phase}`, about: '', minor: true };
    case 'note':
      return { icon: 'edit', tone: 'plain', title: `Note by ${event.by.name}`, about: oneLine(event.text) };
    case 'output.rejected':
      return { icon: 'warn', tone: 'wait', title: 'Answer sent back', about: `${event.why}: ${event.message}` };
    case 'stop_rule.tripped':
      return { icon: 'stop', tone: 'bad', title: `Stopped by a rule: ${event.rule}`, about: event.detail };
    case 'guardrail.fired':
      return { icon: 'trust', tone: 'bad', title: `Guardrail: ${event.rule}`, about: event.excerpt };
    case 'budget.exhausted':
      return { icon: 'spend', tone: 'bad', title: 'Budget used up', about: event.message };
    case 'budget.warned':
      return { icon: 'spend', tone: 'wait', title: 'Budget runs low', about: `${Math.round(event.usedShare * 100)} % of ${event.budget}` };
    default:
      return { icon: 'more', tone: 'plain', title: event.type.replaceAll(/[._]/g, ' '), about: '', minor: true };
  }
}

type Content = Extract<Event, { type: 'model.replied' }>['content'];

/** What a reply says, or which tools it calls. */
function saidIn(content: Content): string {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const calls = content.flatMap((part) => (part.type === 'tool_call' ? [part.tool] : []));
  return oneLine([...(texts.length > 0 ? [texts.join(' ')] : []), ...(calls.length > 0 ? [`calls ${calls.join(', ')}`] : [])].join(' · '));
}

/** The turn whose prompt led to a step: its own, or the one before it. */
export function turnAt(entries: readonly EntryView[], seq: number): number | null {
  for (let index = entries.findLastIndex((entry) => entry.seq <= seq); index >= 0; index -= 1) {
    const event = entries[index]?.event;
    if (event?.type === 'context.assembled') return event.turn;
  }
  return null;
}
