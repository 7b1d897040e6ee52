/**
 * Questions to people: what an answer binds to, and what an answer, a refusal or an expiry makes of its call (spec APR-1, APR-2).
 * Who may answer is decided where the answer arrives, not here.
 */
import { digestOf } from '../../kernel/canonical-json.ts';
import type { Decision, EventOf } from '../../kernel/events.ts';
import type { Action } from './action.ts';
import { halt, triedText } from './ending.ts';
import { planOf, type Context } from './rules.ts';
import type { Call, RunState } from './state.ts';

type Args = EventOf<'approval.asked'>['args'];

/** What the action is aimed at, where the arguments say so: shown with the question and part of what it binds to. */
export function targetOf(args: Args): string | null {
  for (const name of ['url', 'to', 'repository', 'repo', 'channel', 'host', 'path', 'file']) {
    const value = args[name];
    if (typeof value === 'string') return value;
  }
  return null;
}

/** The hash an approval binds to: tool, arguments as approved, target, deciding rules. */
export function approvalHash(approved: { tool: string; args: Args; rules: readonly string[] }): string {
  return digestOf({ tool: approved.tool, args: approved.args, target: targetOf(approved.args), rules: approved.rules });
}

export function askApproval({ state, nowMs }: Context, call: Call, decision: Decision): Action {
  return ask({ state, nowMs }, call, {
    kind: 'approval',
    question: `May ${call.tool} be carried out? ${decision.reason}.`,
    choices: ['approve', 'edit', 'deny'],
    decision,
  });
}

/** The question of an `ask` tool, in the model's words. */
export function askInput({ state, nowMs }: Context, call: Call, decision: Decision): Action {
  const question = typeof call.args['question'] === 'string' ? call.args['question'] : JSON.stringify(call.args);
  const choices = Array.isArray(call.args['choices'])
    ? call.args['choices'].map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)))
    : [];
  const minutes = call.args['deadlineMinutes'];
  const ttlMs = typeof minutes === 'number' && minutes > 0 ? minutes * 60_000 : Number.POSITIVE_INFINITY;
  return ask({ state, nowMs }, call, {
    kind: 'input',
    question,
    choices,
    decision,
    deadlineMs: nowMs + Math.min(ttlMs, planOf(state).approvalTtlMs),
  });
}

export function askOutcome({ state, nowMs }: Context, call: Call): Action {
  const decision = call.intent?.event.decision ?? { answer: 'confirm', rules: ['outcome_unknown'], reason: 'its outcome is unknown' };
  const question = `${call.tool} was begun and may or may not have happened. Please look, and say whether it did.`;
  return ask({ state, nowMs }, call, { kind: 'outcome', question, choices: ['done', 'not_done'], decision });
}

type Asked = Pick<EventOf<'approval.asked'>, 'kind' | 'question' | 'choices' | 'decision'> & { deadlineMs?: number };

function ask({ state, nowMs }: Pick<Context, 'state' | 'nowMs'>, call: Call, asked: Asked): Action {
  const plan = planOf(state);
  return {
    do: 'ask',
    asked: {
      type: 'approval.asked',
      callId: call.callId,
      tool: call.tool,
      args: call.args,
      hash: approvalHash({ tool: call.tool, args: call.args, rules: asked.decision.rules }),
      deadlineMs: nowMs + plan.approvalTtlMs,
      // Without an answer an unknown outcome cannot be gone on from.
      onExpiry: asked.kind === 'outcome' ? 'halt' : plan.onApprovalExpiry,
      ...asked,
    },
  };
}

/** An approval that still stands for this call under today's decision: same rules, approved or edited, not expired. */
export function approvalFor(call: Call, decision: Decision): string | null {
  const question = call.question;
  if (question?.asked.kind !== 'approval' || question.expired) return null;
  if (question.answer?.answer !== 'approve' && question.answer?.answer !== 'edit') return null;
  return question.asked.decision.rules.join() === decision.rules.join() ? question.asked.approvalId : null;
}

/** What an answer that is no approval makes of its call; null for an approval, which is decided on again. */
export function afterAnswer(state: RunState, call: Call): Action | null {
  const question = call.question;
  if (call.phase !== 'answered' || question === null) return null;
  const { asked, answer } = question;
  if (answer === null) return afterExpiry(state, call, asked);
  const said = answer.text.trim() === '' ? '' : `: ${answer.text.trim()}`;
  const settled = { callId: call.callId, tool: call.tool };
  const done = (text: string): Action => ({
    do: 'record',
    events: [{ type: 'tool.done', ...settled, text, labels: [], evidence: null, known: 'human', ms: 0 }],
  });
  if (asked.kind === 'approval' && (answer.answer === 'approve' || answer.answer === 'edit')) return null;
  if (asked.kind === 'input' && answer.answer !== 'deny') return done(answer.text);
  if (asked.kind === 'outcome' && answer.answer === 'done') return done(`${answer.by.name} looked: it was done${said}`);
  if (asked.kind === 'outcome') return failed(call, { class: 'tool_error', message: `${answer.by.name} looked: it was not done${said}` });
  return { do: 'record', events: [{ type: 'tool.denied', ...settled, reason: `${answer.by.name} denied it${said}`, rules: ['human'] }] };
}

function afterExpiry(state: RunState, call: Call, asked: EventOf<'approval.asked'>): Action {
  if (asked.onExpiry === 'halt') {
    const blocked = `Nobody answered in time whether ${call.tool} ${asked.kind === 'outcome' ? 'had been done' : 'may go on'}.`;
    return halt(state, { blocked, tried: triedText(state, () => true), need: `a decision: ${asked.question}` }, 'timeout');
  }
  if (asked.kind === 'input') return failed(call, { class: 'timeout', message: 'Nobody answered in time.' });
  return {
    do: 'record',
    events: [{ type: 'tool.denied', callId: call.callId, tool: call.tool, reason: 'Nobody approved it in time', rules: ['approval_expired'] }],
  };
}

/** The failure of a call that never reached its tool. */
export function failed(call: Call, failure: { class: EventOf<'tool.failed'>['class']; message: string }): Action {
  return { do: 'record', events: [{ type: 'tool.failed', callId: call.callId, tool: call.tool, ...failure, labels: [], ms: 0 }] };
}
