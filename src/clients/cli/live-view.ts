/**
 * A run as somebody watches it on a terminal: what has happened as lines that stay, what goes on as lines redrawn below them.
 * Pure: events in, lines out.
 */
import { unreachable } from '../../kernel/errors.ts';
import type { EventOf, RunEvent } from '../../kernel/events.ts';
import type { EntryView } from '../../runtime/runs/contract.ts';
import { costOf, describeEvent, replyText, tokens } from './describe-event.ts';
import { compactJson, duration, ellipsis, money, plural } from './format.ts';
import type { Line, Segment } from './terminal.ts';
import { cut, printable, width } from './terminal.ts';

export type RunView = {
  /** Calls whose outcome is not known yet, by call id. */
  readonly calls: ReadonlyMap<string, { tool: string; args: string; sinceMs: number }>;
  readonly phase: string;
  readonly percent: number | null;
  /** When it should be done by past runs, as an instant. */
  readonly doneAtMs: number | null;
  /** Model call in flight. */
  readonly model: { turn: number; model: string; sinceMs: number } | null;
  /** Text being generated. */
  readonly preview: string;
  readonly turns: number;
  readonly toolCalls: number;
  readonly startedAtMs: number | null;
  readonly waiting: string | null;
  readonly ended: boolean;
};

export const NOTHING_SEEN: RunView = {
  calls: new Map(),
  phase: 'queued',
  percent: null,
  doneAtMs: null,
  model: null,
  preview: '',
  turns: 0,
  toolCalls: 0,
  startedAtMs: null,
  waiting: null,
  ended: false,
};

const ARGS_CHARS = 80;
const WORDS_CHARS = 200;
/** Of what a model says between its calls; the transcript has all of it. */
const REPLY_LINES = 8;
const PREVIEW_LINES = 5;

/** What the entry changes, and the lines it leaves. */
export function showEntry(view: RunView, entry: EntryView): { view: RunView; lines: Line[] } {
  const { event } = entry;
  if (event === null) return { view, lines: [[['dim', `entry ${entry.seq} was deleted`]]] };
  return { view: seen(view, event, entry.atMs), lines: linesOf(view, event, entry.atMs) };
}

function seen(view: RunView, event: RunEvent, atMs: number): RunView {
  switch (event.type) {
    case 'run.started':
      return { ...view, phase: 'starting', startedAtMs: atMs, waiting: null };
    case 'run.resumed':
      return { ...view, waiting: null };
    case 'run.waiting':
      return { ...view, waiting: `${event.for}: ${event.reason}`, model: null, preview: '' };
    case 'phase.entered':
      return { ...view, phase: event.phase };
    case 'progress':
      return { ...view, phase: event.phase, percent: event.percent, doneAtMs: event.etaMs === null ? null : atMs + event.etaMs };
    case 'model.intended':
      return { ...view, model: { turn: event.turn, model: event.model, sinceMs: atMs }, preview: '' };
    case 'model.replied':
      return { ...view, model: null, preview: '', turns: Math.max(view.turns, event.turn) };
    case 'model.failed':
      return { ...view, model: null, preview: '' };
    case 'tool.intended': {
      const call = { tool: event.tool, args: compactJson(event.args, ARGS_CHARS), sinceMs: atMs };
      return { ...view, calls: new Map([...view.calls, [event.callId, call]]) };
    }
    case 'tool.done':
    case 'tool.failed':
    case 'tool.outcome_unknown':
      return { ...view, calls: without(view.calls, event.callId), toolCalls: view.toolCalls + 1 };
    case 'run.ended':
      return { ...view, ended: true };
    default:
      return view;
  }
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  return new Map([...map].filter(([each]) => each !== key));
}

function linesOf(view: RunView, event: RunEvent, atMs: number): Line[] {
  const words = ellipsis(describeEvent(event), WORDS_CHARS);
  switch (event.type) {
    case 'run.queued':
      return [
        [
          ['bold', `${event.plan.agent.name} v${event.plan.agent.version}`],
          ['dim', `  ${event.trigger} by ${event.by.name}`],
        ],
      ];
    case 'run.resumed':
      return event.after === 'wait' ? [] : [[['dim', `  goes on after ${event.after}`]]];
    case 'run.waiting':
      // A question to a person was shown with how to answer it.
      return ['approval', 'input', 'outcome'].includes(event.for) ? [] : [[['yellow', `  waits ${words}`]]];
    case 'run.signalled':
    case 'note':
    case 'approval.answered':
      return [['  ', ['cyan', `${event.type.replace(/^.*\./, '')} `], words]];
    case 'model.replied':
      return replyLines(event);
    case 'model.failed':
    case 'tool.denied':
    case 'approval.expired':
    case 'guardrail.fired':
    case 'budget.exhausted':
      return [['  ', ['red', `✗ ${event.type.replace('.', ' ')} `], words]];
    case 'model.fellback':
    case 'tool.outcome_unknown':
    case 'budget.warned':
    case 'budget.spiked':
    case 'output.rejected':
    case 'guardrail.overridden':
    case 'artefact.failed':
      return [['  ', ['yellow', `! ${event.type.replaceAll(/[._]/g, ' ')} `], words]];
    case 'tool.done':
      return [callLine(view, event, atMs)];
    case 'tool.failed':
      return [callLine(view, event, atMs), [['red', `    ${event.class}: ${ellipsis(event.message, WORDS_CHARS)}`]]];
    case 'approval.asked':
      return questionLines(event);
    case 'stop_rule.tripped':
      return [['  ', ['red', `✗ stopped by rule ${event.rule}: `], ellipsis(event.detail, WORDS_CHARS)]];
    case 'child.started':
      return [['  ', ['cyan', '→ '], words]];
    case 'child.ended':
      return [['  ', ['cyan', '← '], words]];
    case 'context.compacted':
    case 'memory.written':
    case 'skill.activated':
      return [[['dim', `  ${event.type.replace('.', ' ')}: ${words}`]]];
    case 'run.ended':
      return endLines(view, event, atMs);
    case 'run.started':
    case 'context.assembled':
    case 'model.intended':
    case 'tool.intended':
    case 'memory.read':
    case 'skill.unloaded':
    case 'phase.entered':
    case 'progress':
      return [];
    default:
      return unreachable(event);
  }
}

