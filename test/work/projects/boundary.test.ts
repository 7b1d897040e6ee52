/**
 * The boundary of a project over everything that can be asked: what a bound key, a launch and a session reach into is refused with both names
 * and the handover. The tables hold every operation and tool, so that a new one that nobody thought about fails here.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storedId } from '../../../src/kernel/ids.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { cadenceOperations } from '../../../src/work/cadence/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { handoffOperations } from '../../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { assertInProject, describeOutside } from '../../../src/work/projects/boundary.ts';
import { panelOperations } from '../../../src/work/reviews/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { standardOperations } from '../../../src/work/standards/contract.ts';
import { webhookOperations } from '../../../src/work/webhooks/contract.ts';
import type { ApiOperation } from '../../support/api-operations.ts';
import { confine } from '../../../src/runtime/tools/builtin/checkout.ts';
import { apiOperations, leastRequest, problemOf } from '../../support/api-operations.ts';
import { testIds } from '../../support/identity.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { standardBody } from '../../support/standards.ts';

const ALERT = 'alert_01jd2m7x9c4qf8w3v5k6t1z9zz';
const FINDING = 'fnd_01jd2m7x9c4qf8w3v5k6t1z9zz';
const APPROVAL = 'apr_01jd2m7x9c4qf8w3v5k6t1z9zz';

/** Operations that name no project and nothing that has one: role and scope alone let in. */
const OF_NO_PROJECT = [
  /^(?:keys|actors|agents|templates|budgets|sign_ins|schedules|stop|policy)\./,
  /^standards\.create$/, // a person's approval, which is bound to its text, says what is written where
  /^reviews\.reset$/,
];
/** Written for the whole organization: a key of one project may not. */
const ORG_WIDE = ['projects.add', 'weekly_plan.write'];

async function twoProjects(): Promise<TestServer> {
  const server = await testServer({ workers: 0 });
  for (const code of ['mill', 'site']) {
    const values = [server.org, testIds.next('prj'), code, `git@github.com:acme/${code}`, `/nowhere/${code}`];
    await server.db.owner('insert into project (org_id, id, code, name, remote, path) values ($1, $2, $3, $3, $4, $5)', values);
  }
  return server;
}

/** One of everything that site has, by what stands before its name in a path. */
async function furnish(server: TestServer): Promise<Record<string, string>> {
  const api = server.api();
  const project = 'site';
  await api.call(agentOperations.create, { name: 'helper', instructions: 'Work.', model: 'rehearsal/none' });
  const run = await api.call(agentOperations.run, { name: 'helper', project });
  const note = await api.call(noteOperations.create, { title: 'Note', content: 'Text.', word: 'keep it', project });
  const { session } = await api.call(sessionOperations.start, { project, agent: 'claude', machine: 'laptop' });
  const document = await api.call(documentOperations.put, { name: 'a.md', content: 'Text.', project });
  const { session: other } = await api.call(sessionOperations.start, { project: 'mill', agent: 'claude', machine: 'laptop' });
  const { handoff } = await api.call(handoffOperations.write, { session: other.id, status: 'done', summary: 'Yours.', to: project });
  const duty = await api.call(cadenceOperations.add, { title: 'Duty', intervalDays: 1, project });
  const { source } = await api.call(webhookOperations.create, { kind: 'generic', name: 'Source', project });
  const panel = await api.call(panelOperations.start, { text: 'eval(x);', name: 'x.js', personas: ['security'], project });
  const proposed = { domain: 'quality', topic: 'naming', tags: [], content: standardBody('Names', 'Say what it is.'), why: 'Seen.', project };
  const proposal = await api.call(standardOperations.propose, proposed);
  await server.db.owner(
    `insert into alert (org_id, id, source_id, fold_key, kind, severity, title, project_id)
     select org_id, $2, $3, 'k', 'ci', 'high', 'Red', id from project where org_id = $1 and code = 'site'`,
    [server.org, ALERT, source.id],
  );
  await server.db.owner(
    `insert into review_finding (org_id, id, source, fingerprint, severity, dimension, file, line, finding, project_id)
     select org_id, $2, id, 'f', 'low', 'quality', 'x', 1, '{}', project_id from review_panel where id = $1`,
    [panel.id, FINDING],
  );
  await server.db.owner(
    `insert into approval (org_id, id, run_id, root_id, agent_id, agent_name, after_seq, call_id, kind, tool, args, hash, question, choices, reason, rules,
       deadline_at, on_expiry)
     select org_id, $2, id, id, agent_id, agent_name, 1, 'call', 'input', 'ask_human', '{}', 'h', 'Which?', '{}', '', '{}', clock_now() + interval '1 day', 'deny'
     from run where id = $1`,
    [run.id, APPROVAL],
  );
  return {
    ...{ 'projects/{code}': project, 'runs/{id}': run.id, 'notes/{id}': note.id, 'sessions/{id}': session.id, 'documents/{id}': document.id },
    ...{ 'handoffs/{id}': handoff.id, 'duties/{id}': duty.id, 'sources/{id}': source.id, 'panels/{id}': panel.id, 'proposals/{id}': proposal.id },
    ...{ 'reviews/{id}': panel.members[0]?.job ?? '', 'alerts/{id}': ALERT, 'findings/{id}': FINDING, 'approvals/{id}': APPROVAL },
  };
}

