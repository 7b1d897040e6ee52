/** Notes: written at a person's word, every version kept, found by scope, tag and text, closed to other organizations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { OrgId } from '../../../src/kernel/ids.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import { createNotes } from '../../../src/work/knowledge/service.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { isSameText, NOTE_LIMITS, tidyTags } from '../../../src/work/knowledge/note.ts';
import { wordSearch } from '../../../src/work/knowledge/store.ts';
import type { TestDatabase } from '../../support/database.ts';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';

const ALL = { scope: 'all', archived: 'no' } as const;

async function world() {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const project = async (of: OrgId, code: string) => {
    const [row] = await db.asOrg(of, (tx) => tx.query<{ id: string }>('select id from project where org_id = $1 and code = $2', [of, code]));
    if (row === undefined) throw new AppError('not_found', `There is no project ${code}.`);
    return storedId('prj', row.id);
  };
  const addProject = (of: OrgId, code: string) =>
    db.owner('insert into project (org_id, id, code, name) values ($1, $2, $3, $3)', [of, `prj_${code}`, code]);
  const { handlers } = createNotes({ db, ids: identity.deps.ids, embedder: null, project });
  const keep = (text: { title?: string; content?: string; tags?: string[]; project?: string | null }, by: Principal = owner) =>
    handlers.create(callerOf(by), { title: 'A note', content: 'Its text.', tags: [], project: null, word: 'note that down', ...text });
  return { db, identity, org, owner, me: callerOf(owner), handlers, keep, addProject, [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() };
}

test('a note is kept with who wrote it, from where and at whose word, and shown so [KNO-1]', async () => {
  await using all = await world();
  await all.addProject(all.org, 'mill');
  const made = await all.handlers.create(
    { ...all.me, surface: 'mcp' },
    {
      title: 'Pricing',
      content: 'Ten a month.',
      tags: ['strategy', 'prd', 'prd'],
      project: 'mill',
      word: 'write that down',
      source: 'call with Ana',
    },
  );
  const shown = await all.handlers.get(all.me, { id: made.id });
  assert.deepEqual(shown, made);
  assert.deepEqual([shown.project, shown.tags, shown.version, shown.bytes, shown.archived], ['mill', ['prd', 'strategy'], 1, 12, false]);
  const { atMs, ...written } = shown.written;
  assert.deepEqual(written, {
    by: { actor: all.owner.actor, name: 'owner', key: all.owner.fingerprint },
    surface: 'mcp',
    word: 'write that down',
    source: 'call with Ana',
  });
  assert.ok(Number.isInteger(atMs));
  await assert.rejects(all.keep({ project: 'never-was' }), { code: 'not_found' });
});

test('without a word nothing is written, and an agent has none to give [KNO-1]', async () => {
  for (const op of [noteOperations.create, noteOperations.update, noteOperations.archive, noteOperations.restore]) {
    const given = { id: 'note_x', version: 1, title: 't', content: 'c' };
    assert.equal(op.input.safeParse(given).success, false, `${op.name} without a word`);
    assert.equal(op.input.safeParse({ ...given, word: '' }).success, false, `${op.name} with an empty word`);
    assert.equal(op.input.safeParse({ ...given, word: 'please' }).success, true, op.name);
  }
  await using all = await world();
  const agent: Principal = { ...all.owner, kind: 'agent' };
  await assert.rejects(all.keep({}, agent), { code: 'denied' });
  assert.deepEqual(await all.db.owner('select 1 from note'), []);
});

test('every version is kept; a change of an older one is refused; nothing changed makes none [KNO-1]', async () => {
  await using all = await world();
  const first = await all.keep({ content: 'one', tags: ['a'] });
  const { id } = first;
  const second = await all.handlers.update(all.me, { id, version: 1, content: 'two', word: 'say two' });
  assert.deepEqual([second.version, second.content, second.tags], [2, 'two', ['a']]);
  await assert.rejects(all.handlers.update(all.me, { id, version: 1, content: 'lost?', word: 'no' }), { code: 'precondition_failed' });
  assert.equal((await all.handlers.update(all.me, { id, version: 2, content: 'two', word: 'again' })).version, 2);
  assert.equal((await all.handlers.archive(all.me, { id, version: 2, word: 'away' })).archived, true);
  assert.deepEqual((await all.handlers.list(all.me, { ...ALL, limit: 10 })).items, []);
  assert.equal((await all.handlers.search(all.me, { ...ALL, query: 'two', limit: 10 })).shown, 0);
  assert.equal((await all.handlers.list(all.me, { ...ALL, archived: 'yes', limit: 10 })).shown, 1);
  await all.handlers.restore(all.me, { id, version: 3, word: 'back' });
  const page = await all.handlers.versions(all.me, { id, limit: 3 });
  const rest = await all.handlers.versions(all.me, { id, limit: 3, cursor: page.next ?? '' });
  assert.deepEqual(
    [...page.items, ...rest.items].map((each) => [each.version, each.change, each.content, each.written.word]),
    [
      [4, 'restored', 'two', 'back'],
      [3, 'archived', 'two', 'away'],
      [2, 'updated', 'two', 'say two'],
      [1, 'created', 'one', 'note that down'],
    ],
  );
  assert.deepEqual([page.total, rest.next], [{ kind: 'exact', value: 4 }, null]);
  await assert.rejects(
    all.db.asOrg(all.org, (tx) => tx.query("update note_version set content = 'x'")),
    /permission denied/,
  );
});

test('of many changes of one version at once one counts', async () => {
  await using all = await world();
  const { id } = await all.keep({});
  const ends = await Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => all.handlers.update(all.me, { id, version: 1, content: `text ${i}`, word: 'x' })),
  );
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await all.handlers.versions(all.me, { id, limit: 10 })).items.length, 2);
});

test('notes are found by words, phrase, tag, project and scope, and by a title with a typing mistake [KNO-1]', async () => {
  await using all = await world();
  await all.addProject(all.org, 'mill');
  await all.keep({ title: 'Pricing strategy', content: 'We charge by the seat.', tags: ['strategy'], project: 'mill' });
  await all.keep({ title: 'Lunch', content: 'The pricing of lunches is discussed at length; pricing matters.', tags: ['bio'] });
  await all.keep({ title: 'Architecture', content: 'One journal, many views.' });
  const titles = async (query: string, filter: object = {}) => {
    const found = await all.handlers.search(all.me, { ...ALL, query, limit: 10, ...filter });
    assert.equal(found.shown, found.items.length);
    assert.deepEqual(found.total, { kind: 'exact', value: found.shown });
    return [found.how, ...found.items.map(({ title }) => title)];
  };
  assert.deepEqual(await titles('price'), ['words', 'Pricing strategy', 'Lunch'], 'the title counts for more');
  assert.deepEqual(await titles('"many views"'), ['words', 'Architecture']);
  assert.deepEqual(await titles('pricing -lunches'), ['words', 'Pricing strategy']);
  assert.deepEqual(await titles('pricing', { project: 'mill' }), ['words', 'Pricing strategy']);
  assert.deepEqual(await titles('pricing', { scope: 'org' }), ['words', 'Lunch']);
  assert.deepEqual(await titles('pricing', { tag: 'bio' }), ['words', 'Lunch']);
  assert.deepEqual(await titles('architcture'), ['likeness', 'Architecture']);
  assert.deepEqual(await titles('zzzz'), ['likeness']);
  for (const odd of ['!!!', '"', '&|!()', "'; drop table note; --", '%', '\\']) await titles(odd);
  await assert.rejects(all.handlers.search(all.me, { ...ALL, scope: 'org', project: 'mill', query: 'x', limit: 1 }), { code: 'invalid_input' });
  await assert.rejects(all.handlers.list(all.me, { ...ALL, limit: 1, cursor: 'nonsense' }), { code: 'invalid_input' });
});

test('another organization finds, reads and changes nothing [KNO-1, STO-2]', async () => {
  await using all = await world();
  const { id } = await all.keep({ title: 'Secret plan', content: 'the moon' });
  const { owner: stranger } = await testOwner(all.identity, 'Other');
  const them = callerOf(stranger);
  assert.equal((await all.handlers.list(them, { ...ALL, limit: 10 })).shown, 0);
  assert.deepEqual((await all.handlers.search(them, { ...ALL, query: 'moon', limit: 10 })).total, { kind: 'exact', value: 0 });
  assert.equal((await all.handlers.search(them, { ...ALL, query: 'secret plam', limit: 10 })).shown, 0);
  for (const call of [
    () => all.handlers.get(them, { id }),
    () => all.handlers.versions(them, { id, limit: 10 }),
    () => all.handlers.update(them, { id, version: 1, content: 'x', word: 'x' }),
    () => all.handlers.archive(them, { id, version: 1, word: 'x' }),
  ])
    await assert.rejects(call(), { code: 'not_found' });
  const direct = (of: string) => all.db.asOrg(of as OrgId, (tx) => tx.query('select id from note_search'));
  assert.deepEqual([await direct(stranger.org), await direct('')], [[], []], 'the view filters by itself');
  assert.equal((await direct(all.org)).length, 1);
});

test('text that cannot be kept is refused at the edge: too large, NUL, half a character, blank title', () => {
  const { input } = noteOperations.create;
  const note = { title: 't', content: 'c', word: 'w' };
  const bad = [
    { content: 'ä'.repeat(NOTE_LIMITS.contentBytes / 2 + 1) },
    { content: 'a\u0000b' },
    { content: 'half \ud83d' },
    { content: '' },
    { title: '  ' },
    { title: 'two\nlines' },
    { tags: ['Not A Tag'] },
    { tags: Array.from({ length: NOTE_LIMITS.tags + 1 }, (_, i) => `t${i}`) },
    { project: 'Not A Code' },
  ];
  for (const wrong of bad) assert.equal(input.safeParse({ ...note, ...wrong }).success, false, JSON.stringify(wrong).slice(0, 60));
  assert.equal(input.safeParse({ ...note, content: 'ä'.repeat(NOTE_LIMITS.contentBytes / 2), tags: ['own-tag'] }).success, true);
});

test('tags are a set, and any text that the edge takes is stored as it was', async () => {
  const tag = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(fc.array(tag), fc.array(tag), (a, b) => {
      const text = { title: 't', content: 'c', project: null };
      const equal = a.every((each) => b.includes(each)) && b.every((each) => a.includes(each));
      assert.equal(isSameText({ ...text, tags: a }, { ...text, tags: b }), equal);
      assert.deepEqual(tidyTags(tidyTags(a)), tidyTags(a));
    }),
  );
  await using all = await world();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), async (content) => {
      fc.pre(noteOperations.create.input.shape.content.safeParse(content).success);
      assert.equal((await all.keep({ content })).content, content);
      await all.handlers.search(all.me, { ...ALL, query: content, limit: 5 });
    }),
    { numRuns: 40 },
  );
});

async function fill(db: TestDatabase, org: OrgId, notes: number): Promise<void> {
  await db.owner(
    `insert into note (org_id, id, title, content, tags)
       select $1, 'note_' || lpad(i::text, 26, '0'), 'Note ' || i, 'common words of ' || md5(i::text) || case when i % 5000 = 0 then ' needle' else '' end, '{design}'
         from generate_series(1, $2::int) i`,
    [org, notes],
  );
  await db.owner('analyze note');
}

test('10,000 notes: totals are exact or at least, pages meet without gap, and the plan uses the index as the role of the application [KNO-1, BRF-3]', async () => {
  await using all = await world();
  await fill(all.db, all.org, 10_000);
  const { owner: stranger } = await testOwner(all.identity, 'Other');
  await fill(all.db, stranger.org, 2_000);
  const many = await all.handlers.search(all.me, { ...ALL, query: 'common', limit: 20 });
  assert.deepEqual([many.shown, many.total], [20, { kind: 'at_least', value: NOTE_LIMITS.candidates }]);
  const rare = await all.handlers.search(all.me, { ...ALL, query: 'needle', limit: 20 });
  assert.deepEqual(rare.total, { kind: 'exact', value: 2 });
  assert.match(rare.items[0]?.excerpt ?? '', /needle/);
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await all.handlers.list(all.me, { ...ALL, limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    assert.deepEqual(page.total, { kind: 'exact', value: 10_000 });
    for (const each of page.items) seen.add(each.id);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  assert.equal(seen.size, 10_000);
  const { text, values } = wordSearch(all.org, { project: null, scope: 'all', tag: null, archived: 'no', query: 'needle', limit: 20 });
  const plan = await all.db.asOrg(all.org, (tx) => tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values));
  assert.match(plan.map((row) => row['QUERY PLAN']).join('\n'), /Bitmap Index Scan on note_by_words/);
  assert.match(
    (await all.db.asOrg(all.org, (tx) => tx.query<{ 'QUERY PLAN': string }>(`explain select 1 from note where words @@ 'needle'`)))
      .map((row) => row['QUERY PLAN'])
      .join('\n'),
    /^(?![^]*Bitmap Index Scan on note_by_words)/,
    'on the table itself it does not: that is what the view is for',
  );
});
