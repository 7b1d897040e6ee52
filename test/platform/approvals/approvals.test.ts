import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId } from '../../../src/kernel/ids.ts';
import { missingFor } from '../../../src/platform/identity/permissions.ts';
import { approvalOperations } from '../../../src/platform/approvals/contract.ts';
import { approvalWorld } from '../../support/approvals.ts';
import { callerOf, testOwner, testPrincipal } from '../../support/identity.ts';

const NOON = Date.UTC(2026, 0, 5, 12);
const HOUR_MS = 3_600_000;

test('what is asked is shown whole: action, arguments, reason, rules, hash, who started it, what led there [APR-1]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const asked = await all.ask(run);
  const me = callerOf(all.owner);
  const list = await all.approvals.handlers.list(me, { state: 'open', limit: 50 });
  assert.deepEqual([list.shown, list.total, list.next], [1, { kind: 'exact', value: 1 }, null]);
  const shown = await all.approvals.handlers.get(me, { id: asked.approvalId });
  assert.deepEqual(
    [shown.tool, shown.args, shown.hash, shown.rules, shown.run, shown.state],
    [asked.tool, asked.args, asked.hash, ['external_confirmed'], run, 'open'],
  );
  assert.deepEqual([shown.reason, shown.tier, shown.trigger, shown.startedBy.key], [asked.decision.reason, 3, 'manual', all.owner.fingerprint]);
  assert.match(shown.story[0]?.what ?? '', /owner started it/);
  assert.equal(shown.whyNotYou, null);
});

test('an answer is written once, with its inbox row, and wakes the run [APR-1, APR-2]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const { approvalId: id, hash, callId } = await all.ask(run);
  const me = callerOf(all.owner);
  const { answer } = all.approvals.handlers;
  const view = await answer(me, { id, hash, answer: 'approve', text: 'go on' });
  assert.deepEqual(
    [view.state, view.answer?.answer, view.answer?.by],
    ['answered', 'approve', { actor: all.owner.actor, name: 'owner', key: all.owner.fingerprint }],
  );
  const [event, ...others] = await all.inbox(run);
  assert.deepEqual(event, {
    type: 'approval.answered',
    approvalId: id,
    callId,
    answer: 'approve',
    text: 'go on',
    hash,
    by: { ...view.answer?.by, keyId: all.owner.key },
  });
  assert.deepEqual([others, all.woken], [[], [run]]);
  for (const word of ['approve', 'deny'] as const)
    await assert.rejects(answer(me, { id, hash, answer: word, text: 'again' }), { code: 'conflict' }, 'a replay counts for nothing');
  assert.equal((await all.inbox(run)).length, 1);
});

test('of many answers at once one counts [APR-1]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const { approvalId: id, hash } = await all.ask(run);
  const words = ['approve', 'deny', 'approve', 'deny'] as const;
  const ends = await Promise.allSettled(
    words.map((word) => all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: word, text: 'x' })),
  );
  assert.equal(ends.filter((end) => end.status === 'fulfilled').length, 1);
  assert.equal((await all.inbox(run)).length, 1);
});

test('changed arguments, a look-alike target and the answer to another question are not accepted [APR-1]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const asked = await all.ask(run);
  const twin = await all.ask(run, { args: { repo: 'acme/арр', title: 'Broken build' }, hash: 'b'.repeat(64), callId: 'call_2' });
  const { answer } = all.approvals.handlers;
  const me = callerOf(all.owner);
  const { approvalId: id, hash } = asked;
  await assert.rejects(answer(me, { id: twin.approvalId, hash, answer: 'approve', text: '' }), { code: 'precondition_failed' });
  await assert.rejects(answer(me, { id, hash: twin.hash, answer: 'approve', text: '' }), { code: 'precondition_failed' });
  await assert.rejects(answer(me, { id, hash: '', answer: 'approve', text: '' }), { code: 'precondition_failed' });
  await assert.rejects(answer(me, { id, hash: hash.toUpperCase(), answer: 'approve', text: '' }), { code: 'precondition_failed' });
  await assert.rejects(answer(me, { id, hash, answer: 'approve', text: '', args: { repo: 'evil/app' } }), { code: 'invalid_input' });
  assert.deepEqual(await all.inbox(run), []);
  // edits are an answer of their own, recorded as such
  const view = await answer(me, { id, hash, answer: 'edit', text: '', args: { repo: 'acme/app', title: 'Build broken on main' } });
  assert.equal(view.answer?.args?.['title'], 'Build broken on main');
  assert.deepEqual(view.args, asked.args, 'what was asked stays as it was');
  const [event] = await all.inbox(run);
  assert.ok(event?.type === 'approval.answered' && event.args?.['title'] === 'Build broken on main' && event.hash === hash);
});

