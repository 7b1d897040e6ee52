/** Standards: proposed, approved by a person who did not propose them, written only then and never over another, indexed from a folder, found. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import type { OrgId } from '../../../src/kernel/ids.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import { standardsFolder } from '../../../src/work/standards/folder.ts';
import type { Embedder } from '../../../src/runtime/models/embeddings.ts';
import { wordSearch } from '../../../src/work/standards/search-store.ts';
import { createStandards } from '../../../src/work/standards/service.ts';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner, testPrincipal } from '../../support/identity.ts';
import { standardBody } from '../../support/standards.ts';

async function world({ embedder = null }: { embedder?: Embedder | null } = {}) {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const agent = await testPrincipal(identity, owner, { role: 'member', kind: 'cli', name: 'engineer' });
  const top = await mkdtemp(join(tmpdir(), 'windlass-standards-'));
  await db.owner(`insert into project (org_id, id, code, name, path) values ($1, 'prj_m', 'mill', 'Mill', $2)`, [org, top]);
  const standards = createStandards({
    ...{ db, ids: identity.deps.ids, recordAdmin: identity.deps.recordAdmin, folder: standardsFolder, embedder },
    project: async (of: OrgId, code: string) => {
      if (of === org && code === 'mill') return storedId('prj', 'prj_m');
      throw new AppError('not_found', `There is no project ${code}.`);
    },
    checkoutOf: async () => top,
  });
  const { handlers } = standards;
  const propose = (given: { topic?: string; content?: string; project?: string | null; by?: Principal } = {}) =>
    handlers.propose(callerOf(given.by ?? agent), {
      ...{ domain: 'errors', topic: given.topic ?? 'retry', tags: ['http'], why: 'Seen three times.', project: given.project ?? null },
      content: given.content ?? standardBody('Retry with backoff', 'Wait longer after each failure.'),
    });
  const approve = async (proposal: { id: string; hash: string }, more: { write?: boolean; by?: Principal } = {}) =>
    handlers.answer(callerOf(more.by ?? owner), { id: proposal.id, hash: proposal.hash, answer: 'approve', text: '', write: more.write ?? false });
  const search = async (query: string, project?: string) => handlers.search(callerOf(agent), { query, limit: 10, project });
  const dispose = async () => {
    await rm(top, { recursive: true, force: true });
    await db[Symbol.asyncDispose]();
  };
  return { db, identity, org, owner, agent, top, standards, handlers, propose, approve, search, [Symbol.asyncDispose]: dispose };
}

test('a standard is written only with the recorded approval of that very text, once, and never over another [STD-2, STD-5]', async () => {
  await using all = await world();
  const { handlers, agent, owner, top } = all;
  const proposal = await all.propose({ project: 'mill' });
  const create = (approval: string, content = proposal.content) =>
    handlers.create(callerOf(agent), { domain: 'errors', topic: 'retry', content, approval });
  await assert.rejects(create('apr_none'), { code: 'denied', message: /no recorded approval/ });
  const approved = await all.approve(proposal);
  assert.deepEqual([approved.state, approved.answer?.by.name, approved.standard], ['approved', 'owner', null]);
  const approval = approved.approval ?? '';
  await assert.rejects(create(approval, `${proposal.content} `), { code: 'denied', message: /another text/ });
  await assert.rejects(handlers.create(callerOf(agent), { domain: 'errors', topic: 'other', content: proposal.content, approval }), {
    code: 'denied',
  });
  const written = await create(approval);
  const file = join(top, 'standards/errors/retry.md');
  assert.equal(await readFile(file, 'utf8'), written.text);
  assert.match(
    written.text,
    /^---\ndomain: errors\ntags:\n {2}- http\ncreated_by: engineer\napproved_by: owner\ndate: \d{4}-\d\d-\d\d\n---\n\n# Retry/,
  );
  assert.deepEqual([written.place, written.faults, written.createdBy, written.approvedBy], ['folder', [], 'engineer', 'owner']);
  assert.equal((await create(approval)).id, written.id, 'asking again answers the same');
  await assert.rejects(all.propose({ project: 'mill', content: standardBody('Retry', 'Another.') }), {
    code: 'conflict',
    message: /never overwritten/,
  });
  assert.deepEqual(
    all.identity.events.map(({ event }) => event.type).filter((type) => type.startsWith('standard.')),
    ['standard.answered', 'standard.written'],
  );
  assert.equal((await handlers.proposal(callerOf(owner), { id: proposal.id })).state, 'written');
});

test('only a person who did not propose it answers, once, and to the text that was read [STD-2, APR-1]', async () => {
  await using all = await world();
  const { handlers, owner, agent } = all;
  const proposal = await all.propose();
  const again = await all.propose();
  assert.equal(again.id, proposal.id, 'the same text that waits is not asked twice');
  const answer = (by: Principal, more: object = {}) =>
    handlers.answer(callerOf(by), { id: proposal.id, hash: proposal.hash, answer: 'approve', text: '', write: false, ...more });
  await assert.rejects(answer(agent), { code: 'denied', message: /belongs to a program/ });
  const own = await all.propose({ by: owner, topic: 'own' });
  await assert.rejects(all.approve(own), { code: 'denied', message: /this key proposed it/ });
  await assert.rejects(answer(owner, { hash: 'a'.repeat(64) }), { code: 'precondition_failed' });
  await assert.rejects(answer(owner, { answer: 'refuse' }), { code: 'invalid_input', message: /needs its reason/ });
  await assert.rejects(answer(owner, { answer: 'edit' }), { code: 'invalid_input' });
  await assert.rejects(answer(owner, { answer: 'edit', content: 'no standard' }), { code: 'invalid_input', message: /missing/ });
  const both = await Promise.allSettled([answer(owner), answer(owner)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'two answers at once: one counts');
  const stranger = await testOwner(all.identity, 'Other');
  await assert.rejects(handlers.answer(callerOf(stranger.owner), { id: own.id, hash: own.hash, answer: 'approve', text: '', write: false }), {
    code: 'not_found',
  });
  assert.equal((await handlers.proposals(callerOf(stranger.owner), { limit: 50 })).shown, 0);
});

test('an edit approves the edited text and no other; a refusal approves none [STD-2]', async () => {
  await using all = await world();
  const { handlers, owner, agent } = all;
  const proposal = await all.propose();
  const content = standardBody('Retry with backoff', 'Wait longer, at most five times.');
  const edited = await handlers.answer(callerOf(owner), { id: proposal.id, hash: proposal.hash, answer: 'edit', content, text: '', write: true });
  assert.deepEqual([edited.state, edited.answer?.edited, edited.content], ['written', true, content]);
  const approval = edited.approval ?? '';
  await assert.rejects(handlers.create(callerOf(agent), { domain: 'errors', topic: 'retry', content: proposal.content, approval }), {
    code: 'denied',
  });
  const other = await all.propose({ topic: 'other' });
  const refused = await handlers.answer(callerOf(owner), { id: other.id, hash: other.hash, answer: 'refuse', text: 'Not ours.', write: true });
  assert.deepEqual([refused.state, refused.approval, refused.answer?.text], ['refused', null, 'Not ours.']);
  assert.deepEqual(await handlers.metrics(callerOf(owner), {}), { proposed: 2, open: 0, accepted: 1, refused: 1, standards: 1, queries: 0, hits: 0 });
});

test('a file that is there is never overwritten, and the approval is kept for when it can be written [STD-2]', async () => {
  await using all = await world();
  const { handlers, agent, top } = all;
  const file = join(top, 'standards/errors/retry.md');
  await mkdir(join(top, 'standards/errors'), { recursive: true });
  await writeFile(file, 'mine');
  const approved = await all.approve(await all.propose({ project: 'mill' }));
  const create = () =>
    handlers.create(callerOf(agent), { domain: 'errors', topic: 'retry', content: approved.content, approval: approved.approval ?? '' });
  await assert.rejects(create(), { code: 'conflict', message: /exists already/ });
  assert.equal(await readFile(file, 'utf8'), 'mine');
  await rm(file);
  assert.equal((await create()).place, 'folder');
  await rm(join(top, 'standards'), { recursive: true });
  const elsewhere = await mkdtemp(join(tmpdir(), 'windlass-elsewhere-'));
  await mkdir(join(top, 'standards'));
  await symlink(elsewhere, join(top, 'standards/errors'));
  await assert.rejects(all.approve(await all.propose({ project: 'mill', topic: 'link' }), { write: true }), { code: 'denied', message: /leads out/ });
  await rm(elsewhere, { recursive: true });
});

test('the folder is indexed as it changes, vanishes and comes back; a file with faults is found and says so [STD-3]', async () => {
  await using all = await world();
  const { handlers, standards, agent, top } = all;
  const paths = async () => (await handlers.list(callerOf(agent), { limit: 50 })).items.map(({ path, faults }) => `${path} ${faults.length}`);
  await standards.look();
  assert.deepEqual(await paths(), []);
  await mkdir(join(top, 'standards/http'), { recursive: true });
  const front = '---\ndomain: http\ncreated_by: a\napproved_by: b\ndate: "2026-01-01"\n---\n\n';
  await writeFile(join(top, 'standards/http/caching.md'), `${front}${standardBody('Caching', 'Say how long an answer holds.')}`);
  await writeFile(join(top, 'standards/http/broken.md'), '---\ndomain: [\n---\n\n# Broken\n\nStill found: zanzibar.\n');
  await writeFile(join(top, 'standards/http/bytes.md'), Buffer.from([0xff, 0xfe, 0x00]));
  await standards.look();
  assert.deepEqual(
    (await paths()).map((each) => each.split(' ')[0]),
    ['http/broken.md', 'http/caching.md'],
  );
  const [match] = (await all.search('zanzibar')).items;
  assert.deepEqual([match?.path, match?.line, match?.passage], ['http/broken.md', 7, 'Still found: zanzibar.']);
  await writeFile(join(top, 'standards/http/caching.md'), `${front}${standardBody('Caching', 'Say quokka.')}`);
  await standards.look();
  assert.equal((await all.search('quokka', 'mill')).items[0]?.heading, 'Pattern');
  await rm(join(top, 'standards'), { recursive: true });
  await standards.look();
  assert.deepEqual(await paths(), []);
  await mkdir(join(top, 'standards/http'), { recursive: true });
  await writeFile(join(top, 'standards/http/caching.md'), `${front}${standardBody('Caching', 'Back.')}`);
  await standards.look();
  assert.deepEqual(await paths(), ['http/caching.md 0']);
});

test('search ranks by words, falls back to names that look alike, counts, and uses its index [STD-3, STD-4]', async () => {
  await using all = await world();
  const { handlers, owner } = all;
  for (const [topic, pattern] of [
    ['retry', 'Wait longer after each failure.'],
    ['naming', 'Names say what a thing is.'],
    ['idempotency', 'A write carries a key, so that a retried write is done once.'],
  ] as const)
    await all.approve(await all.propose({ topic, content: standardBody(`About ${topic}`, pattern) }), { write: true });
  const first = await all.search('retried writes');
  assert.deepEqual([first.how, first.items[0]?.path], ['words', 'errors/idempotency.md']);
  assert.deepEqual([(await all.search('idempotncy')).how, (await all.search('idempotncy')).items[0]?.path], ['likeness', 'errors/idempotency.md']);
  assert.deepEqual((await all.search('xylophone')).items, []);
  const { queries, hits } = await handlers.metrics(callerOf(owner), {});
  assert.deepEqual([queries, hits], [4, 3]);
});

test('a search over many standards uses its index as the application sees them [STD-3, STO-2]', async () => {
  await using all = await world();
  const { db, org } = all;
  await db.owner(
    `insert into standard (org_id, id, path, title, tags, content, hash, place, created_by, approved_by)
     select $1, 'std_' || n, 'many/' || n || '.md', 'Standard ' || n, '{}', '', '', 'store', '', '' from generate_series(1, 500) n`,
    [org],
  );
  await db.owner(
    `insert into standard_passage (org_id, standard_id, position, heading, line, text)
     select $1, 'std_' || n, p, 'Pattern', 1, 'Wait ' || md5(n || '/' || p) || ' rarely' || (n % 50) from generate_series(1, 500) n, generate_series(0, 9) p`,
    [org],
  );
  await db.owner('analyze standard, standard_passage');
  const { text, values } = wordSearch(org, { query: 'rarely7', project: null, limit: 10 });
  const plan = await db.asOrg(org, (tx) => tx.query<Record<string, string>>(`explain ${text}`, values));
  assert.match(plan.map((row) => Object.values(row).join()).join('\n'), /standard_passage_by_words/);
  const found = await all.search('rarely7 wait');
  assert.deepEqual([found.total, found.shown], [{ kind: 'at_least', value: 1_000 }, 10]);
});

test('with an embedding model meaning counts too; when it cannot be reached the search says that it went by words [STD-3]', async () => {
  let reachable = true;
  const kinds = ['money', 'sleep', 'wait', 'failure'];
  const embedder: Embedder = {
    model: 'test/kinds',
    embed: async (_org, texts) => {
      if (!reachable) throw new AppError('unavailable', 'The model cannot be reached.');
      return texts.map((text) =>
        Float32Array.from(kinds.map((kind) => (text.includes(kind) || (kind === 'wait' && text.includes('patience')) ? 1 : 0.01))),
      );
    },
  };
  await using all = await world({ embedder });
  await all.approve(await all.propose({ content: standardBody('Retry', 'Always wait.') }), { write: true });
  await all.approve(await all.propose({ topic: 'prices', content: standardBody('Prices', 'All money in cents.') }), { write: true });
  await all.standards.look();
  const found = await all.search('patience');
  assert.deepEqual([found.how, found.items[0]?.path, found.items[0]?.heading], ['words_and_meaning', 'errors/retry.md', 'Pattern']);
  reachable = false;
  assert.equal((await all.search('cents')).how, 'words');
});
