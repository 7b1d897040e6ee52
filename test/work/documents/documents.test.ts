/** Documents: every version kept, audited by capability, taken from a checkout with conflicts shown, closed to other organizations. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sha256Hex } from '../../../src/kernel/canonical-json.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { readCheckout } from '../../../src/work/documents/checkout-files.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { auditDocuments, decideSync, diffLines, DOCUMENT_LIMITS, effectiveRequirements } from '../../../src/work/documents/document.ts';
import { createDocuments } from '../../../src/work/documents/service.ts';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';

const DAY_MS = 86_400_000;

async function world() {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const top = await mkdtemp(join(tmpdir(), 'windlass-documents-'));
  await db.owner(`insert into project (org_id, id, code, name, path, remote) values ($1, 'prj_m', 'mill', 'Mill', $2, 'git@example.com:mill.git')`, [
    org,
    top,
  ]);
  const { handlers } = createDocuments({ db, ids: identity.deps.ids, clock: systemClock, readCheckout, openRepository: async () => 'no checkout' });
  const write = async (name: string, text: string | Uint8Array) => {
    await mkdir(join(top, name, '..'), { recursive: true });
    await writeFile(join(top, name), text);
  };
  const me = callerOf(owner);
  const put = (name: string, content: string, base?: number) => handlers.put(me, { name, content, project: 'mill', base });
  const sync = async (prefer: Record<string, 'repository' | 'store'> = {}) => {
    const { results } = await handlers.sync(me, { code: 'mill', prefer });
    return Object.fromEntries(results.map(({ name, state }) => [name, state]));
  };
  const dispose = async () => {
    await db[Symbol.asyncDispose]();
    await rm(top, { recursive: true, force: true });
  };
  return { db, identity, org, owner, me, top, handlers, write, put, sync, [Symbol.asyncDispose]: dispose };
}

test('every version is kept with hash, size and author, and two can be compared [DOC-1]', async () => {
  await using all = await world();
  const first = await all.put('docs/API.md', 'one\ntwo\n');
  assert.deepEqual([first.version, first.hash, first.bytes], [1, sha256Hex('one\ntwo\n'), 8]);
  assert.equal((await all.put('docs/API.md', 'one\ntwo\n')).version, 1, 'the same content makes no version');
  const second = await all.put('docs/API.md', 'one\nthree\n', 1);
  await assert.rejects(all.put('docs/API.md', 'lost?', 1), { code: 'precondition_failed' });
  await assert.rejects(all.put('new.md', 'x', 1), { code: 'precondition_failed' });
  const { id } = second;
  assert.equal((await all.handlers.get(all.me, { id, version: 1 })).content, 'one\ntwo\n');
  await assert.rejects(all.handlers.get(all.me, { id, version: 9 }), { code: 'not_found' });
  const page = await all.handlers.versions(all.me, { id, limit: 1 });
  assert.deepEqual(
    [page.items[0]?.version, page.items[0]?.author, page.total],
    [2, { actor: all.owner.actor, name: 'owner' }, { kind: 'exact', value: 2 }],
  );
  assert.equal((await all.handlers.versions(all.me, { id, limit: 1, cursor: page.next ?? '' })).items[0]?.version, 1);
  const { lines } = await all.handlers.diff(all.me, { id, from: 1, to: 2 });
  assert.deepEqual(
    lines.filter(({ how }) => how !== 'same'),
    [
      { how: 'removed', text: 'two' },
      { how: 'added', text: 'three' },
    ],
  );
  await assert.rejects(
    all.db.asOrg(all.org, (tx) => tx.query("update document_version set content = 'x'")),
    /permission denied/,
  );
  const atOnce = await Promise.all(Array.from({ length: 5 }, (_, i) => all.put('race.md', `text ${i}`)));
  assert.deepEqual(new Set(atOnce.map((each) => each.id)).size, 1);
  assert.equal((await all.handlers.versions(all.me, { id: atOnce[0]?.id ?? '', limit: 10 })).total.kind, 'exact');
});

test('a difference puts both texts back together [DOC-1]', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', '')).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const side = (without: string) =>
        lines
          .filter(({ how }) => how !== without)
          .map((line) => line.text)
          .join('\n');
      assert.deepEqual([side('added'), side('removed')], [before, after]);
    }),
  );
});

test('an audit asks by capability, counts days, and its overall is its worst finding [DOC-2, DOC-3, PRJ-4]', async () => {
  const nowMs = 1_000 * DAY_MS;
  const requirement = fc.record({
    pattern: fc.constantFrom('A.md', 'B.md', '{project}.md'),
    capability: fc.constantFrom(null, 'has_api', 'has_ui'),
    staleDays: fc.integer({ min: 1, max: 100 }),
  });
  const known = fc.record({
    name: fc.constantFrom('A.md', 'B.md', 'mill.md'),
    updatedAtMs: fc.integer({ min: 800, max: 1_000 }).map((d) => d * DAY_MS),
  });
  fc.assert(
    fc.property(
      fc.array(requirement),
      fc.uniqueArray(known, { selector: ({ name }) => name }),
      fc.subarray(['has_api', 'has_ui']),
      (requirements, docs, capabilities) => {
        const { overall, findings } = auditDocuments({ code: 'mill', capabilities }, docs, { requirements, nowMs });
        const asked = requirements.filter(({ capability }) => capability === null || capabilities.includes(capability));
        assert.equal(findings.length, asked.length, 'what the project does not have is never missed');
        for (const { name, state, staleDays } of findings) {
          const doc = docs.find((each) => each.name === name);
          const expected = doc === undefined ? 'missing' : nowMs - doc.updatedAtMs > staleDays * DAY_MS ? 'stale' : 'present';
          assert.equal(state, expected);
        }
        const states = new Set(findings.map(({ state }) => state));
        assert.equal(overall, states.has('missing') ? 'incomplete' : states.has('stale') ? 'warning' : 'complete');
      },
    ),
  );
  assert.equal(
    effectiveRequirements([{ pattern: 'AGENTS.md', capability: null, staleDays: 7 }]).filter(({ pattern }) => pattern === 'AGENTS.md').length,
    1,
  );
  await using all = await world();
  const { audit, capabilities, require } = all.handlers;
  assert.deepEqual(
    (await audit(all.me, { code: 'mill' })).findings.map(({ name }) => name),
    ['AGENTS.md'],
  );
  assert.equal((await capabilities(all.me, { code: 'mill', capabilities: ['has_api'] })).overall, 'incomplete');
  await all.put('AGENTS.md', 'Work well.');
  await all.put('docs/API.md', 'GET /');
  assert.equal((await audit(all.me, { code: 'mill' })).overall, 'complete');
  await all.db.owner(`update document set updated_at = updated_at - interval '91 days' where name = 'docs/API.md'`);
  assert.equal((await audit(all.me, { code: 'mill' })).overall, 'warning');
  const { items } = await require(all.me, { pattern: 'docs/{project}.md', project: 'mill', capability: null, staleDays: 30 });
  assert.equal(items.filter(({ isDefault }) => isDefault).length, 3);
  assert.deepEqual(
    items.filter(({ isDefault }) => isDefault).map(({ generator }) => generator),
    ['instructions', 'api', 'schema'],
    'whether it can be generated, and as what',
  );
  assert.deepEqual((await audit(all.me, { code: 'mill' })).findings.find(({ state }) => state === 'missing')?.name, 'docs/mill.md');
  await assert.rejects(audit(all.me, { code: 'never-was' }), { code: 'not_found' });
});

test('a sync takes what changed in the repository, leaves what changed here, and shows what changed in both [DOC-4]', async () => {
  await using all = await world();
  await all.write('README.md', 'v1');
  await all.write('docs/deep/a.md', 'a1');
  await all.write('src/code.md', 'not a document');
  assert.deepEqual(await all.sync(), { 'README.md': 'added', 'docs/deep/a.md': 'added' });
  assert.deepEqual(await all.sync(), { 'README.md': 'unchanged', 'docs/deep/a.md': 'unchanged' });
  await all.write('README.md', 'v2');
  await all.put('docs/deep/a.md', 'a2 here');
  assert.deepEqual(await all.sync(), { 'README.md': 'updated', 'docs/deep/a.md': 'ahead' });
  await all.write('docs/deep/a.md', 'a2 there');
  assert.deepEqual(await all.sync(), { 'README.md': 'unchanged', 'docs/deep/a.md': 'conflict' });
  assert.deepEqual((await all.sync())['docs/deep/a.md'], 'conflict', 'it stays one until somebody says');
  const { items } = await all.handlers.list(all.me, { project: 'mill', limit: 10 });
  const id = items.find(({ name }) => name === 'docs/deep/a.md')?.id ?? '';
  assert.equal((await all.handlers.get(all.me, { id })).content, 'a2 here');
  assert.equal((await all.sync({ 'docs/deep/a.md': 'repository' }))['docs/deep/a.md'], 'updated');
  const versions = (await all.handlers.versions(all.me, { id, limit: 10 })).items;
  const contents = await Promise.all(versions.map(async ({ version }) => (await all.handlers.get(all.me, { id, version })).content));
  assert.deepEqual(contents, ['a2 there', 'a2 here', 'a1'], 'nothing is lost');
  assert.deepEqual([versions[0]?.repository, versions[0]?.path, versions[1]?.path], ['git@example.com:mill.git', 'docs/deep/a.md', null]);
});

test('a sync never overwrites a change of the store that the repository has not seen [DOC-4]', () => {
  const hash = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(hash, fc.option(hash), fc.option(hash), (file, stored, base) => {
      const state = decideSync({ file, stored, base }, null);
      if (state === 'updated') assert.equal(base, stored);
      if (state === 'conflict') assert.ok(file !== stored && base !== stored && base !== file);
      assert.equal(state === 'added', stored === null);
      assert.notEqual(decideSync({ file, stored, base }, 'store'), 'conflict');
    }),
  );
});

test('files that cannot be kept say why and take no other with them [DOC-4]', async () => {
  await using all = await world();
  await all.write('good.md', 'fine');
  await all.write('latin.md', Uint8Array.from([0x63, 0xe9, 0x0a]));
  await all.write('huge.md', 'x'.repeat(DOCUMENT_LIMITS.contentBytes + 1));
  await all.write('nul.md', 'a\u0000b');
  await all.write('empty.md', '');
  await symlink('/etc/passwd', join(all.top, 'link.md'));
  const { results } = await all.handlers.sync(all.me, { code: 'mill', prefer: {} });
  const reasons = Object.fromEntries(results.map(({ name, state, reason }) => [name, `${state} ${reason}`.trim()]));
  assert.deepEqual(Object.keys(reasons), ['empty.md', 'good.md', 'huge.md', 'latin.md', 'nul.md'], 'links are not followed');
  assert.equal(reasons['good.md'], 'added');
  assert.match(reasons['latin.md'] ?? '', /failed It is not UTF-8/);
  assert.match(reasons['huge.md'] ?? '', /failed It is 1000001 bytes/);
  assert.match(reasons['nul.md'] ?? '', /failed It holds a NUL/);
  await rm(all.top, { recursive: true });
  await assert.rejects(all.handlers.sync(all.me, { code: 'mill', prefer: {} }), { code: 'not_found' });
  await assert.rejects(all.handlers.sync(all.me, { code: 'never-was', prefer: {} }), { code: 'not_found' });
});

test('names and content that cannot be kept are refused at the edge', () => {
  const { input } = documentOperations.put;
  for (const name of ['', '/etc/passwd', '../up.md', 'a/../b.md', 'a\nb', 'x'.repeat(201)]) {
    assert.equal(input.safeParse({ name, content: 'c' }).success, false, name.slice(0, 20));
  }
  for (const content of ['', 'a\u0000', 'x'.repeat(DOCUMENT_LIMITS.contentBytes + 1), '\udc00']) {
    assert.equal(input.safeParse({ name: 'a.md', content }).success, false);
  }
  assert.equal(input.safeParse({ name: 'docs/A b_1.md', content: 'c' }).success, true);
});

test('10,000 documents of two organizations: exact totals, pages without gap, nothing crosses [DOC-1, BRF-3, STO-2]', async () => {
  await using all = await world();
  const { org: other, owner: stranger } = await testOwner(all.identity, 'Other');
  for (const [org, rows] of [
    [all.org, 10_000],
    [other, 500],
  ] as const) {
    await all.db.owner(
      `insert into document (org_id, id, name, version, hash, bytes) select $1, 'doc_' || i, 'n' || i, 1, repeat('a', 64), 1 from generate_series(1, $2::int) i`,
      [org, rows],
    );
  }
  const names = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await all.handlers.list(all.me, { limit: 200, cursor });
    assert.deepEqual(page.total, { kind: 'exact', value: 10_000 });
    for (const { name } of page.items) names.add(name);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  assert.equal(names.size, 10_000);
  const them = callerOf(stranger);
  const mine = await all.put('mine.md', 'secret');
  await assert.rejects(all.handlers.get(them, { id: mine.id }), { code: 'not_found' });
  await assert.rejects(all.handlers.versions(them, { id: mine.id, limit: 5 }), { code: 'not_found' });
  await assert.rejects(all.handlers.diff(them, { id: mine.id, from: 1, to: 1 }), { code: 'not_found' });
  await assert.rejects(all.handlers.audit(them, { code: 'mill' }), { code: 'not_found' });
  await assert.rejects(all.handlers.list(all.me, { limit: 5, cursor: 'nonsense' }), { code: 'invalid_input' });
});