test('what was asked cannot be changed by the application at all [APR-1]', async () => {
  await using all = await approvalWorld();
  await all.ask(await all.start());
  for (const statement of [
    "update approval set args = '{}'",
    "update approval set hash = 'x'",
    "update approval set deadline_at = clock_now() + interval '1 year'",
    'delete from approval',
  ]) {
    await assert.rejects(
      all.db.asOrg(all.org, (tx) => tx.query(statement)),
      /permission denied/,
      statement,
    );
  }
  await assert.rejects(
    all.db.asOrg(all.org, (tx) => tx.query('insert into approval select * from approval')),
    /permission denied/,
  );
});

test('no viewer, member, local key or program answers; a person with the permission does [APR-1, IDN-1, IDN-2]', async () => {
  await using all = await approvalWorld();
  const { identity, owner } = all;
  const { permission } = approvalOperations.answer;
  assert.equal(permission, 'approvals.answer');
  for (const role of ['viewer', 'member'] as const) assert.notEqual(missingFor(await testPrincipal(identity, owner, { role }), permission), null);
  assert.notEqual(missingFor({ role: 'owner', scopes: ['read', 'run', 'context'] }, permission), null);
  const run = await all.start();
  const { approvalId: id, hash } = await all.ask(run);
  const { answer } = all.approvals.handlers;
  for (const kind of ['cli', 'service'] as const) {
    const program = await testPrincipal(identity, owner, { role: 'owner', kind });
    await assert.rejects(answer(callerOf(program), { id, hash, answer: 'approve', text: '' }), { code: 'denied' });
  }
  const person = await testPrincipal(identity, owner, { role: 'operator', name: 'grace' });
  assert.equal((await answer(callerOf(person), { id, hash, answer: 'approve', text: '' })).answer?.by.name, 'grace');
});

test('an agent of the run tree cannot answer for it, nor can the key that started it over MCP [APR-1]', async () => {
  await using all = await approvalWorld();
  const { identity, owner, agents } = all;
  const run = await all.start({ surface: 'mcp' });
  const { approvalId: id, hash } = await all.ask(run);
  const { answer, get } = all.approvals.handlers;
  const { id: agent } = await agents.handlers.get(callerOf(owner), { name: 'tier-3' });
  const [account] = await all.db.owner<{ id: string }>('select id from actor where agent_id = $1', [agent]);
  const made = await identity.handlers.createKey(callerOf(owner), { name: 'agent', actor: account?.id, role: 'owner' });
  const itself = await identity.authenticate(made.secret);
  assert.ok(itself?.kind === 'agent');
  await assert.rejects(answer(callerOf(itself), { id, hash, answer: 'approve', text: '' }), { code: 'denied' });
  await assert.rejects(answer(callerOf(owner), { id, hash, answer: 'approve', text: '' }), { code: 'denied' });
  assert.match((await get(callerOf(owner), { id })).whyNotYou ?? '', /this key started/);
  const second = await identity.authenticate((await identity.handlers.createKey(callerOf(owner), { name: 'phone', role: 'owner' })).secret);
  assert.ok(second);
  assert.equal((await answer(callerOf(second), { id, hash, answer: 'approve', text: '' })).state, 'answered');
});

test('a child run answers to the person and key of its tree [APR-1, RUN-8]', async () => {
  await using all = await approvalWorld();
  const root = await all.start({ surface: 'mcp' });
  const child = await all.start({ by: await testPrincipal(all.identity, all.owner, { role: 'member' }) });
  const row = await all.runs.getRun(all.org, child);
  assert.ok(row);
  const asked = { ...(await all.ask(child)), approvalId: (await all.ask(child)).approvalId.replace(/.$/, 'z') };
  await all.db.asWorker((tx) =>
    all.approvals.ask(tx, { org: all.org, run: child, root, agent: row.agent, agentName: row.agentName, afterSeq: 1, asked }),
  );
  await assert.rejects(all.approvals.handlers.answer(callerOf(all.owner), { id: asked.approvalId, hash: asked.hash, answer: 'approve', text: '' }), {
    code: 'denied',
  });
});

test('past its deadline a question is expired, for readers at once and for the run by the sweep, once [APR-2]', async () => {
  await using all = await approvalWorld();
  await all.db.setTime(NOON);
  const run = await all.start();
  const asked = await all.ask(run, { deadlineMs: NOON + 24 * HOUR_MS });
  const later = await all.ask(run, { deadlineMs: NOON + 25 * HOUR_MS, callId: 'call_2' });
  assert.equal(await all.approvals.expireDue(), 0);
  await all.db.setTime(NOON + 24 * HOUR_MS);
  const { id, state } = (await all.approvals.handlers.list(callerOf(all.owner), { state: 'expired', limit: 5 })).items[0] ?? {};
  assert.deepEqual([id, state], [asked.approvalId, 'expired']);
  assert.deepEqual((await Promise.all([all.approvals.expireDue(), all.approvals.expireDue()])).toSorted(), [0, 1]);
  assert.deepEqual(await all.inbox(run), [{ type: 'approval.expired', approvalId: asked.approvalId, callId: 'call_1', onExpiry: 'deny' }]);
  assert.deepEqual(all.woken, [run]);
  assert.equal((await all.approvals.handlers.get(callerOf(all.owner), { id: later.approvalId })).state, 'open');
});

