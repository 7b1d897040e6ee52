/**
 * Webhooks in, over HTTP on the real server, signed by the senders' own libraries: what is taken, what is refused, and what becomes of it.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Webhooks as GitHub } from '@octokit/webhooks';
import { Webhook as Standard } from 'standardwebhooks';
import { alertOperations } from '../../../src/work/alerts/contract.ts';
import { webhookOperations } from '../../../src/work/webhooks/contract.ts';
import { alert as alertCommand } from '../../../src/clients/cli/commands/alert.ts';
import { webhook as webhookCommand } from '../../../src/clients/cli/commands/webhook.ts';
import { REFUSED_PER_MINUTE } from '../../../src/surfaces/webhooks/mount.ts';
import { problemOf } from '../../support/api-operations.ts';
import { githubEvents } from '../../support/github-events.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

/** A source of GitHub, and how to send as it: `event` is the header, `change` goes on top of the headers. */
async function github(server: TestServer, project?: string) {
  const made = await server.api().call(webhookOperations.create, { kind: 'github', name: 'acme', ...(project === undefined ? {} : { project }) });
  const signer = new GitHub({ secret: made.secret });
  let sent = 0;
  const send = async (event: string, body: object, change: Record<string, string> = {}) => {
    const text = JSON.stringify(body);
    const headers = {
      ...{ 'content-type': 'application/json', 'x-github-event': event, 'x-github-delivery': `d-${(sent += 1)}` },
      ...{ 'x-hub-signature-256': await signer.sign(text), ...change },
    };
    return server.request(`/${made.source.path}`, { method: 'POST', key: null, body: text, headers });
  };
  return { ...made, send };
}

async function answered(response: Response) {
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as { outcome: string; raised: number; resolved: number; detail: string };
}

async function open(server: TestServer, filter: object = {}) {
  const page = await server.api().call(alertOperations.list, filter);
  assert.deepEqual(page.total, { kind: 'exact', value: page.shown });
  return page.items;
}

test('a failure is told once, folds with a count, and the matching green event resolves it, in any order of arrival [CAD-2, HOK-1]', async () => {
  await using server = await testServer({ workers: 0 });
  await server.db.owner(`insert into project (org_id, id, code, name, remote) values ($1, 'prj_m', 'mill', 'Mill', 'git@github.com:acme/mill.git')`, [
    server.org,
  ]);
  const { send, source } = await github(server);
  const run = (conclusion: string, updated_at: string, more: object = {}) => githubEvents.workflow({ conclusion, updated_at, ...more });
  assert.equal((await answered(await send('ping', { zen: 'x' }))).outcome, 'ignored');
  assert.deepEqual(await answered(await send('workflow_run', run('failure', ago(50 * MINUTE_MS)))), {
    outcome: 'accepted',
    detail: '',
    raised: 1,
    resolved: 0,
  });
  await answered(await send('workflow_run', run('failure', ago(40 * MINUTE_MS))));
  const [alert, ...none] = await open(server, { project: 'mill' });
  assert.deepEqual([alert?.count, alert?.severity, alert?.owner, alert?.source.id, none.length], [2, 'high', null, source.id, 0]);
  // green on another branch, and one that is older than the failure, change nothing
  await answered(await send('workflow_run', run('success', ago(MINUTE_MS), { head_branch: 'topic' })));
  assert.equal((await answered(await send('workflow_run', run('success', ago(45 * MINUTE_MS))))).outcome, 'ignored');
  assert.equal((await open(server)).length, 1);
  assert.equal((await answered(await send('workflow_run', run('success', ago(30 * MINUTE_MS))))).resolved, 1);
  assert.equal((await open(server)).length, 0);
  // a failure from before that success comes late: it is over
  assert.deepEqual((await answered(await send('workflow_run', run('failure', ago(35 * MINUTE_MS))))).outcome, 'ignored');
  assert.equal((await open(server)).length, 0);
  await answered(await send('workflow_run', run('failure', ago(20 * MINUTE_MS))));
  assert.deepEqual(
    (await open(server)).map(({ count }) => count),
    [1],
    'a new alert after the old one was resolved',
  );
  const [listed] = (await server.api().call(webhookOperations.list, {})).items;
  assert.ok(listed !== undefined && [listed.lastDeliveryAtMs, listed.lastRedAtMs, listed.lastGreenAtMs].every((at) => at !== null));
});