/** A request of that operation that aims at site by everything it can name. */
function aimedAt(op: ApiOperation, there: Readonly<Record<string, string>>): { path: string; method: string; body?: unknown } {
  const request = leastRequest(op, there);
  const inQuery = op.parameters.filter((each) => each.in === 'query').map(({ name }) => name);
  if (inQuery.includes('project')) request.path += `${request.path.includes('?') ? '&' : '?'}project=site`;
  const properties = Object.keys((op.body?.['properties'] as object | undefined) ?? {});
  const aims = { project: 'site', repository: 'https://github.com/Acme/Site.git', session: there['sessions/{id}'], hash: '0'.repeat(64) };
  const aimed = Object.entries(aims).filter(([name]) => properties.includes(name));
  return aimed.length === 0 ? request : { ...request, body: { ...(request.body as object), ...Object.fromEntries(aimed) } };
}

for (const [how, bind] of [
  ['a key that is bound', (server: TestServer) => boundKey(server)],
  ['a launch', async (server: TestServer) => ({ key: server.ownerKey, headers: { 'x-windlass-project': 'mill' } })],
] as const) {
  test(`${how} to a project reaches into no other by any operation: the refusal names both and the handover [POL-4]`, async () => {
    await using server = await twoProjects();
    const there = await furnish(server);
    const who = await bind(server);
    const before = await server.db.owner('select * from run order by id');
    let refused = 0;
    const faults: string[] = [];
    for (const op of await apiOperations(server)) {
      const reads = op.method === 'GET' || ['projects.scan', 'agents.plan', 'runs.replay'].includes(op.name);
      if ((reads && !op.name.startsWith('documents.')) || OF_NO_PROJECT.some((names) => names.test(op.name)) || op.name === 'documents.requirements')
        continue;
      if (ORG_WIDE.includes(op.name) && how === 'a launch') continue;
      const { path, ...rest } = aimedAt(op, there);
      const response = await server.request(path, { ...rest, ...who });
      if (response.ok) {
        faults.push(`${op.name} was let through`);
        continue;
      }
      const { code, detail, next } = await problemOf(response);
      const words = ORG_WIDE.includes(op.name) ? ['whole organization', 'mill'] : ['site', 'mill', 'a handoff to it waits in its queue'];
      if (code !== 'denied' || !words.every((word) => `${detail} ${next}`.includes(word))) faults.push(`${op.name}: ${detail} ${next}`);
      refused += 1;
    }
    assert.deepEqual(faults, []);
    assert.ok(refused >= 30, `${refused} operations were tried`);
    assert.deepEqual(await server.db.owner('select * from run order by id'), before);
    assert.deepEqual(
      await server.db.owner(`select (select count(*) from note_version)::int as notes, (select count(*) from document_version)::int as documents`),
      [{ notes: 1, documents: 1 }],
    );
  });
}

