/** Sessions and claims, pure: when the next heartbeat is due, what a start finds, who may act for a session, what to warn of. */
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { roleAtLeast } from '../../platform/identity/principal.ts';
import type { ClaimRef, EndReason, SessionState, SessionView } from './contract.ts';
import { SESSION_LIMITS } from './contract.ts';
import type { z } from 'zod';

export type SessionId = Id<'sess'>;
export type State = z.infer<typeof SessionState>;
export type Reason = z.infer<typeof EndReason>;

/** What makes two starts the same session (spec SES-1); `actor` is whose key it is. */
export type Place = {
  actor: string;
  agent: string;
  project: string;
  /** Empty when there is no remote. */
  repository: string;
  track: number | null;
  machine: string;
  /** Empty when the CLI has no id of its own. */
  clientSession: string;
};

/** Events of a session's stream in the journal, version 1. */
export type SessionEvent =
  | {
      type: 'session.started';
      project: string;
      agent: string;
      machine: string;
      by: string;
      branch: string | null;
      commit: string | null;
      issue: string | null;
      track: number | null;
    }
  | { type: 'session.heartbeat' }
  | { type: 'session.updated'; changed: readonly string[]; branch: string | null; commit: string | null; issue: string | null; workingOn: string }
  | { type: 'session.ended'; state: State; reason: Reason; handoff: string | null }
  | { type: 'session.handed_off'; handoff: string }
  | { type: 'session.claimed'; kind: ClaimRef['kind']; name: string; fence: number; from: string | null }
  | { type: 'session.released'; kind: ClaimRef['kind']; name: string; fence: number };

/** Milliseconds until the next heartbeat, for `random` in [0, 1) (spec SES-3). */
export function nextHeartbeatInMs(random: number): number {
  return Math.round(SESSION_LIMITS.heartbeatMs + (2 * random - 1) * SESSION_LIMITS.heartbeatJitterMs);
}

/** What a start does with the session that is active at its place, as it is shown: one that went stale reads as abandoned. */
export function decideStart(found: { state: State } | null): 'create' | 'resume' | 'replace' {
  if (found === null) return 'create';
  return found.state === 'active' ? 'resume' : 'replace';
}

/** How names of branches begin: machine and agent (spec SES-7), in what every git host takes. */
export function branchPrefix(session: { machine: string; agent: string }): string {
  const part = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'x';
  return `${part(session.machine)}/${part(session.agent)}/`;
}

/** Null when this caller may act for the session: whose key it began with, or an operator. */
export function whyNotYours(who: Pick<Principal, 'actor' | 'role'>, session: { actorId: string; actor: string }): string | null {
  if (who.actor === session.actorId || roleAtLeast(who.role, 'operator')) return null;
  return `it is a session of ${session.actor}`;
}

/** `claude on laptop (sess_…), on issue 12: mends the build`. */
export function sessionLine(session: SessionView): string {
  const on = session.issue === null ? '' : `, on issue ${session.issue}`;
  const what = session.workingOn === '' ? '' : `: ${session.workingOn}`;
  return `${session.agent} on ${session.machine} (${session.id})${on}${what}`;
}

/** Warnings for a session whose issue another live session works on or holds (spec SES-4). */
export function issueWarnings(issue: string | null | undefined, others: readonly SessionView[]): string[] {
  if (issue === null || issue === undefined) return [];
  return others
    .filter((other) => other.issue === issue || other.claims.some((claim) => claim.kind === 'issue' && claim.name === issue))
    .map((other) => `Issue ${issue} is also worked on by ${sessionLine(other)}.`);
}
