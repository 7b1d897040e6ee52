/** The boundary of a project: a key that is bound to one writes to no other, is told how to hand over, and may still read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { cadenceOperations } from '../../../src/work/cadence/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { handoffOperations } from '../../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { assertInProject } from '../../../src/work/projects/boundary.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { testServer } from '../../support/server.ts';

test('a key of one project writes to no other, and the refusal names both and the handoff [POL-4]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const [id, code] of [
    ['prj_01jd2m7x9c4qf8w3v5k6t1z0aa', 'mill'],
    ['prj_01jd2m7x9c4qf8w3v5k6t1z0ab', 'site'],
  ])
    await server.db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', [
      server.org,
      id,
      code,
      `git@github.com:acme/${code}`,
    ]);
  const { secret } = await server
    .api()
    .call(identityOperations.createKey, { name: 'mill', project: 'mill', role: 'member', scopes: ['read', 'context'] });
  const api = server.api(secret);
  const said = async (call: Promise<unknown>) => {
    const error = (await call.then(
      () => assert.fail('it was let through'),
      (thrown: unknown) => thrown,
    )) as Error & { code: string; next: string };
    assert.equal(error.code, 'denied', error.message);
    for (const word of ['site', 'mill']) assert.ok(error.message.includes(word), error.message);
    assert.ok(error.next.includes('handoff') && error.next.includes('site'), error.next);
  };
  const start = { agent: 'claude', machine: 'laptop' };
  await said(api.call(sessionOperations.start, { ...start, project: 'site' }));
  await said(api.call(sessionOperations.start, { ...start, repository: 'https://github.com/Acme/Site.git' }));
  await said(api.call(sessionOperations.start, { ...start, project: 'mill', repository: 'https://github.com/acme/site' }));
  await said(api.call(noteOperations.create, { title: 't', content: 'c', word: 'keep it', project: 'site' }));
  await said(api.call(documentOperations.put, { name: 'a.md', content: 'c', project: 'site' }));
  await said(api.call(documentOperations.sync, { code: 'site' }));
  await said(api.call(documentOperations.generate, { code: 'site' }));
  await said(api.call(cadenceOperations.add, { title: 't', intervalDays: 1, project: 'site' }));
  const { session } = await api.call(sessionOperations.start, { ...start, project: 'mill' });
  const { handoff } = await api.call(handoffOperations.write, { session: session.id, status: 'done', summary: 'Yours now.', to: 'site' });
  assert.equal(handoff.queue, 'open', 'the way that the refusal names is open');
  assert.equal((await api.call(documentOperations.audit, { code: 'site' })).project, 'site', 'reading is free');
  await api.call(documentOperations.put, { name: 'a.md', content: 'c', project: 'mill' });
  await assert.rejects(api.call(documentOperations.put, { name: 'a.md', content: 'c', project: 'never-was' }), { code: 'not_found' });
  await server.api().call(documentOperations.put, { name: 'a.md', content: 'c', project: 'site' });
  assertInProject({ active: 'mill', target: 'mill', what: 'The notes' });
});
