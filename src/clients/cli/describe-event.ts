/** Every event of a run in one line of words, for pipes and for the list of entries. Pure. */
import type { EventOf, RunEvent, RunEventType } from '../../kernel/events.ts';
import type { EntryView } from '../../runtime/runs/contract.ts';
import { compactJson, count, duration, ellipsis, money, plural, timestamp } from './format.ts';

const ARGS_CHARS = 120;
const TEXT_CHARS = 200;

type Words = { readonly [T in RunEventType]: (event: EventOf<T>) => string };

const WORDS: Words = {
  'run.queued': (e) => `${e.plan.agent.name} v${e.plan.agent.version}, ${e.trigger} by ${e.by.name}${e.purpose === 'live' ? '' : `, ${e.purpose}`}`,
  'run.started': (e) => `by ${e.worker}${e.attempt > 1 ? `, attempt ${e.attempt}` : ''}`,
  'run.resumed': (e) => `after ${e.after} by ${e.worker}, attempt ${e.attempt}`,
  'run.waiting': (e) => `for ${e.for}${e.untilMs === null ? '' : ` until ${timestamp(e.untilMs)}`}: ${e.reason}`,
  'run.ended': (e) => `${e.status}${e.rehearsed ? ', rehearsed' : ''}, ${money(e.cost)}: ${e.reason}`,
  'run.signalled': (e) => `${e.signal} by ${e.by.name}${e.reason === '' ? '' : `: ${e.reason}`}`,
  'context.assembled': (e) => `turn ${e.turn}, about ${plural(e.tokens, 'token')}`,
  'context.compacted': (e) => `${count(e.beforeTokens)} to ${count(e.afterTokens)} tokens, ${plural(e.referenced.length, 'result')} by reference`,
  'model.intended': (e) => `turn ${e.turn}, ${e.model}${e.attempt > 1 ? `, attempt ${e.attempt}` : ''}`,
  'model.replied': (e) =>
    `turn ${e.turn}, ${e.model}${e.rehearsed ? ', rehearsed' : ''}${e.kept === true ? ', kept from before' : ''}, ${duration(e.ms)}, ${tokens(e)}, ${costOf(e)}: ${ellipsis(replyText(e), TEXT_CHARS)}`,
  'model.failed': (e) => `turn ${e.turn}, ${e.model}, attempt ${e.attempt}, ${e.kind}: ${e.message}`,
  'model.fellback': (e) => `turn ${e.turn}, from ${e.from} to ${e.to}: ${e.why}`,
  'tool.intended': (e) => `${e.tool} ${compactJson(e.args, ARGS_CHARS)}`,
  'tool.done': (e) => `${e.tool}, ${duration(e.ms)}${e.known === 'effect' ? '' : `, known by ${e.known}`}: ${ellipsis(e.text, TEXT_CHARS)}`,
  'tool.failed': (e) => `${e.tool}, ${e.class}, ${duration(e.ms)}: ${e.message}`,
  'tool.denied': (e) => `${e.tool}: ${e.reason}`,
  'tool.outcome_unknown': (e) => `${e.tool}: ${e.why}`,
  'approval.asked': (e) => `${e.approvalId}, ${e.kind}, ${e.tool} ${compactJson(e.args, ARGS_CHARS)}: ${e.question}`,
  'approval.answered': (e) => `${e.approvalId}, ${e.answer} by ${e.by.name}${e.text === '' ? '' : `: ${e.text}`}`,
  'approval.expired': (e) => `${e.approvalId}, then ${e.onExpiry}`,
  'guardrail.fired': (e) => `${e.rule} in ${e.where}: ${e.excerpt}`,
  'guardrail.overridden': (e) => `${e.rule} by ${e.by.name}: ${e.reason}`,
  'budget.warned': (e) => `${e.budget}, ${Math.round(e.usedShare * 100)}% used`,
  'budget.spiked': (e) =>
    `it cost ${(e.costMicroUsd / 1e6).toFixed(2)} USD, the last ${e.runs} runs ${(e.medianMicroUsd / 1e6).toFixed(2)} USD in the median`,
  'budget.exhausted': (e) => `${e.budget}: ${e.message}`,
  'output.rejected': (e) => `turn ${e.turn}, ${e.why}: ${e.message}`,
  'stop_rule.tripped': (e) => `${e.rule}: ${e.detail}`,
  'memory.read': (e) => plural(e.ids.length, 'memory entry').replace(/entrys$/, 'entries'),
  'memory.written': (e) => plural(e.ids.length, 'memory entry').replace(/entrys$/, 'entries'),
  'skill.activated': (e) => e.skill,
  'skill.unloaded': (e) => e.skill,
  'phase.entered': (e) => e.phase,
  progress: (e) =>
    `${e.phase}, ${Math.round(e.percent)}%${e.etaMs === null || e.etaMs === 0 ? '' : `, about ${duration(e.etaMs)} to go`}: ${e.message}`,
  'child.started': (e) => `${e.agent} as ${e.run}`,
  'child.ended': (e) => `${e.run}, ${e.status}, ${money(e.cost)}: ${ellipsis(e.text, TEXT_CHARS)}`,
  note: (e) => `by ${e.by.name}: ${e.text}`,
  'artefact.failed': (e) => `${e.what}: ${e.message}`,
};

/** Without its type; always one line. */
export function describeEvent(event: RunEvent): string {
  const say = WORDS[event.type] as (event: RunEvent) => string;
  return say(event).replaceAll(/\s+/g, ' ').trim();
}

/** `12 2026-11-21T03:45:36Z tool.done fs_read, 120 ms: …`. */
export function plainEntry(entry: EntryView): string {
  const words = entry.event === null ? 'deleted' : `${entry.event.type} ${describeEvent(entry.event)}`;
  return `${entry.seq} ${timestamp(entry.atMs)} ${words}`;
}

/** Only what the model said; its calls follow as events of their own. */
export function replyText(event: EventOf<'model.replied'>): string {
  return event.content
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n')
    .trim();
}

export function tokens(event: EventOf<'model.replied'>): string {
  const { inputTokens, outputTokens, estimated } = event.usage;
  return `${estimated ? 'about ' : ''}${count(inputTokens)} → ${count(outputTokens)} tokens`;
}

export function costOf(event: { costMicroUsd: number | null }): string {
  return event.costMicroUsd === null ? 'cost unknown' : money({ microUsd: event.costMicroUsd, known: true });
}
