/** Handoffs: sealed, limited, written once with the end of their session, queued for other projects, proposed from what happened. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sha256Hex } from '../../../src/kernel/canonical-json.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createProcessRunner } from '../../../src/runtime/tools/child-process.ts';
import type { Database } from '../../../src/storage/database.ts';
import { createReadCommits, noCommits } from '../../../src/work/handoffs/commits.ts';
import { HandoffParts, HandoffPayload } from '../../../src/work/handoffs/contract.ts';
import { draftOf, renderMarkdown, sealPayload } from '../../../src/work/handoffs/handoff.ts';
import { noPulls } from '../../../src/work/handoffs/pulls.ts';
import { createHandoffs } from '../../../src/work/handoffs/service.ts';
import { temporaryFolder } from '../../support/cli.ts';
import { callerOf, testIds, testOwner } from '../../support/identity.ts';
import type { SessionWorld } from '../../support/sessions.ts';
import { sessionWorld } from '../../support/sessions.ts';

const PARTS = HandoffParts.parse({ status: 'in_progress', summary: 'The build is mended.', accomplished: ['Mended the build'], next: ['Deploy it'] });
const FROM = { session: 'sess_1', project: 'app', actor: 'Tess', agent: 'claude', machine: 'laptop', branch: 'main', commit: null };
const payload = (over: object = {}): HandoffPayload => HandoffPayload.parse({ ...PARTS, schema: 1, from: FROM, to: 'app', ...over });
const noRuns = async () => ({ items: [], total: { kind: 'exact', value: 0 } as const, fault: null });
const readCommits = createReadCommits({
  run: createProcessRunner({ spawn, clock: systemClock }),
  clock: systemClock,
  path: process.env['PATH'] ?? '',
});

function handoffsOf(world: SessionWorld, db: Database = world.db) {
  const { handlers } = createHandoffs({
    db,
    ids: testIds,
    sessions: world.sessions,
    projects: world.projects,
    readCommits,
    readPulls: async () => noPulls('no gh'),
    whyNoForge: async () => null,
    runsSince: noRuns,
  });
  const caller = callerOf(world.owner);
  return {
    handlers,
    write: (session: string, over: object = {}) => handlers.write(caller, { ...PARTS, session, under: [], ...over }),
    queue: (project: string) => handlers.list(caller, { project, view: 'queue', limit: 10 }),
  };
}

test('the payload has one text whatever the order of its members, with its digest and size [HND-1]', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (details) => {
      const reversed = Object.fromEntries(Object.entries(details).toReversed());
      const [one, two] = [sealPayload({ ...payload(), details: details as never }), sealPayload({ ...payload(), details: reversed as never })];
      assert.deepEqual(one, two);
      assert.equal(one.sha256, sha256Hex(one.text));
      assert.equal(one.bytes, Buffer.byteLength(one.text));
      assert.equal(one.text.includes('\0'), false);
    }),
  );
});

test('800 KB is the most, and what is no JSON is refused [HND-1]', () => {
  const room = 800 * 1024 - sealPayload(payload({ details: '' })).bytes;
  assert.equal(sealPayload(payload({ details: 'x'.repeat(room) })).bytes, 800 * 1024);
  assert.throws(() => sealPayload(payload({ details: 'x'.repeat(room + 1) })), { code: 'too_large' });
  assert.throws(() => sealPayload({ ...payload(), details: Number.NaN }), { code: 'invalid_input' });
  assert.equal(HandoffParts.safeParse({ ...PARTS, summary: 'x'.repeat(1_001) }).success, false);
  assert.equal(HandoffParts.safeParse({ ...PARTS, status: 'maybe' }).success, false);
});

test('the Markdown copy has the parts that are there, and no line of theirs becomes a heading [HND-1]', () => {
  const text = renderMarkdown(payload({ decisions: ['first\n# not a heading'], summary: 'a\n# b', to: 'site', issue: '12' }), {
    ...{ id: 'ho_1', sha256: 'f'.repeat(64), createdAtMs: Date.UTC(2026, 10, 21) },
  });
  assert.equal(
    text,
    [
      ...['# Handoff ho_1', '', '- Status: in progress, priority normal', '- From: claude on laptop in app, main', '- To: site', '- Issue: 12'],
      ...['- Written: 2026-11-21T00:00:00.000Z', `- Payload: SHA-256 ${'f'.repeat(64)}`, '', '> a', '> # b', '', '## Accomplished', ''],
      ...['- Mended the build', '', '## Next', '', '- Deploy it', '', '## Decisions', '', '- first', '  # not a heading', ''],
    ].join('\n'),
  );
});

test('a handoff ends its session; ending it twice changes nothing and answers the first [SES-5, HND-1]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start({ issue: '12' });
  const { write, handlers } = handoffsOf(world);
  const first = await write(session.id, { details: { nul: '\0', half: '\ud800' } });
  assert.deepEqual([first.created, first.session.state, first.session.handoff, first.handoff.issue], [true, 'ended', first.handoff.id, '12']);
  const again = await write(session.id, { summary: 'Something else.' });
  assert.deepEqual([again.created, again.handoff], [false, first.handoff]);
  const ended = await world.sessions.handlers.end(callerOf(world.owner), { id: session.id, reason: 'error' });
  assert.deepEqual([ended.changed, ended.session.endReason, ended.session.handoff], [false, 'manual', first.handoff.id]);
  const kept = await handlers.get(callerOf(world.owner), { id: first.handoff.id });
  assert.deepEqual(kept.payload.details, { nul: '\0', half: '\ud800' });
  assert.equal(kept.fileName.endsWith(`-${first.handoff.id}.md`), true);
  assert.deepEqual(await world.journal(session.id), ['session.started', 'session.ended']);
});

test('what a session that was given up leaves is kept, too [SES-5]', async () => {
  await using world = await sessionWorld({ staleAfterMs: 1 });
  const { session } = await world.start();
  await world.start();
  const { created, session: after } = await handoffsOf(world).write(session.id);
  assert.deepEqual([created, after.state, after.endReason], [true, 'abandoned', 'stale']);
});

test('killed before or after the commit and asked again: one handoff, one end [HND-1, SES-5]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  for (const when of ['before', 'after'] as const) {
    const dying: Database = {
      ...world.db,
      asOrg: async (org, work) => {
        const answer = await world.db.asOrg(org, async (tx) => {
          const result = await work(tx);
          if (when === 'before') throw new Error('killed');
          return result;
        });
        if (when === 'after') throw new Error('killed');
        return answer;
      },
    };
    await assert.rejects(handoffsOf(world, dying).write(session.id), /killed/);
    const shown = await world.sessions.handlers.get(callerOf(world.owner), { id: session.id });
    assert.equal(shown.state, when === 'before' ? 'active' : 'ended');
  }
  const { write } = handoffsOf(world);
  const answers = await Promise.all([write(session.id), write(session.id), write(session.id)]);
  assert.ok(answers.every(({ created }) => !created));
  assert.deepEqual(await world.db.owner('select count(*)::int as count from handoff'), [{ count: 1 }]);
  assert.deepEqual(await world.journal(session.id), ['session.started', 'session.ended']);
});

test('of many at once one handoff is written [SES-5]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const { write } = handoffsOf(world);
  const answers = await Promise.all(Array.from({ length: 20 }, () => write(session.id)));
  assert.equal(answers.filter(({ created }) => created).length, 1);
  assert.equal(new Set(answers.map(({ handoff }) => handoff.id)).size, 1);
});

test('a handoff to another project waits in its queue until taken or dismissed, and the session goes on [HND-2]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const { write, queue, handlers } = handoffsOf(world);
  const one = await write(session.id, { to: 'site', summary: 'The site links to nothing.', priority: 'high' });
  assert.deepEqual([one.session.state, one.handoff.queue, one.handoff.to], ['active', 'open', 'site']);
  assert.equal((await write(session.id, { to: 'site', summary: 'The site links to nothing.', priority: 'high' })).created, false);
  const two = await write(session.id, { to: 'site', summary: 'Another thing.' });
  assert.deepEqual(
    (await queue('site')).items.map(({ id }) => id),
    [two.handoff.id, one.handoff.id],
  );
  assert.equal((await queue('app')).shown, 0);
  const caller = callerOf(world.owner);
  assert.equal((await handlers.take(caller, { id: one.handoff.id })).queue, 'taken');
  assert.equal((await handlers.take(caller, { id: one.handoff.id })).queue, 'taken');
  await assert.rejects(handlers.dismiss(caller, { id: one.handoff.id, reason: 'no' }), { code: 'conflict', message: /was taken by/ });
  assert.equal((await handlers.dismiss(caller, { id: two.handoff.id, reason: 'Done already.' })).settledReason, 'Done already.');
  assert.equal((await queue('site')).shown, 0);
  const own = await write(session.id);
  await assert.rejects(handlers.take(caller, { id: own.handoff.id }), { code: 'conflict' });
});

test('a handoff under a claim that is lost is not written, and the session goes on [SES-6]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const lost = { under: [{ kind: 'issue' as const, name: '12', fence: 1 }] };
  await assert.rejects(handoffsOf(world).write(session.id, lost), { code: 'conflict' });
  assert.equal((await world.sessions.handlers.get(callerOf(world.owner), { id: session.id })).state, 'active');
});

test('another organization reads, writes and takes nothing [STO-2]', async () => {
  await using world = await sessionWorld();
  const { session } = await world.start();
  const { write, handlers } = handoffsOf(world);
  const { handoff } = await write(session.id, { to: 'site' });
  const caller = callerOf((await testOwner(world.identity, 'Another')).owner);
  for (const attempt of [
    () => handlers.get(caller, { id: handoff.id }),
    () => handlers.take(caller, { id: handoff.id }),
    () => handlers.dismiss(caller, { id: handoff.id, reason: 'x' }),
    () => handlers.write(caller, { ...PARTS, session: session.id, under: [] }),
    () => handlers.propose(caller, { id: session.id }),
  ]) {
    await assert.rejects(async () => attempt(), { code: 'not_found' });
  }
  assert.equal((await handlers.list(caller, { view: 'all', limit: 10 })).shown, 0);
});

test('a proposal says what git tells since the start, and says what it does not know [SES-5]', async () => {
  await using world = await sessionWorld();
  using folder = temporaryFolder({ file: 'a' });
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder.path, '-c', 'user.name=T', '-c', 'user.email=t@example.com', ...args], { encoding: 'utf8' }).trim();
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'Begin');
  const startCommit = git('rev-parse', 'HEAD');
  git('commit', '-q', '--allow-empty', '-m', 'Mend the build');
  git('commit', '-q', '--allow-empty', '-m', 'Test it');
  await world.db.owner("update project set path = $1 where code = 'app'", [folder.path]);
  const { session } = await world.start({ branch: 'main', commit: startCommit, workingOn: 'the build' });
  await world.start({ commit: git('rev-parse', 'HEAD') });
  const { handlers, write } = handoffsOf(world);
  const proposal = await handlers.propose(callerOf(world.owner), { id: session.id });
  assert.deepEqual(
    proposal.commits.items.map(({ subject }) => subject),
    ['Test it', 'Mend the build'],
  );
  assert.match(proposal.draft.summary, /2 commits, 0 runs\. Worked on: the build\./);
  assert.equal((await write(session.id, proposal.draft)).created, true);
  const unknown = await readCommits({ path: folder.path, since: 'f'.repeat(40), head: '--output=x' });
  assert.match(unknown.fault ?? '', /git log failed/);
  assert.match(
    draftOf(session, { commits: noCommits('no checkout'), runs: await noRuns(), pulls: noPulls('no gh'), notes: await noRuns() }).summary,
    /commits unknown, 0 runs/,
  );
});
