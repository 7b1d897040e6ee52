/** What holds for every answer: correlation ids, rates, conditions, headers, the request log, pages, metrics, status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetryOperations } from '../../../src/platform/telemetry/contract.ts';
import { GUESSES_PER_MINUTE } from '../../../src/surfaces/http/admit.ts';
import { createRateLimiter } from '../../../src/surfaces/http/rate-limit.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { statusOperations } from '../../../src/work/status/contract.ts';
import { problemOf } from '../../support/api-operations.ts';
import { testIds } from '../../support/identity.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const agent = (name: string) => ({ name, instructions: 'Work.', model: 'rehearsal/none' });

test('a correlation id goes in and out, and finds the request for its organization only [API-2, STO-5]', async () => {
  await using server = await testServer({ workers: 0 });
  const mine = testIds.next('cor');
  const answer = await server.request('/runs/nothing?secret-word', { headers: { 'x-correlation-id': mine } });
  assert.equal(answer.headers.get('x-correlation-id'), mine);
  assert.equal((await problemOf(answer)).correlationId, mine);
  const foreign = await server.request('/self', { headers: { 'x-correlation-id': 'what ever' } });
  assert.match(foreign.headers.get('x-correlation-id') ?? '', /^cor_[0-9a-z]{26}$/);

  const found = await until('the request in the log', 5_000, async () => {
    const page = await server.api().call(telemetryOperations.requests, { correlationId: mine });
    return page.shown > 0 ? page : null;
  });
  const { atMs: _at, durationMs: _duration, actor: _actor, fingerprint, ...request } = found.items[0] ?? assert.fail();
  assert.deepEqual(request, {
    surface: 'http',
    method: 'GET',
    path: '/api/v1/runs/nothing',
    operation: 'runs.get',
    status: 400,
    code: 'invalid_input',
  });
  assert.match(fingerprint, /^[0-9a-f]{16}$/);
  const other = await server.addOrganization();
  assert.equal((await server.api(other.ownerKey).call(telemetryOperations.requests, { correlationId: mine })).shown, 0);
  const stored = JSON.stringify(await server.db.owner('select * from request_log'));
  assert.equal(stored.includes(server.ownerKey) || stored.includes('secret-word'), false);
});

test('a service has 100 requests a minute and people 1,000, by actor, with the wait told [API-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const service = await server.key({ role: 'viewer', kind: 'service' });
  const first = await server.request('/self', { key: service.secret });
  assert.deepEqual([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')], ['100', '99']);
  await Promise.all(Array.from({ length: 99 }, async () => (await server.request('/self', { key: service.secret })).text()));
  const refused = await server.request('/self', { key: service.secret });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get('ratelimit-remaining'), '0');
  assert.equal(Number(refused.headers.get('retry-after')) > 0, true);
  assert.equal((await problemOf(refused)).code, 'rate_limited');
  const person = await server.request('/self');
  assert.deepEqual([person.status, person.headers.get('ratelimit-limit')], [200, '1000']);
});

test('keys cannot be tried without end, and who has a good one is not locked out [IDN-2, S7]', async () => {
  await using server = await testServer({ workers: 0 });
  assert.equal((await server.request('/self')).status, 200);
  const guess = async (n: number): Promise<number> => (await server.request('/self', { key: `wl_${String(n).padStart(43, '0')}` })).status;
  for (let n = 0; n < GUESSES_PER_MINUTE; n += 1) assert.equal(await guess(n), 401);
  const refused = await server.request('/self', { key: 'wl_another' });
  assert.equal(refused.status, 429);
  await problemOf(refused);
  assert.equal((await server.request('/self')).status, 200);
});

test('a window of the limiter ends after a minute, and looking costs nothing [API-2]', () => {
  let nowMs = 0;
  const limiter = createRateLimiter({ nowMs: () => nowMs });
  assert.deepEqual(
    [limiter('a', 2).allowed, limiter('a', 2, 0).allowed, limiter('a', 2).allowed, limiter('a', 2, 0).allowed],
    [true, true, true, false],
  );
  assert.deepEqual([limiter('a', 2).allowed, limiter('b', 2).allowed], [false, true]);
  nowMs = 60_000;
  assert.equal(limiter('a', 2).allowed, true);
});

test('what was read has an ETag: 304 when it is the same, 412 when it was changed meanwhile [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  await server.api().call(agentOperations.create, agent('one'));
  const read = await server.request('/agents/one');
  const etag = read.headers.get('etag') ?? '';
  assert.match(etag, /^"[0-9a-f]{32}"$/);
  const same = await server.request('/agents/one', { headers: { 'if-none-match': `"x", W/${etag}` } });
  assert.deepEqual([same.status, await same.text(), same.headers.get('etag')], [304, '', etag]);
  assert.equal((await server.request('/agents/one', { headers: { 'if-none-match': '"x"' } })).status, 200);

  const put = (match: string, instructions: string) =>
    server.request('/agents/one', { method: 'PUT', body: { instructions, model: 'rehearsal/none' }, headers: { 'if-match': match } });
  assert.equal((await put(etag, 'Work better.')).status, 200);
  const late = await put(etag, 'Work worse.');
  assert.equal(late.status, 412);
  assert.equal((await problemOf(late)).code, 'precondition_failed');
  assert.equal((await put('*', 'Work best.')).status, 200);
  assert.equal((await server.request('/agents/one/pause', { method: 'POST', body: {}, headers: { 'if-match': etag } })).status, 412);
});

test('answers make no page, and a page of lists goes to its end with totals [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const path of ['/self', '/nothing', '//healthz', '//metrics', '//nothing']) {
    const { headers } = await server.request(path);
    assert.deepEqual([headers.get('x-frame-options'), headers.get('x-content-type-options')], ['DENY', 'nosniff'], path);
    assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
  }
  for (let n = 0; n < 5; n += 1) await server.api().call(agentOperations.create, agent(`agent-${n}`));
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await server.api().call(agentOperations.list, { limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    assert.deepEqual(page.total, { kind: 'exact', value: 5 });
    assert.equal(page.shown, page.items.length);
    names.push(...page.items.map(({ name }) => name));
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  assert.deepEqual(names, ['agent-0', 'agent-1', 'agent-2', 'agent-3', 'agent-4']);
  assert.equal((await server.request('/agents?cursor=bogus')).status, 400);
});

test('status says what goes on in one call, and metrics show an organization to its own keys only [BUD-5, TRC-2]', async () => {
  await using server = await testServer({ workers: 0 });
  const api = server.api();
  await api.call(agentOperations.create, agent('one'));
  await api.call(agentOperations.run, { name: 'one' });
  await server.db.owner("update agent set state = 'error', state_reason = 'Three runs failed.'");
  const status = await api.call(statusOperations.read, {});
  assert.deepEqual(status.runs, [{ status: 'queued', count: { kind: 'exact', value: 1 } }]);
  assert.deepEqual([status.agentsInError.items[0]?.name, status.agentsInError.items[0]?.reason], ['one', 'Three runs failed.']);
  assert.deepEqual([status.spend.runs.kind, status.spend.microUsd, status.waitingForPeople.items], ['exact', 0, []]);
  assert.equal((await api.call(statusOperations.read, { since: Date.now() + 60_000 })).spend.runs.kind, 'exact');

  const open = await (await server.request('//metrics', { key: null })).text();
  assert.match(open, /windlass_http_requests_total\{operation="agents.run",status="202"\} 1/);
  assert.equal(open.includes('windlass_queue_depth'), false);
  const own = await (await server.request('//metrics')).text();
  assert.match(own, /\nwindlass_queue_depth 1\n/);
  assert.match(own, /windlass_runs\{status="queued"\} 1/);
  const other = await server.addOrganization();
  assert.match(await (await server.request('//metrics', { key: other.ownerKey })).text(), /\nwindlass_queue_depth 0\n/);
  assert.equal((await server.request('//metrics', { key: 'wl_wrong' })).status, 401);
});
