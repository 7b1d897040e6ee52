/** Sessions on a real database: resumed, raced for, gone stale, superseded, ended, seen by others and by nobody else's organization. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRunViews } from '../../../src/runtime/runs/views-store.ts';
import type { SessionView } from '../../../src/work/sessions/contract.ts';
import { callerOf, testOwner, testPrincipal } from '../../support/identity.ts';
import { APP_REMOTE, MINUTE_MS, sessionWorld, START_MS } from '../../support/sessions.ts';

test('starting twice answers the same session; another place is another session [SES-1]', async () => {
  await using world = await sessionWorld();
  const first = await world.start({ repository: APP_REMOTE, branch: 'main', commit: 'a'.repeat(40) });
  assert.deepEqual([first.outcome, first.session.state, first.session.repository], ['created', 'active', 'github.com/acme/app']);
  const again = await world.start({ repository: 'https://github.com/acme/app', branch: 'topic', commit: 'b'.repeat(40) });
  assert.deepEqual([again.outcome, again.session.id], ['resumed', first.session.id]);
  assert.deepEqual([again.session.branch, again.session.startCommit, again.session.commit], ['topic', 'a'.repeat(40), 'b'.repeat(40)]);
  const member = await testPrincipal(world.identity, world.owner, { role: 'member' });
  const places = [
    { track: 1 },
    { track: 0 },
    { machine: 'desk' },
    { agent: 'codex' },
    { project: 'site', repository: undefined },
    { clientSession: 'x' },
  ];
  const ids = new Set([first.session.id]);
  for (const place of places) ids.add((await world.start({ repository: APP_REMOTE, ...place })).session.id);
  ids.add((await world.start({ repository: APP_REMOTE }, member)).session.id);
  assert.equal(ids.size, places.length + 2);
});

test('the project is found by the git remote, never by a name; none and several are said [PRJ-2]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start({ project: undefined, repository: 'ssh://git@github.com/ACME/app.git' });
  assert.equal(session.project, 'app');
  await assert.rejects(world.start({ project: undefined, repository: 'https://github.com/other/app' }), {
    code: 'not_found',
    message: /github.com\/other\/app/,
  });
  await assert.rejects(world.start({ project: undefined }), { code: 'not_found' });
  await assert.rejects(world.start({ repository: 'nonsense' }), { code: 'invalid_input' });
  await assert.rejects(world.start({ project: 'nowhere' }), { code: 'not_found' });
  await assert.rejects(world.start({ project: 'site', repository: APP_REMOTE }), {
    code: 'denied',
    message: /session of site .*active project is app/,
  });
  await world.db.owner("update project set remote = 'git@github.com:acme/app' where code = 'site'");
  await assert.rejects(world.start({ project: undefined, repository: APP_REMOTE }), { code: 'invalid_input', message: /app, site/ });
});

test('of 500 starts at once as many sessions are made as there are distinct places [SES-1]', async () => {
  await using world = await sessionWorld();
  const places = Array.from({ length: 40 }, (_, i) => ({
    machine: `m${i % 4}`,
    track: i % 5,
    clientSession: `c${i % 2}`,
    agent: i % 20 < 10 ? 'claude' : 'codex',
  }));
  const distinct = new Set(places.map((place) => JSON.stringify(place))).size;
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => world.start(places[(i * 7) % places.length])));
  assert.equal(new Set(answers.map(({ session }) => session.id)).size, distinct);
  assert.equal(answers.filter(({ outcome }) => outcome === 'created').length, distinct);
  assert.deepEqual(await world.db.owner("select count(*) as count from session where state = 'active'"), [{ count: String(distinct) }]);
  assert.deepEqual(await world.db.owner('select count(*) as count from session'), [{ count: String(distinct) }]);
  assert.ok(answers.every(({ closed }) => closed.length === 0));
});

test('without heartbeats for 45 minutes a session reads as abandoned, and the next start makes a new one [SES-2]', async () => {
  await using world = await sessionWorld();
  await world.db.setTime(START_MS);
  const { session } = await world.start();
  const claim = await world.sessions.handlers.claim(callerOf(world.owner), { id: session.id, kind: 'issue', name: '1', onHeld: 'warn' });
  assert.equal(claim.granted, true);
  const read = (): Promise<SessionView> => world.sessions.handlers.get(callerOf(world.owner), { id: session.id });
  await world.db.setTime(START_MS + 45 * MINUTE_MS);
  assert.equal((await read()).state, 'active');
  await world.db.setTime(START_MS + 45 * MINUTE_MS + 1);
  const stale = await read();
  assert.deepEqual([stale.state, stale.endReason, stale.endedAtMs, stale.claims], ['abandoned', 'stale', START_MS + 45 * MINUTE_MS, []]);
  await assert.rejects(world.sessions.handlers.heartbeat(callerOf(world.owner), { id: session.id }), {
    code: 'conflict',
    message: /heard nothing of/,
  });
  const next = await world.start();
  assert.equal(next.outcome, 'created');
  assert.deepEqual(next.closed, [{ id: session.id, reason: 'stale' }]);
  assert.deepEqual([(await read()).state, (await read()).endReason], ['abandoned', 'stale']);
  assert.deepEqual(await world.journal(session.id), ['session.started', 'session.claimed', 'session.released', 'session.ended']);
});

test('how long is too long can be configured [SES-2]', async () => {
  await using world = await sessionWorld({ staleAfterMs: MINUTE_MS });
  await world.db.setTime(START_MS);
  const { session } = await world.start();
  await world.db.setTime(START_MS + 2 * MINUTE_MS);
  assert.deepEqual((await world.start()).closed, [{ id: session.id, reason: 'stale' }]);
});

test("a session from before the CLI's own id was known is superseded by the one with it [SES-1, SES-2]", async () => {
  await using world = await sessionWorld();
  const launched = await world.start();
  const known = await world.start({ clientSession: 'cli-1' });
  assert.deepEqual([known.outcome, known.closed], ['created', [{ id: launched.session.id, reason: 'superseded' }]]);
  assert.deepEqual(known.others, []);
  const other = await world.start({ clientSession: 'cli-2' });
  assert.deepEqual(other.closed, []);
  const old = await world.sessions.handlers.get(callerOf(world.owner), { id: launched.session.id });
  assert.deepEqual([old.state, old.endReason], ['abandoned', 'superseded']);
});

test('a heartbeat answers when to call next, is journaled at most once a minute, and a tool call counts as one [SES-3]', async () => {
  await using world = await sessionWorld();
  await world.db.setTime(START_MS);
  const { session, nextHeartbeatAtMs } = await world.start();
  assert.equal(nextHeartbeatAtMs, START_MS + 10 * MINUTE_MS);
  const beats = async (): Promise<number> => (await world.journal(session.id)).filter((type) => type === 'session.heartbeat').length;
  const beat = () => world.sessions.handlers.heartbeat(callerOf(world.owner), { id: session.id });
  await world.db.setTime(START_MS + MINUTE_MS - 1);
  assert.deepEqual(await beat(), { nextHeartbeatAtMs: START_MS + 11 * MINUTE_MS - 1, nextHeartbeatInMs: 10 * MINUTE_MS });
  assert.equal(await beats(), 0);
  await world.db.setTime(START_MS + MINUTE_MS);
  await Promise.all([beat(), beat(), beat()]);
  assert.equal(await beats(), 1);
  await world.db.setTime(START_MS + 40 * MINUTE_MS);
  await world.sessions.touch(world.owner, session.id);
  await world.db.setTime(START_MS + 80 * MINUTE_MS);
  assert.equal((await world.sessions.handlers.get(callerOf(world.owner), { id: session.id })).state, 'active');
});

test('live sessions of a project see each other and what each works on and holds [SES-4]', async () => {
  await using world = await sessionWorld();
  const first = await world.start({ issue: '12', workingOn: 'mends the build', branch: 'laptop/claude/12', metadata: { model: 'x' } });
  await world.sessions.handlers.claim(callerOf(world.owner), { id: first.session.id, kind: 'file', name: 'src/a.ts', onHeld: 'warn' });
  await world.start({ project: 'site', machine: 'elsewhere' });
  const second = await world.start({ machine: 'desk', issue: '12' });
  assert.deepEqual(
    second.others.map(({ id, issue, workingOn, branch }) => ({ id, issue, workingOn, branch })),
    [{ id: first.session.id, issue: '12', workingOn: 'mends the build', branch: 'laptop/claude/12' }],
  );
  assert.deepEqual(
    second.others[0]?.claims.map(({ kind, name, fence }) => [kind, name, fence]),
    [['file', 'src/a.ts', 1]],
  );
  assert.deepEqual(second.othersTotal, { kind: 'exact', value: 1 });
  assert.equal(second.warnings[0], `Issue 12 is also worked on by claude on laptop (${first.session.id}), on issue 12: mends the build.`);
  assert.equal(second.branchPrefix, 'desk/claude/');
  const { warnings } = await world.sessions.handlers.update(callerOf(world.owner), { id: first.session.id, issue: '12', under: [] });
  assert.equal(warnings.length, 1);
});

test('what a session works on changes; what is left out stays, null clears, nothing new writes nothing [SES-4]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start({ branch: 'main', issue: '1', metadata: { a: 1, b: [true, null] } });
  const update = (changes: object) => world.sessions.handlers.update(callerOf(world.owner), { id: session.id, under: [], ...changes });
  const detached = (await update({ branch: null, workingOn: 'looks' })).session;
  assert.deepEqual([detached.branch, detached.issue, detached.workingOn, detached.metadata], [null, '1', 'looks', { a: 1, b: [true, null] }]);
  await update({ branch: null, issue: '1', metadata: { b: [true, null], a: 1 } });
  assert.deepEqual(await world.journal(session.id), ['session.started', 'session.updated']);
  await assert.rejects(update({ metadata: { text: 'x'.repeat(9_000) } }), { code: 'too_large' });
});

test('ending ends once; the second time nothing changes [SES-5]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const end = (reason: 'manual' | 'error') => world.sessions.handlers.end(callerOf(world.owner), { id: session.id, reason });
  const first = await end('error');
  assert.deepEqual([first.changed, first.session.state, first.session.endReason], [true, 'ended', 'error']);
  const second = await end('manual');
  assert.equal(second.changed, false);
  assert.deepEqual(second.session, first.session);
  await assert.rejects(world.sessions.handlers.heartbeat(callerOf(world.owner), { id: session.id }), { code: 'conflict' });
  assert.notEqual((await world.start()).session.id, session.id);
  const { ok, entries } = await createRunViews(world.db).verify(world.org, session.id);
  assert.deepEqual([ok, entries], [true, 2]);
});

test('nobody acts for a session of somebody else, save an operator', async () => {
  await using world = await sessionWorld();
  const tess = await testPrincipal(world.identity, world.owner, { role: 'member' });
  const tom = await testPrincipal(world.identity, world.owner, { role: 'member' });
  const { session } = await world.start({}, tess);
  const { heartbeat, end, get } = world.sessions.handlers;
  await assert.rejects(async () => heartbeat(callerOf(tom), { id: session.id }), { code: 'denied' });
  assert.equal((await get(callerOf(tom), { id: session.id })).id, session.id);
  assert.equal((await end(callerOf(world.owner), { id: session.id, reason: 'manual' })).changed, true);
});

test('the list is by state, project, place and page [SES-4]', async () => {
  await using world = await sessionWorld();
  const made = [];
  for (let i = 0; i < 5; i += 1) made.push((await world.start({ machine: `m${i}`, repository: APP_REMOTE })).session.id);
  await world.start({ project: 'site' });
  await world.sessions.handlers.end(callerOf(world.owner), { id: made[0] ?? '', reason: 'manual' });
  const list = (input: object) => world.sessions.handlers.list(callerOf(world.owner), { limit: 2, state: 'active', project: 'app', ...input });
  const first = await list({});
  assert.deepEqual([first.items.map(({ id }) => id), first.total], [[made[4], made[3]], { kind: 'exact', value: 4 }]);
  const second = await list({ cursor: first.next ?? '' });
  assert.deepEqual([second.items.map(({ id }) => id), second.next], [[made[2], made[1]], null]);
  assert.deepEqual(
    (await list({ state: 'ended' })).items.map(({ id }) => id),
    [made[0]],
  );
  assert.deepEqual(
    (await list({ repository: 'https://github.com/acme/app', machine: 'm3' })).items.map(({ id }) => id),
    [made[3]],
  );
  await assert.rejects(list({ cursor: 'W10x' }), { code: 'invalid_input' });
});

test('another organization sees, changes and resumes nothing [STO-2, SES-1]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const { owner: stranger } = await testOwner(world.identity, 'Another');
  const { get, heartbeat, end, claim, list } = world.sessions.handlers;
  const caller = callerOf(stranger);
  for (const attempt of [
    () => get(caller, { id: session.id }),
    () => heartbeat(caller, { id: session.id }),
    () => end(caller, { id: session.id, reason: 'manual' }),
    () => claim(caller, { id: session.id, kind: 'issue', name: '1', onHeld: 'take' }),
    () => world.start({ project: world.app }, stranger),
    () => world.start({ project: undefined, repository: APP_REMOTE }, stranger),
  ]) {
    await assert.rejects(async () => attempt(), { code: 'not_found' });
  }
  assert.equal((await list(caller, { limit: 10, state: 'all' })).shown, 0);
});