test('an answer that comes too late counts for nothing, and the run hears of the expiry [APR-2]', async () => {
  await using all = await approvalWorld();
  await all.db.setTime(NOON);
  const run = await all.start();
  const { approvalId: id, hash } = await all.ask(run, { deadlineMs: NOON + HOUR_MS });
  await all.db.setTime(NOON + HOUR_MS);
  const late = all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: 'approve', text: '' });
  await assert.rejects(late, (thrown: { code: string; next: string }) => thrown.code === 'conflict' && thrown.next.includes('ask-again'));
  assert.deepEqual(
    (await all.inbox(run)).map((event) => event.type),
    ['approval.expired'],
  );
  assert.equal(await all.approvals.expireDue(), 0);
});

test('an expired question is asked again: a live run is told, an ended one retried [APR-2]', async () => {
  await using all = await approvalWorld();
  await all.db.setTime(NOON);
  const run = await all.start();
  const { approvalId: id } = await all.ask(run, { deadlineMs: NOON + HOUR_MS });
  const { askAgain } = all.approvals.handlers;
  await assert.rejects(askAgain(callerOf(all.owner), { id }), { code: 'conflict' });
  await all.db.setTime(NOON + HOUR_MS);
  assert.equal((await askAgain(callerOf(all.owner), { id })).run, run);
  assert.deepEqual(
    (await all.inbox(run)).map((event) => event.type),
    ['approval.expired', 'note'],
  );
  await endRun(all.db, run);
  assert.equal((await askAgain(callerOf(all.owner), { id })).run, 'run_retried');
});

test('questions of an ended run are withdrawn; an answer finds that out [APR-2]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const [first, second] = [await all.ask(run), await all.ask(run, { callId: 'call_2' })];
  await all.db.asWorker((tx) => all.approvals.withdraw(tx, all.org, run));
  const { answer, list } = all.approvals.handlers;
  await assert.rejects(answer(callerOf(all.owner), { id: first.approvalId, hash: first.hash, answer: 'approve', text: '' }), { code: 'conflict' });
  assert.equal((await list(callerOf(all.owner), { state: 'withdrawn', limit: 5 })).shown, 2);
  await all.db.owner("update approval set state = 'open'");
  await endRun(all.db, run);
  await assert.rejects(answer(callerOf(all.owner), { id: second.approvalId, hash: second.hash, answer: 'approve', text: '' }), { code: 'conflict' });
  assert.equal((await list(callerOf(all.owner), { state: 'withdrawn', limit: 5 })).items[0]?.id, second.approvalId);
});

test('approvals of another organization are not there [STO-2, IDN-2]', async () => {
  await using all = await approvalWorld();
  const { approvalId: id, hash } = await all.ask(await all.start());
  const stranger = callerOf((await testOwner(all.identity, 'Other')).owner);
  const { get, answer, askAgain, list } = all.approvals.handlers;
  await assert.rejects(get(stranger, { id }), { code: 'not_found' });
  await assert.rejects(answer(stranger, { id, hash, answer: 'approve', text: '' }), { code: 'not_found' });
  await assert.rejects(askAgain(stranger, { id }), { code: 'not_found' });
  assert.deepEqual((await list(stranger, { state: 'open', limit: 5 })).total, { kind: 'exact', value: 0 });
  for (const wrong of ['', 'apr_x', "' or 1=1", `${id}x`]) await assert.rejects(get(callerOf(all.owner), { id: wrong }), { code: 'not_found' });
});

test('arguments and words that no text column takes are asked all the same [APR-1]', async () => {
  await using all = await approvalWorld();
  const run = await all.start();
  const { approvalId: id, hash, args } = await all.ask(run, { args: { note: 'a\0b \ud800 c' }, question: 'May \0 \udfff?' });
  const shown = await all.approvals.handlers.get(callerOf(all.owner), { id });
  assert.deepEqual([shown.args, shown.question], [args, 'May \u{FFFD} \u{FFFD}?']);
  await all.approvals.handlers.answer(callerOf(all.owner), { id, hash, answer: 'deny', text: 'no \0 \ud800' });
  assert.equal((await all.inbox(run)).length, 1);
});

async function endRun(db: { owner(text: string, values: readonly unknown[]): Promise<unknown> }, run: RunId): Promise<void> {
  await db.owner("update run set status = 'succeeded', ended_at = clock_now(), runnable_at = null where id = $1", [run]);
}
