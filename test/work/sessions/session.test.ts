/** The pure rules of sessions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ActorId } from '../../../src/kernel/ids.ts';
import { SESSION_LIMITS } from '../../../src/work/sessions/contract.ts';
import type { SessionView } from '../../../src/work/sessions/contract.ts';
import { branchPrefix, decideStart, issueWarnings, nextHeartbeatInMs, whyNotYours } from '../../../src/work/sessions/session.ts';

const MINUTE_MS = 60_000;
const SESSION: SessionView = {
  ...{ id: 'sess_1', project: 'app', actor: 'Tess', agent: 'claude', machine: 'laptop', repository: null, clientSession: null, track: null },
  ...{ branch: null, startCommit: null, commit: null, issue: null, workingOn: 'the build', metadata: {}, state: 'active', endReason: null },
  ...{ startedAtMs: 0, heartbeatAtMs: 0, endedAtMs: null, handoff: null, claims: [] },
};

test('the next heartbeat is due in 8 to 12 minutes, whatever the dice say, and all of that is used [SES-3]', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const inMs = nextHeartbeatInMs(random);
      assert.ok(Number.isInteger(inMs) && inMs >= 8 * MINUTE_MS && inMs <= 12 * MINUTE_MS);
    }),
  );
  assert.deepEqual([0, 0.5, 0.999_999_9].map(nextHeartbeatInMs), [8 * MINUTE_MS, 10 * MINUTE_MS, 12 * MINUTE_MS]);
});

test('a session survives several missed heartbeats, a claim does not outlive one by long [SES-2, SES-6]', () => {
  const latestMs = SESSION_LIMITS.heartbeatMs + SESSION_LIMITS.heartbeatJitterMs;
  assert.ok(SESSION_LIMITS.claimMs > latestMs && SESSION_LIMITS.claimMs < SESSION_LIMITS.staleAfterMs);
  assert.ok(SESSION_LIMITS.staleAfterMs > 3 * latestMs);
});

test('a start creates, resumes what lives and replaces what went stale [SES-1]', () => {
  assert.deepEqual([decideStart(null), decideStart({ state: 'active' }), decideStart({ state: 'abandoned' })], ['create', 'resume', 'replace']);
});

test('names of branches begin with machine and agent, in what git takes [SES-7]', () => {
  assert.equal(branchPrefix({ machine: "Tess's MacBook.local", agent: 'claude' }), 'tess-s-macbook-local/claude/');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (machine, agent) => {
      assert.match(branchPrefix({ machine, agent }), /^[a-z0-9]+(-[a-z0-9]+)*\/[a-z0-9]+(-[a-z0-9]+)*\/$/);
    }),
  );
});

test('a session is acted for by its own actor and by operators', () => {
  const session = { actorId: 'act_a', actor: 'Tess' };
  assert.equal(whyNotYours({ actor: 'act_a' as ActorId, role: 'member' }, session), null);
  assert.equal(whyNotYours({ actor: 'act_b' as ActorId, role: 'operator' }, session), null);
  assert.match(whyNotYours({ actor: 'act_b' as ActorId, role: 'member' }, session) ?? '', /Tess/);
});

test('an issue that another live session works on or holds is warned of by name [SES-4]', () => {
  const on = { ...SESSION, issue: '12' };
  const holds = { ...SESSION, id: 'sess_2', claims: [{ kind: 'issue' as const, name: '12', fence: 1, expiresAtMs: 0 }] };
  const file = { ...SESSION, id: 'sess_3', claims: [{ kind: 'file' as const, name: '12', fence: 1, expiresAtMs: 0 }] };
  assert.deepEqual(issueWarnings('12', [SESSION, on, holds, file]), [
    'Issue 12 is also worked on by claude on laptop (sess_1), on issue 12: the build.',
    'Issue 12 is also worked on by claude on laptop (sess_2): the build.',
  ]);
  assert.deepEqual(issueWarnings(null, [on]), []);
});
