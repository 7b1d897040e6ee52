/** Two organizations on one server: every operation, called by one with the ids of the other, answers as for what never was (S9). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { scheduleOperations } from '../../../src/runtime/schedules/contract.ts';
import { cadenceOperations } from '../../../src/work/cadence/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { handoffOperations } from '../../../src/work/handoffs/contract.ts';
import { webhookOperations } from '../../../src/work/webhooks/contract.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { panelOperations } from '../../../src/work/reviews/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { apiOperations, fillPath, leastRequest } from '../../support/api-operations.ts';
import { testServer } from '../../support/server.ts';
import type { TestServer } from '../../support/server.ts';

const SECRET_NAME = 'quiet-otter';
const ALERT = 'alert_01jd2m7x9c4qf8w3v5k6t1z9zz';
const FINDING = 'fnd_01jd2m7x9c4qf8w3v5k6t1z9zz';
const APPROVAL = 'apr_01jd2m7x9c4qf8w3v5k6t1z9zz';

/** One of everything, by what stands before its name in a path. */
async function furnish(server: TestServer): Promise<Record<string, string>> {
  const api = server.api();
  const schedules = [{ cron: '0 8 * * *' }];
  await api.call(agentOperations.create, { name: SECRET_NAME, instructions: 'Work.', model: 'rehearsal/none', schedules });
  const run = await api.call(agentOperations.run, { name: SECRET_NAME });
  const project = await api.call(projectOperations.add, { path: process.cwd(), code: SECRET_NAME });
  const schedule = (await api.call(scheduleOperations.list, {})).items[0];
  const key = await server.key({ role: 'viewer' });
  await server.db.owner(
    `insert into approval (org_id, id, run_id, root_id, agent_id, agent_name, after_seq, call_id, kind, tool, args, hash, question, choices, reason, rules,
       deadline_at, on_expiry)
     select org_id, $2, id, id, agent_id, agent_name, 1, 'call', 'input', 'ask_human', '{}', 'h', 'Which?', '{}', '', '{}', clock_now() + interval '1 day', 'deny'
     from run where id = $1`,
    [run.id, APPROVAL],
  );
  const note = await api.call(noteOperations.create, { title: SECRET_NAME, content: 'Text.', word: 'keep it' });
  const { session } = await api.call(sessionOperations.start, { project: SECRET_NAME, agent: 'claude', machine: 'laptop' });
  const document = await api.call(documentOperations.put, { name: SECRET_NAME, content: 'Text.' });
  const { handoff } = await api.call(handoffOperations.write, { session: session.id, status: 'done', summary: SECRET_NAME });
  const duty = await api.call(cadenceOperations.add, { title: SECRET_NAME, intervalDays: 1 });
  const { source } = await api.call(webhookOperations.create, { kind: 'generic', name: SECRET_NAME });
  await server.db.owner(`insert into alert (org_id, id, source_id, fold_key, kind, severity, title) values ($1, $2, $3, 'k', 'ci', 'high', 'Red')`, [
    server.org,
    ALERT,
    source.id,
  ]);
  const panel = await api.call(panelOperations.start, { text: 'eval(x);', name: `${SECRET_NAME}.js`, personas: ['security'], project: SECRET_NAME });
  const quoted = {
    severity: 'low',
    dimension: 'quality',
    rule: null,
    file: SECRET_NAME,
    line: 1,
    evidence: 'eval',
    problem: 'p',
    fix: 'f',
    standard: null,
  };
  await server.db.owner(
    `insert into review_finding (org_id, id, source, fingerprint, severity, dimension, file, line, finding)
     select org_id, $2, id, 'f', 'low', 'quality', 'x', 1, $3 from review_panel where id = $1`,
    [panel.id, FINDING, JSON.stringify({ ...quoted, votes: [], confidence: 0.6 })],
  );
  const requests = await server.request('/self');
  return {
    'runs/{id}': run.id,
    'agents/{name}': SECRET_NAME,
    'projects/{code}': project.code,
    'sessions/{id}': session.id,
    'handoffs/{id}': handoff.id,
    'reviews/{id}': panel.members[0]?.job ?? '',
    'panels/{id}': panel.id,
    'findings/{id}': FINDING,
    'schedules/{id}': schedule?.id ?? '',
    'keys/{id}': key.id,
    'approvals/{id}': APPROVAL,
    'notes/{id}': note.id,
    'duties/{id}': duty.id,
    'alerts/{id}': ALERT,
    'sources/{id}': source.id,
    'documents/{id}': document.id,
    'requests/{correlationId}': requests.headers.get('x-correlation-id') ?? '',
  };
}

test('no operation shows, changes or betrays what another organization has [S9, STO-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const there = await furnish(server);
  const other = await server.addOrganization();
  const ask = async (request: { path: string; method: string; body?: unknown }, ids: Record<string, string>) => {
    const { path, ...rest } = request;
    const response = await server.request(path, { ...rest, key: other.ownerKey });
    let text = await response.text();
    for (const id of Object.values(ids)) text = text.replaceAll(id, 'ID');
    return { status: response.status, text: text.replaceAll(/cor_\w+/g, 'COR') };
  };
  const absent = Object.fromEntries(Object.keys(there).map((name) => [name, fillPath(`/${name}`).split('/').at(-1) ?? '']));
  // what belongs to no organization (templates, tools) has the same name for both
  const before = await server.db.owner('select * from run order by id');
  for (const op of (await apiOperations(server)).filter(({ path }) => fillPath(path, there) !== fillPath(path))) {
    const theirs = await ask(leastRequest(op, there), there);
    const none = await ask(leastRequest(op, absent), absent);
    assert.deepEqual(theirs, none, `${op.name} tells whether another organization has it`);
    if (op.name !== 'requests.get') assert.equal(theirs.status >= 400, true, `${op.name} answered ${theirs.status}`);
  }
  for (const op of (await apiOperations(server)).filter(({ path, method }) => !path.includes('{') && method === 'GET')) {
    const { text } = await ask(leastRequest(op), {});
    for (const id of Object.values(there)) assert.equal(text.includes(id), false, `${op.name} shows ${id}`);
  }
  assert.deepEqual(await server.db.owner('select * from run order by id'), before);
});

test('ids of another organization in a body or a query are of nobody [S9]', async () => {
  await using server = await testServer({ workers: 0 });
  const there = await furnish(server);
  const self = await server.api().call(identityOperations.whoami, {});
  const other = await server.addOrganization();
  const api = server.api(other.ownerKey);
  await assert.rejects(api.call(identityOperations.createKey, { name: 'theirs', actor: self.actor.id, role: 'viewer' }), { code: 'not_found' });
  await api.call(agentOperations.create, { name: 'mine', instructions: 'Work.', model: 'rehearsal/none' });
  await assert.rejects(api.call(agentOperations.run, { name: 'mine', project: there['projects/{code}'] ?? '' }), { code: 'not_found' });
  for (const query of [
    `/runs?parent=${there['runs/{id}']}`,
    `/approvals?run=${there['runs/{id}']}`,
    `/runs?agent=${SECRET_NAME}`,
    `/schedules?agent=${SECRET_NAME}`,
    '/sessions?state=all',
    '/handoffs',
  ]) {
    const response = await server.request(query, { key: other.ownerKey });
    assert.deepEqual(await response.json(), { items: [], shown: 0, total: { kind: 'exact', value: 0 }, next: null }, query);
  }
  const stream = await server.request(`/runs/${there['runs/{id}']}/events`, { key: other.ownerKey, headers: { accept: 'text/event-stream' } });
  assert.equal(stream.status, 404);
});
