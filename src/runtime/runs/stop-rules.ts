/**
 * Stop rules, checked after every step (spec HAR-8): signs that going on is of no use. A tripped rule halts the run with an escalation of
 * exactly three parts; TRIED comes from the journal, NEED names a decision, a credential or an environment.
 */
import { digestOf } from '../../kernel/canonical-json.ts';
import type { EventOf } from '../../kernel/events.ts';
import type { Action } from './action.ts';
import { halt, triedText } from './ending.ts';
import type { Context } from './rules.ts';
import { activeMs, type Attempt, type RunState } from './state.ts';

const MOST_REPEATS = 3;
const MOST_BLOCKED_MS = 30 * 60_000;
const MOST_WRONG_PROJECT = 2;

/** A policy rule or a tool's refusal that names this says: aimed at another project (spec POL-4). */
export const OTHER_PROJECT = 'other_project';

type Tripped = Omit<EventOf<'stop_rule.tripped'>, 'type'>;

/** An event for the first rule that trips; null when none does. */
export function checkStopRules(context: Context): Action | null {
  const { state } = context;
  const tripped =
    missingCredential(state) ?? noNetwork(state) ?? wrongProject(state) ?? sameError(state) ?? sameCall(state) ?? blockedTooLong(context);
  return tripped === null ? null : { do: 'record', events: [{ type: 'stop_rule.tripped', ...tripped }] };
}

export function haltTripped(state: RunState): Action | null {
  if (state.tripped === null) return null;
  return halt(state, state.tripped.escalation, state.tripped.rule === 'missing_credential' ? 'missing_credential' : 'tool_error');
}

function trip(state: RunState, rule: string, told: { detail: string; need: string; which: (attempt: Attempt) => boolean }): Tripped {
  return { rule, detail: told.detail, escalation: { blocked: told.detail, tried: triedText(state, told.which), need: told.need } };
}

function missingCredential(state: RunState): Tripped | null {
  const last = state.attempts.findLast((attempt) => attempt.failure?.class === 'missing_credential');
  if (last === undefined) return null;
  const detail = `${last.tool} has no credential: ${last.failure?.message ?? ''}`;
  return trip(state, 'missing_credential', { detail, need: `a credential for ${last.tool}`, which: (attempt) => attempt.tool === last.tool });
}

const NO_NETWORK = /\b(?:ENETUNREACH|ENETDOWN|EAI_AGAIN)\b|network is unreachable/i;

function noNetwork(state: RunState): Tripped | null {
  const isOffline = (attempt: Attempt): boolean =>
    attempt.failure !== null && attempt.failure.class !== 'denied' && NO_NETWORK.test(attempt.failure.message.slice(0, 500));
  const last = state.attempts.findLast(isOffline);
  if (last === undefined) return null;
  const detail = `The environment of this run has no network: ${last.tool} said ${last.failure?.message ?? ''}`;
  return trip(state, 'no_network', { detail, need: 'an environment with network access', which: isOffline });
}

function wrongProject(state: RunState): Tripped | null {
  const isWrong = ({ failure }: Attempt): boolean =>
    failure?.class === 'denied' && (failure.rules.includes(OTHER_PROJECT) || failure.message.includes(OTHER_PROJECT));
  if (state.attempts.filter(isWrong).length < MOST_WRONG_PROJECT) return null;
  return trip(state, 'wrong_project', {
    detail: 'The agent acted on another project twice.',
    need: 'a decision: which project this run is for',
    which: isWrong,
  });
}

/** One meaning of an error whatever ids, numbers or addresses it names. */
function errorKey(attempt: Attempt): string | null {
  if (attempt.failure === null) return null;
  return `${attempt.failure.class} ${attempt.failure.message
    .toLowerCase()
    .replaceAll(/[0-9a-f]{8,}|\d+/g, '#')
    .slice(0, 300)}`;
}

/** The same error from three calls, with no success of that tool in between. */
function sameError(state: RunState): Tripped | null {
  const last = state.attempts.at(-1);
  const key = last === undefined ? null : errorKey(last);
  if (last === undefined || key === null) return null;
  const sinceSuccess = state.attempts.slice(state.attempts.findLastIndex((attempt) => attempt.tool === last.tool && attempt.failure === null) + 1);
  const same = sinceSuccess.filter((attempt) => errorKey(attempt) === key);
  if (same.length < MOST_REPEATS) return null;
  const detail = `The same error came back ${same.length} times: ${last.failure?.message ?? ''}`;
  return trip(state, 'same_error', {
    detail,
    need: `a decision: how to go on when ${last.tool} fails this way`,
    which: (attempt) => same.includes(attempt),
  });
}

/** The same call asked for the third time while nothing else was changed in between: the third is not carried out. */
function sameCall(state: RunState): Tripped | null {
  const asked = state.calls.filter((call) => call.phase === 'asked').map((call) => ({ call, hash: digestOf(call.args) }));
  for (const { call, hash } of asked) {
    const isSame = (attempt: Attempt): boolean => attempt.tool === call.tool && attempt.argsHash === hash;
    const sinceChange = state.attempts.slice(
      state.attempts.findLastIndex((attempt) => attempt.write && attempt.failure === null && !isSame(attempt)) + 1,
    );
    const earlier = sinceChange.filter(isSame).length;
    const now = asked.filter((other) => other.call.tool === call.tool && other.hash === hash).length;
    if (earlier + now < MOST_REPEATS) continue;
    const detail = `The agent asked for the same call ${earlier + now} times: ${call.tool} with the same arguments.`;
    return trip(state, 'same_call', { detail, need: `a decision: what to do instead of ${call.tool} again`, which: isSame });
  }
  return null;
}

/** Half an hour of active time in which a tool that failed has kept failing. */
function blockedTooLong({ state, nowMs }: Context): Tripped | null {
  const last = state.attempts.at(-1);
  if (last?.failure === undefined || last.failure === null) return null;
  const failures = state.attempts
    .slice(state.attempts.findLastIndex((attempt) => attempt.tool === last.tool && attempt.failure === null) + 1)
    .filter((attempt) => attempt.tool === last.tool);
  const first = failures[0];
  if (first === undefined || failures.length < 2 || activeMs(state, nowMs) - first.activeMs < MOST_BLOCKED_MS) return null;
  const detail = `The run has been stuck on one problem for 30 minutes: ${last.tool} fails with ${last.failure.message}`;
  return trip(state, 'blocked_30_min', {
    detail,
    need: `a decision: whether and how to go on with ${last.tool}`,
    which: (attempt) => failures.includes(attempt),
  });
}