test('the same delivery and the same content are taken once, even at once; a crash in between loses nothing [HOK-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const { send } = await github(server);
  const body = githubEvents.workflow({ updated_at: ago(MINUTE_MS) });
  const twenty = await Promise.all(
    Array.from({ length: 20 }, async () => answered(await send('workflow_run', body, { 'x-github-delivery': 'same' }))),
  );
  assert.deepEqual(
    twenty
      .map(({ outcome }) => outcome)
      .toSorted()
      .slice(0, 2),
    ['accepted', 'duplicate'],
  );
  assert.equal(twenty.filter(({ outcome }) => outcome === 'accepted').length, 1);
  assert.equal((await answered(await send('workflow_run', body, { 'x-github-delivery': 'another' }))).outcome, 'duplicate');
  assert.deepEqual(
    (await open(server)).map(({ count }) => count),
    [1],
  );
  // what fails takes its delivery with it, so that the sender's next try is taken
  const next = githubEvents.workflow({ updated_at: ago(1_000) });
  await server.db.owner('alter table alert_signal rename to away');
  const failed = await send('workflow_run', next, { 'x-github-delivery': 'again' });
  assert.equal(failed.status, 500);
  await server.db.owner('alter table away rename to alert_signal');
  assert.equal((await answered(await send('workflow_run', next, { 'x-github-delivery': 'again' }))).raised, 1);
  const old = githubEvents.workflow({ updated_at: ago(5 * DAY_MS), workflow_id: 9 });
  assert.match((await answered(await send('workflow_run', old))).detail, /too old/);
});

test('what is not signed by a known source is refused in one way, over the raw bytes [HOK-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const { send, source, secret } = await github(server);
  const text = JSON.stringify(githubEvents.workflow({ updated_at: ago(MINUTE_MS) }), null, 2);
  const sign = (body: string, key = secret) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
  const post = (path: string, headers: Record<string, string>, body = text) =>
    server.request(path, {
      method: 'POST',
      key: null,
      body,
      headers: { 'content-type': 'application/json', 'x-github-event': 'workflow_run', 'x-github-delivery': 'a', ...headers },
    });
  const path = `/${source.path}`;
  const refused = [
    await post(path, {}),
    await post(path, { 'x-hub-signature-256': sign(text, 'wrong') }),
    await post(path, { 'x-hub-signature-256': sign(text).slice(0, -2) }),
    await post(path, { 'x-hub-signature-256': sign(JSON.stringify(JSON.parse(text))) }),
    await post(path, { 'x-hub-signature-256': sign(text) }, `${text} `),
    await post('//webhooks/github?source=whs_01jd2m7x9c4qf8w3v5k6t1z0ab', { 'x-hub-signature-256': sign(text) }),
    await post('//webhooks/github', { 'x-hub-signature-256': sign(text) }),
    await post(path.replace('/github', '/generic'), { 'x-hub-signature-256': sign(text) }),
  ];
  for (const response of refused) {
    const problem = await problemOf(response);
    assert.deepEqual([problem.status, problem.detail], [401, 'No known source has signed this.']);
  }
  assert.equal((await answered(await post(path, { 'x-hub-signature-256': sign(text) }))).raised, 1, 'the same bytes, spaces and all');
  assert.equal((await send('workflow_run', {}, { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  const shapeless = await problemOf(await send('workflow_run', { action: 'completed' }));
  assert.deepEqual([shapeless.status, (shapeless.faults ?? []).length > 0], [400, true]);
  assert.equal((await send('workflow_run', githubEvents.workflow({ updated_at: ago(-DAY_MS) }))).status, 400, 'from the future');
  await server.api().call(webhookOperations.revoke, { id: source.id });
  assert.equal((await send('ping', { a: 1 })).status, 401);
  for (let i = 0; i < REFUSED_PER_MINUTE; i += 1) await post(path, {});
  assert.equal((await post(path, {})).status, 429);
});

test('Standard Webhooks are taken as its own library signs them, within five minutes [HOK-2, CAD-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const { secret, source } = await server.api().call(webhookOperations.create, { kind: 'generic', name: 'deploys' });
  const signer = new Standard(secret);
  const send = (id: string, body: object, { at = new Date(), change = {} }: { at?: Date; change?: Record<string, string> } = {}) => {
    const text = JSON.stringify(body);
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signer.sign(id, at, text),
    };
    return server.request(`/${source.path}`, {
      method: 'POST',
      key: null,
      body: text,
      headers: { 'content-type': 'application/json', ...headers, ...change },
    });
  };
  const raised = (seconds: number) => ({
    type: 'alert.raised',
    timestamp: ago(seconds * 1_000),
    data: { key: 'disk', title: 'Disk \u202Efull\n## Ignore' },
  });
  assert.equal((await answered(await send('m1', raised(60)))).raised, 1);
  assert.deepEqual(
    (await open(server)).map(({ title, kind }) => [title, kind]),
    [['Disk full ## Ignore', 'other']],
  );
  assert.equal((await answered(await send('m1', raised(60)))).outcome, 'duplicate', 'sent again');
  for (const minutes of [-6, 6])
    assert.equal((await send('m2', raised(50), { at: new Date(Date.now() + minutes * MINUTE_MS) })).status, 401, `${minutes}`);
  const many = `v1,AAAA v2,x ${signer.sign('m3', new Date(), JSON.stringify(raised(40)))}`;
  assert.equal((await send('m4', raised(40), { change: { 'webhook-signature': many } })).status, 401, 'signed for another id');
  assert.equal((await send('m5', raised(30), { change: { 'webhook-signature': 'v1,' } })).status, 401);
  assert.equal((await answered(await send('m6', { type: 'alert.resolved', timestamp: ago(0), data: { key: 'disk' } }))).resolved, 1);
  assert.equal((await answered(await send('m7', { type: 'invoice.paid', timestamp: ago(0) }))).outcome, 'ignored');
  const signed = signer.sign('m8', new Date(), '{');
  const broken = await server.request(`/${source.path}`, {
    ...{ method: 'POST', key: null, body: '{' },
    headers: {
      'content-type': 'application/json',
      'webhook-id': 'm8',
      'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
      'webhook-signature': signed,
    },
  });
  assert.equal(broken.status, 400);
});

test('a security alert has an owner and an age, is escalated, and only a person or its own event ends it [CAD-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const { send, source } = await github(server);
  await answered(await send('dependabot_alert', githubEvents.dependabot('created', ago(MINUTE_MS))));
  const [alert] = await open(server, { kind: 'security' });
  assert.ok(alert !== undefined);
  assert.deepEqual([alert.owner?.actor, alert.escalation, alert.ageDays], [source.owner.actor, 'none', 0]);
  const age = (days: number) => server.db.owner(`update alert set first_at = clock_now() - make_interval(days => $1, secs => 5)`, [days]);
  await age(3);
  assert.deepEqual(
    (await open(server, { escalated: 'true' })).map(({ escalation, ageDays }) => [escalation, ageDays]),
    [['overdue', 3]],
  );
  await age(6);
  assert.deepEqual(
    (await open(server)).map(({ escalation }) => escalation),
    ['organization'],
  );
  const local = server.api(server.localKey);
  await assert.rejects(local.call(alertOperations.resolve, { id: alert.id, reason: 'Looks fine.' }), { code: 'denied' });
  const viewer = await server.key({ role: 'viewer' });
  await assert.rejects(server.api(viewer.secret).call(alertOperations.assign, { id: alert.id }), { code: 'denied' });
  await assert.rejects(server.api().call(alertOperations.assign, { id: alert.id, owner: 'act_01jd2m7x9c4qf8w3v5k6t1z0ab' }), { code: 'not_found' });
  const theirs = await server.addOrganization();
  await assert.rejects(server.api(theirs.ownerKey).call(alertOperations.resolve, { id: alert.id, reason: 'x' }), { code: 'not_found' });
  const assigned = await server.api().call(alertOperations.assign, { id: alert.id, owner: viewer.actor });
  assert.deepEqual(assigned.owner, { actor: viewer.actor, name: 'a viewer' });
  assert.equal((await answered(await send('dependabot_alert', githubEvents.dependabot('reopened', ago(30_000))))).raised, 1);
  assert.deepEqual(
    (await open(server)).map(({ count, owner }) => [count, owner?.actor]),
    [[2, viewer.actor]],
    'a repeat takes no owner away',
  );
  assert.equal((await answered(await send('dependabot_alert', githubEvents.dependabot('fixed', ago(20_000))))).resolved, 1);
  const [done] = await open(server, { state: 'resolved' });
  assert.deepEqual([done?.resolved?.by, done?.resolved?.reason], ['acme', 'GitHub says it is fixed.']);
  const again = await server.api().call(alertOperations.resolve, { id: alert.id, reason: 'By hand.' });
  assert.equal(again.resolved?.reason, 'GitHub says it is fixed.', 'what is resolved stays as it was');
});

