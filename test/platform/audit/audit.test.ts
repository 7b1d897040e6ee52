/** The audit log: what was changed of the organization, by whom, in order; an unbroken chain, and one that was tampered with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/kernel/errors.ts';
import { auditOperations } from '../../../src/platform/audit/contract.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { testServer } from '../../support/server.ts';

test('what people change is listed newest first, by kind and actor, page by page [WEB-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const api = server.api();
  const made = await server.key({ role: 'operator', name: 'Ada' });
  await api.call(identityOperations.revokeKey, { id: made.id });
  const keys = await api.call(auditOperations.list, { kind: 'key' });
  assert.deepEqual([keys.items[0]?.type, keys.items[0]?.subject, keys.items[0]?.by.name], ['key.revoked', made.id, 'owner']);
  assert.equal(keys.items[0]?.detail === null, false);
  assert.equal(
    keys.items.every(({ type }) => type.startsWith('key.')),
    true,
  );
  const all = await api.call(auditOperations.list, {});
  const pages: number[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await api.call(auditOperations.list, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(...page.items.map(({ seq }) => seq));
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(
    pages,
    all.items.map(({ seq }) => seq),
  );
  assert.deepEqual(all.total, { kind: 'exact', value: pages.length });
  assert.deepEqual((await api.call(auditOperations.list, { actor: made.actor })).items, []);
  await assert.rejects(
    api.call(auditOperations.list, { cursor: 'nonsense' }),
    (error: unknown) => error instanceof AppError && error.code === 'invalid_input',
  );
});

test('the chain of the audit log is verified, and a change made behind its back is found [WEB-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const made = await server.key({ role: 'operator', name: 'Ada' });
  const whole = await server.api().call(auditOperations.verify, {});
  assert.deepEqual([whole.ok, whole.firstBad], [true, null]);
  await server.db.owner(
    `update journal set payload = replace(payload, '${made.id}', 'key_other') where stream = '${server.org}' and seq = ${whole.entries}`,
  );
  const broken = await server.api().call(auditOperations.verify, {});
  assert.deepEqual([broken.ok, broken.firstBad], [false, whole.entries]);
});

test('who may not read the audit log does not, and nobody reads that of another organization [WEB-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const operator = await server.key({ role: 'operator' });
  await assert.rejects(
    server.api(operator.secret).call(auditOperations.list, {}),
    (error: unknown) => error instanceof AppError && error.code === 'denied',
  );
  const other = await server.addOrganization();
  const theirs = await server.api(other.ownerKey).call(auditOperations.list, {});
  assert.equal(
    theirs.items.some(({ subject }) => subject === operator.id),
    false,
  );
});