async function boundKey(server: TestServer): Promise<{ key: string; headers: Record<string, string> }> {
  const scopes = ['read', 'run', 'context', 'agents', 'answer', 'admin'] as const;
  const { secret } = await server.api().call(identityOperations.createKey, { name: 'mill', project: 'mill', role: 'owner', scopes: [...scopes] });
  return { key: secret, headers: {} };
}

test('a key of one project works in it, hands over, reads freely but documents, and writes nothing org-wide [POL-4]', async () => {
  await using server = await twoProjects();
  const { secret } = await server
    .api()
    .call(identityOperations.createKey, { name: 'mill', project: 'mill', role: 'member', scopes: ['read', 'context'] });
  const api = server.api(secret);
  const start = { agent: 'claude', machine: 'laptop' };
  const denied = { code: 'denied', message: /site.*mill/ };
  await assert.rejects(api.call(sessionOperations.start, { ...start, repository: 'https://github.com/Acme/Site.git' }), denied);
  await assert.rejects(api.call(sessionOperations.start, { ...start, project: 'mill', repository: 'https://github.com/acme/site' }), denied);
  const { session } = await api.call(sessionOperations.start, { ...start, project: 'mill' });
  const { handoff } = await api.call(handoffOperations.write, { session: session.id, status: 'done', summary: 'Yours now.', to: 'site' });
  assert.equal(handoff.queue, 'open', 'the way that the refusal names is open');
  await server.api().call(noteOperations.create, { title: 't', content: 'c', word: 'keep it', project: 'site' });
  assert.equal((await api.call(noteOperations.list, { project: 'site' })).shown, 1, 'reading is free');
  await api.call(documentOperations.put, { name: 'a.md', content: 'c', project: 'mill' });
  await assert.rejects(api.call(documentOperations.put, { name: 'a.md', content: 'c', project: 'never-was' }), { code: 'not_found' });
  const wide = { code: 'denied', message: /whole organization.*bound to the project mill/ };
  await assert.rejects(api.call(documentOperations.put, { name: 'a.md', content: 'c' }), wide);
  await assert.rejects(api.call(noteOperations.create, { title: 't', content: 'c', word: 'keep it' }), wide);
  const { id } = await server.api().call(noteOperations.create, { title: 't', content: 'c', word: 'keep it' });
  await assert.rejects(api.call(noteOperations.archive, { id, version: 1, word: 'away' }), wide);
  assert.equal((await api.call(noteOperations.get, { id })).title, 't');
  assertInProject({ active: 'mill', target: 'mill', what: 'The notes' });
});

test('a repository of two projects is in bounds of both, and a header that is no project lets nobody through [POL-4]', async () => {
  await using server = await twoProjects();
  await server.db.owner("update project set remote = 'git@github.com:acme/mill' where code = 'site'");
  const who = await boundKey(server);
  const body = { agent: 'claude', machine: 'laptop', project: 'mill', repository: 'git@github.com:acme/mill' };
  assert.equal((await server.request('/sessions', { method: 'POST', body, ...who })).status, 200);
  for (const [project, status] of [
    ['No Code', 400],
    ['never-was', 404],
  ] as const)
    assert.equal((await server.request('/sessions', { method: 'POST', body, headers: { 'x-windlass-project': project } })).status, status);
});

test("a path of a run that leads into another project's checkout is refused with both names and the handover [POL-4, TOL-13]", async () => {
  await using server = await twoProjects();
  const [mill] = await server.db.owner<{ id: string }>("select id from project where code = 'mill'");
  const project = storedId('prj', mill?.id ?? '');
  const deps = { db: server.db, codeOf: async () => 'mill', find: async () => project, findByRemote: async () => [] };
  const outside = (path: string) => describeOutside(deps, server.org, { project, path });
  const refusal = async (path: string): Promise<string> =>
    confine('/nowhere/mill', path, { outside }).then(
      () => assert.fail('it was let through'),
      (error: Error) => error.message,
    );
  for (const path of ['/nowhere/site/secret.txt', '../site/secret.txt', '../mill/../site'])
    assert.match(await refusal(path), /That is of the project site\. The active project is mill\. Leave the work to site: a handoff to it waits/);
  for (const path of ['/etc/passwd', '../siteling/a', '..'])
    assert.match(await refusal(path), /checkout\. The active project is mill\.$|path\. The active project is mill\.$/);
});
