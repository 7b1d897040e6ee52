/** Embedding what is new while the model fails for one organization, and while a passage changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { standardsFolder } from '../../../src/work/standards/folder.ts';
import { createStandards } from '../../../src/work/standards/service.ts';
import { testDatabase, type TestDatabase } from '../../support/database.ts';
import { testIdentity } from '../../support/identity.ts';

const [POOR, RICH] = [storedId('org', 'org_1'), storedId('org', 'org_2')];

async function addPassage(db: TestDatabase, org: string): Promise<void> {
  await db.owner(
    `insert into standard (org_id, id, path, title, tags, content, hash, place, created_by, approved_by) values ($1, 'std_1', 'a/b.md', 'B', '{}', 'x', 'x', 'store', 'a', 'b')`,
    [org],
  );
  await db.owner(`insert into standard_passage (org_id, standard_id, position, heading, line, text) values ($1, 'std_1', 0, 'Pattern', 1, 'old')`, [
    org,
  ]);
}

function standardsWith(db: TestDatabase, embed: (org: string) => Promise<void>) {
  const { ids, recordAdmin } = testIdentity(db).deps;
  const vector = new Float32Array([1, 2]);
  const embedder = { model: 'near/m', embed: async (org: string, texts: readonly string[]) => (await embed(org), texts.map(() => vector)) };
  return createStandards({ db, ids, recordAdmin, project: async () => null, checkoutOf: async () => null, folder: standardsFolder, embedder });
}

const embedded = (db: TestDatabase) => db.owner<{ org: string }>('select org_id as org from standard_passage where embedding is not null order by 1');

test('one organization whose calls fail keeps no other from being embedded, and is asked ever more seldom [STD-3, BUD-1]', async () => {
  await using db = await testDatabase();
  for (const org of [POOR, RICH]) {
    await db.addOrg(org);
    await addPassage(db, org);
  }
  let asked = 0;
  const standards = standardsWith(db, async (org) => {
    if (org === RICH) return;
    asked += 1;
    throw new AppError('unavailable', 'The model is away.');
  });
  await assert.rejects(standards.look(), /away/);
  assert.deepEqual(await embedded(db), [{ org: RICH }]);
  for (let look = 0; look < 40; look += 1) await standards.look().catch(() => {}); // it is told each time
  assert.ok(asked <= 6, `asked ${asked} times`);
});

test('a passage that changed while it was embedded is embedded anew [STD-3]', async () => {
  await using db = await testDatabase();
  await db.addOrg(RICH);
  await addPassage(db, RICH);
  let changes = 1;
  const standards = standardsWith(db, async () => {
    if (changes > 0) await db.owner(`update standard_passage set text = 'new'`);
    changes -= 1;
  });
  await standards.look();
  assert.deepEqual(await embedded(db), []);
  await standards.look();
  assert.deepEqual(await embedded(db), [{ org: RICH }]);
});
