import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../support/database.ts';
import type { OrgId } from '../../src/kernel/ids.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;

test('one organization sees and writes only its own rows [STO-2]', async () => {
  await using db = await testDatabase();
  await db.addOrg(A);
  await db.addOrg(B);
  await db.asOrg(A, (tx) => tx.query("insert into project (org_id, id, code, name) values ($1, 'prj_1', 'one', 'One')", [A]));
  const seen = await db.asOrg(B, (tx) => tx.query('select 1 from project'));
  assert.equal(seen.length, 0);
});
