/** What happens to a session inside a transaction: its changes, heartbeats and end, each with its entry in the session's stream. */
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrgId, RandomBytes } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Tx } from '../../storage/database.ts';
import { appendToStream } from '../../storage/journal-store.ts';
import { prolongClaims, releaseAll } from './claim-store.ts';
import type { Changes } from './contract.ts';
import { SESSION_LIMITS } from './contract.ts';
import type { Reason, SessionEvent } from './session.ts';
import { whyNotYours } from './session.ts';
import type { SessionRow, Written } from './store.ts';
import * as store from './store.ts';

export type TransitionDeps = { randomBytes: RandomBytes; staleMs: number };
export type Target = { org: OrgId; actor: string; row: SessionRow };

const EVENT_VERSION = 1;

export async function record(
  deps: TransitionDeps,
  tx: Tx,
  entry: { org: OrgId; id: string; actor: string; events: readonly SessionEvent[] },
): Promise<void> {
  const stream = { org: entry.org, id: entry.id, kind: 'session', actor: entry.actor, version: EVENT_VERSION } as const;
  await appendToStream(tx, stream, { drafts: entry.events.map((payload) => ({ payload, effectId: null })), randomBytes: deps.randomBytes });
}

/** The caller's session, locked until the end of the transaction. @throws AppError `not_found`, `denied` */
export async function lockOwn(deps: TransitionDeps, tx: Tx, { principal, id }: { principal: Principal; id: string }): Promise<Target> {
  const row = await store.lockSession(tx, principal.org, { id, staleMs: deps.staleMs });
  if (row === null) throw unknownSession(id);
  const why = whyNotYours(principal, row);
  if (why !== null) throw new AppError('denied', `You may not act for this session: ${why}.`, { next: 'Start one of your own.' });
  return { org: principal.org, actor: principal.actor, row };
}

/** @throws AppError `conflict` for a session that is over. */
export function requireActive(row: SessionRow): void {
  if (row.state === 'active') return;
  const how = row.endReason === 'stale' ? 'heard nothing of for too long' : `${row.state} (${row.endReason ?? 'manual'})`;
  throw new AppError('conflict', `The session ${row.id} is over: ${how}.`, { next: 'Start it again with `windlass session start`.' });
}

/** Writes a heartbeat and prolongs the claims, at most once a minute. */
export async function beat(deps: TransitionDeps, tx: Tx, { org, actor, row }: Target): Promise<void> {
  if (row.nowMs - row.heartbeatAtMs < SESSION_LIMITS.heartbeatWriteMs) return;
  await store.writeHeartbeat(tx, org, row.id);
  await prolongClaims(tx, org, { session: row.id, leaseMs: SESSION_LIMITS.claimMs });
  await record(deps, tx, { org, id: row.id, actor, events: [{ type: 'session.heartbeat' }] });
}

/** Writes what is named and different; what is left out stays. */
export async function change(deps: TransitionDeps, tx: Tx, { org, actor, row, changes }: Target & { changes: Changes }): Promise<void> {
  const metadata = canonicalJson(row.metadata);
  const to: Written = {
    branch: changes.branch === undefined ? row.branch : changes.branch,
    // a session that began without a commit is counted from the first one it names
    startCommit: row.startCommit ?? changes.commit ?? null,
    commit: changes.commit === undefined ? row.commit : changes.commit,
    issue: changes.issue === undefined ? row.issue : changes.issue,
    workingOn: changes.workingOn ?? row.workingOn,
    metadata: changes.metadata === undefined ? metadata : metadataText(changes.metadata),
  };
  const changed = (['branch', 'commit', 'issue', 'workingOn'] as const).filter((name) => to[name] !== row[name]) as string[];
  if (to.metadata !== metadata) changed.push('metadata');
  if (changed.length === 0) return;
  await store.writeChanges(tx, org, { id: row.id, to });
  const { branch, commit, issue, workingOn } = to;
  await record(deps, tx, { org, id: row.id, actor, events: [{ type: 'session.updated', changed, branch, commit, issue, workingOn }] });
}

/** Ends an active session and releases its claims. One that went stale is abandoned by it; an ended one stays. */
export async function close(
  deps: TransitionDeps,
  tx: Tx,
  { org, actor, row, reason, handoff }: Target & { reason: Reason; handoff: string | null },
): Promise<void> {
  if (handoff !== null) await store.writeHandoff(tx, org, { id: row.id, handoff });
  if (row.stored !== 'active') {
    if (handoff !== null) await record(deps, tx, { org, id: row.id, actor, events: [{ type: 'session.handed_off', handoff }] });
    return;
  }
  const why = row.state === 'abandoned' ? 'stale' : reason;
  const state = why === 'stale' || why === 'superseded' ? 'abandoned' : 'ended';
  const released = await releaseAll(tx, org, row.id);
  await store.writeEnd(tx, org, { id: row.id, state, reason: why });
  const events: SessionEvent[] = [
    ...released.map(({ kind, name, fence }) => ({ type: 'session.released', kind, name, fence }) as const),
    { type: 'session.ended', state, reason: why, handoff },
  ];
  await record(deps, tx, { org, id: row.id, actor, events });
}

/** Canonical JSON. @throws AppError `too_large` */
export function metadataText(metadata: Changes['metadata']): string {
  const text = canonicalJson(metadata ?? {});
  if (Buffer.byteLength(text) <= SESSION_LIMITS.metadataBytes) return text;
  throw new AppError('too_large', `The metadata is over ${SESSION_LIMITS.metadataBytes / 1024} KB.`, { next: 'Keep what is long in the handoff.' });
}

export function unknownSession(id: string): AppError {
  return new AppError('not_found', `There is no session ${id.slice(0, 60)}.`, { next: '`windlass session list` shows those that live.' });
}
