/**
 * What becomes of effects and model calls that were intended and have no outcome in the journal (spec RUN-3, RUN-4). `next` is asked only
 * when nothing is in flight, so whatever is open was cut off: by a crash, a lost lease, or an append that failed.
 */
import type { Action } from './action.ts';
import { failed } from './approval-rule.ts';
import { reservedUsage } from './limits.ts';
import type { Context } from './rules.ts';
import type { Call, RunState } from './state.ts';
import { waitUntil } from './waiting.ts';

/** Times an effect is begun before it is given up: what kills its worker each time must not do so for ever. */
const MOST_TRIES = 3;

/** A model call without outcome: charged as if spent, then tried again. Null when there is none. */
export function recoverModel(state: RunState): Action | null {
  const open = state.model.open;
  if (open === null) return null;
  const { event } = open;
  return {
    do: 'record',
    events: [
      {
        type: 'model.failed',
        turn: event.turn,
        attempt: event.attempt,
        model: event.model,
        kind: 'interrupted',
        message: 'The worker was interrupted before the reply was recorded.',
        retryable: true,
        notBeforeMs: null,
        usage: reservedUsage(event.reservation, event.maxOutputTokens),
        costMicroUsd: event.reservation?.microUsd ?? null,
      },
    ],
  };
}

/** The first effect without outcome: repeated, probed, or declared unknown. Null when there is none. */
export function recoverEffects({ state, nowMs }: Context): Action | null {
  const open = state.calls.find((call) => call.phase === 'intended');
  if (open === undefined || open.intent === null) return null;
  const { event, fence } = open.intent;
  if (event.sideEffect === 'read' && open.tries >= MOST_TRIES) {
    return failed(open, { class: 'internal', message: `It was begun ${open.tries} times and cut off each time.` });
  }
  const how = open.tries >= MOST_TRIES ? null : howToRecover(open);
  if (how === null) {
    const why =
      open.tries >= MOST_TRIES
        ? `${open.tool} was begun ${open.tries} times and its outcome was never recorded.`
        : `${open.tool} was begun and its worker stopped before the outcome was recorded; it takes no key and has no probe, so it is not repeated.`;
    return { do: 'record', events: [{ type: 'tool.outcome_unknown', callId: open.callId, tool: open.tool, why }] };
  }
  // A frozen worker of an earlier lease may still act until the intent's deadline; a probe must also let the effect settle.
  const mayStillAct = event.sideEffect !== 'read' && fence < state.fence;
  const notBeforeMs = how === 'probe' ? event.deadlineMs + event.settleMs : mayStillAct ? event.deadlineMs : 0;
  if (nowMs < notBeforeMs) {
    return waitUntil(nowMs, {
      for: 'time',
      untilMs: notBeforeMs,
      reason: `${open.tool} may still be acting; its outcome is looked at once its deadline has passed`,
    });
  }
  return { do: 'recover', effect: { callId: open.callId, intent: event, how, notBeforeMs } };
}

function howToRecover(call: Call): 'repeat' | 'probe' | null {
  const event = call.intent?.event;
  if (event === undefined) return null;
  if (event.sideEffect === 'read' || event.recovery === 'key') return 'repeat';
  return event.recovery === 'probe' ? 'probe' : null;
}