test('a secret is shown once, lives in no table, and only an admin makes or ends a source [HOK-1, CAD-2]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const key of [server.localKey, (await server.key({ role: 'operator' })).secret])
    await assert.rejects(server.api(key).call(webhookOperations.create, { kind: 'github', name: 'x' }), { code: 'denied' });
  const { secret, source } = await github(server);
  const other = await server.addOrganization();
  await assert.rejects(server.api(other.ownerKey).call(webhookOperations.revoke, { id: source.id }), { code: 'not_found' });
  await assert.rejects(server.api().call(webhookOperations.create, { kind: 'generic', name: 'x', project: 'never-was' }), { code: 'not_found' });
  const rows = await server.db.owner<{ text: string }>('select webhook_source::text as text from webhook_source');
  const file = join(server.home, 'webhook.key');
  const kept = await readFile(file, 'utf8');
  for (const hidden of [secret, kept.trim()]) assert.equal([...rows.map(({ text }) => text), ...server.logged].join('\n').includes(hidden), false);
  assert.equal((await stat(file)).mode & 0o077, 0);
  const page = JSON.stringify(await server.api().call(webhookOperations.list, {}));
  assert.equal(page.includes(secret), false);
  assert.deepEqual([alertCommand.verbs.length, webhookCommand.verbs.length], [3, 3]);
  // another home on the same database says what is missing, rather than that the sender is wrong
  await writeFile(file, Buffer.alloc(32, 1).toString('base64'));
  const response = await server.request(`/${source.path}`, {
    method: 'POST',
    key: null,
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  assert.equal((await problemOf(response)).code, 'unavailable');
});
