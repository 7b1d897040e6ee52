/**
 * Whether the model's last word is the run's answer: complete, valid against the output schema, backed by the evidence the agent
 * requires. Each fault is told to the model once (spec AGT-3, HAR-6, RUN-11); the second time it ends the run.
 */
import type { EventOf } from '../../kernel/events.ts';
import { EvidenceLevel } from '../../kernel/plan.ts';
import type { Action } from './action.ts';
import { end } from './ending.ts';
import { modelPlanOf, planOf, type Context } from './rules.ts';
import { isSettled, textOf, type RunState } from './state.ts';

type Why = EventOf<'output.rejected'>['why'];

/** What to do with a reply that calls no tool: end the run, or have it mended once. */
export function conclude({ state, rules }: Context): Action {
  const plan = modelPlanOf(state);
  const text = lastText(state);
  if (state.model.finish === 'refused') {
    return end(state, { status: 'failed', failure: 'model_error', reason: 'The model refused to answer.', answer: text || null });
  }
  if (state.model.finish === 'length') return cutOff(state);
  if (text.trim() === '') {
    return reject(
      state,
      { why: 'empty', faults: [], message: 'Your last message was empty. Give your final answer now.' },
      'The model gave no answer.',
    );
  }
  const parsed = plan.outputSchema === null ? null : parseJson(text);
  if (plan.outputSchema !== null) {
    const faults = parsed === null ? ['the answer is not JSON'] : rules.validate(plan.outputSchema, parsed.value);
    if (faults.length > 0) {
      const message = `Your answer does not match the required JSON Schema:\n${faults.map((fault) => `- ${fault}`).join('\n')}\nAnswer again with the corrected JSON value only.`;
      return reject(state, { why: 'schema', faults: [...faults], message }, `The answer does not match the output schema: ${faults.join('; ')}.`);
    }
  }
  const missing = missingEvidence(state);
  if (missing !== null) {
    const message = `Your answer needs evidence before it counts: ${missing}. Check your work with a tool that shows it, then answer again.`;
    return reject(state, { why: 'evidence', faults: [missing], message }, `The answer lacks evidence: ${missing}.`);
  }
  return end(state, {
    status: 'succeeded',
    reason: 'The agent gave its answer.',
    answer: text,
    ...(parsed === null ? {} : { output: parsed.value }),
  });
}

/** How a command run ends: with its first failure, or with the last command's output once all are done; null while some are left. */
export function concludeCommands(state: RunState): Action | null {
  const broken = state.calls.find((call) => call.phase === 'failed' || call.phase === 'denied');
  const answer = state.calls.findLast((call) => call.phase === 'done')?.result?.text ?? null;
  if (broken !== undefined) {
    const failure = broken.phase === 'denied' ? 'denied' : 'tool_error';
    return end(state, { status: 'failed', failure, reason: `${broken.tool} did not succeed. ${broken.result?.text ?? ''}`.trim(), answer });
  }
  if (!state.calls.every(isSettled)) return null;
  const missing = missingEvidence(state);
  if (missing !== null) return end(state, { status: 'failed', failure: 'invalid_output', reason: `The run lacks evidence: ${missing}.`, answer });
  return end(state, { status: 'succeeded', reason: `All ${state.calls.length} commands succeeded.`, answer });
}

function cutOff(state: RunState): Action {
  if (state.rejections.includes('cut')) return end(state, { status: 'limited', reason: 'The answer was cut off at the output limit twice.' });
  const message = 'Your last message was cut off at the output limit. Give the whole final answer again, shorter.';
  return { do: 'record', events: [{ type: 'output.rejected', turn: state.model.turn, why: 'cut', faults: [], message }] };
}

function reject(state: RunState, rejection: { why: Why; faults: string[]; message: string }, reason: string): Action {
  if (!state.rejections.includes(rejection.why)) return { do: 'record', events: [{ type: 'output.rejected', turn: state.model.turn, ...rejection }] };
  return end(state, { status: 'failed', failure: 'invalid_output', reason });
}

function lastText(state: RunState): string {
  const last = state.messages.at(-1);
  return last?.role === 'assistant' ? textOf(last.content) : '';
}

type JsonValue = NonNullable<EventOf<'run.ended'>['output']> | null;

/** The JSON value of an answer, with or without a code fence around it; null when it is none. */
function parseJson(text: string): { value: JsonValue } | null {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/.exec(text);
  try {
    return { value: JSON.parse(fenced?.[1] ?? text) as JsonValue };
  } catch {
    // Not JSON: a fault of the answer, told to the model by the caller.
    return null;
  }
}

/** What is missing of the evidence the plan requires: of at least its level, and not older than the last change. */
function missingEvidence(state: RunState): string | null {
  const required = planOf(state).evidence;
  if (required === null || required === 'self_report') return null;
  const levels = EvidenceLevel.options;
  const enough = state.evidence.filter((known) => levels.indexOf(known.evidence.level) >= levels.indexOf(required));
  const label = required.replace('_', ' ');
  if (enough.length === 0) return `there is no evidence of level "${label}"`;
  return enough.some((known) => known.seq >= state.lastWriteSeq) ? null : `the evidence of level "${label}" is older than the last change`;
}