function replyLines(event: EventOf<'model.replied'>): Line[] {
  const rehearsed: readonly Segment[] = event.rehearsed ? [['yellow', '  rehearsed']] : [];
  const head: Line = [
    ['bold', `turn ${event.turn}`],
    ['dim', `  ${event.model}  ${duration(event.ms)}  ${tokens(event)}  ${costOf(event)}`],
    ...rehearsed,
  ];
  // Without a call it is the final answer, which is shown at the end.
  if (!event.content.some((part) => part.type === 'tool_call')) return [head];
  const said = replyText(event)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const more = said.length > REPLY_LINES ? [[['dim', `  … ${plural(said.length - REPLY_LINES, 'more line')}`]] satisfies Line] : [];
  return [head, ...said.slice(0, REPLY_LINES).map((line) => `  ${line}`), ...more];
}

function callLine(view: RunView, event: EventOf<'tool.done'> | EventOf<'tool.failed'>, atMs: number): Line {
  const mark: Segment = event.type === 'tool.done' ? ['green', '✓'] : ['red', '✗'];
  const call = view.calls.get(event.callId);
  const ms = event.ms > 0 || call === undefined ? event.ms : atMs - call.sinceMs;
  return ['  ', mark, ` ${event.tool} `, ['dim', `${call?.args ?? ''}  ${duration(ms)}`]];
}

function questionLines(event: EventOf<'approval.asked'>): Line[] {
  const args = event.kind === 'approval' ? [[['dim', `    ${event.tool} ${compactJson(event.args, WORDS_CHARS)}`]] satisfies Line] : [];
  return [
    ['  ', ['yellow', `? ${event.question}`]],
    ...args,
    ...(event.choices.length === 0 ? [] : [`    choices: ${event.choices.join(', ')}`]),
    ...howToAnswer(event).map((line): Line => [['dim', `    ${line}`]]),
  ];
}

type Question = { approvalId: string; kind: 'approval' | 'input' | 'outcome' };

/** The commands that answer a question. */
export function waysToAnswer({ approvalId: id, kind }: Question): string[] {
  const ways: Record<typeof kind, string[]> = {
    approval: [`windlass approve ${id}`, `windlass deny ${id} --reason "…"`],
    input: [`windlass answer ${id} "…"`],
    outcome: [`windlass answer ${id} done`, `windlass answer ${id} not_done`],
  };
  return ways[kind];
}

/** The same for somebody who only started the run: the key of this machine cannot answer. */
export function howToAnswer(question: Question): string[] {
  return waysToAnswer(question).map((way) => `answer with WINDLASS_KEY set to your own key: ${way}`);
}

/** Figures only: status, reason and answer are the command's last words. */
function endLines(view: RunView, event: EventOf<'run.ended'>, atMs: number): Line[] {
  const took = view.startedAtMs === null ? '' : `, ${duration(atMs - view.startedAtMs)}`;
  return [[['dim', `${plural(view.turns, 'turn')}, ${plural(view.toolCalls, 'tool call')}, ${money(event.cost)}${took}`]], ''];
}

/** What goes on now: the end of the text being generated, calls in flight, one line of progress. */
export function nowLines(view: RunView, options: { columns: number; nowMs: number }): Line[] {
  const { columns, nowMs } = options;
  if (view.ended) return [];
  const text = wrap(view.preview, columns - 4).slice(-PREVIEW_LINES);
  const calls = [...view.calls.values()].map((call): Line => [['dim', `  · ${call.tool} ${call.args}  ${duration(nowMs - call.sinceMs)}`]]);
  const asks = view.model === null ? '' : `  asks ${view.model.model}, turn ${view.model.turn}, ${duration(nowMs - view.model.sinceMs)}`;
  const percent = view.percent === null || view.percent === 0 ? '' : ` ${Math.round(view.percent)}%`;
  const left = view.doneAtMs === null || view.doneAtMs <= nowMs ? '' : `  about ${duration(view.doneAtMs - nowMs)} to go`;
  const state: Line =
    view.waiting === null
      ? [
          ['cyan', `${view.phase}${percent}`],
          ['dim', `${left}${asks}`],
        ]
      : [['yellow', `waiting for ${view.waiting}`]];
  return [...text.map((line): Line => [['dim', `  ${line}`]]), ...calls, cut(state, columns)];
}

/** By columns, not by words: it is gone in a moment. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of printable(text).split('\n')) {
    let line = '';
    for (const char of paragraph) {
      if (width(line) + width(char) > columns) {
        lines.push(line);
        line = '';
      }
      line += char;
    }
    if (line !== '') lines.push(line);
  }
  return lines;
}
