/** A run's journal as it grows, read over the wire: from any cursor, by many, slowly, to the end of the run or of the server. */
import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { problemOf } from '../../support/api-operations.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const SCRIPT = { talk: 'turns:\n  - text: Done.\n' };

async function startRun(server: TestServer): Promise<string> {
  await server.api().call(agentOperations.create, { name: 'talker', instructions: 'Talk.', model: 'rehearsal/talk' });
  return (await server.api().call(agentOperations.run, { name: 'talker' })).id;
}

type Frame = { id: string | null; event: string; data: string };
const stream = (server: TestServer, run: string, more: { query?: string; headers?: Record<string, string>; signal?: AbortSignal } = {}) =>
  server.request(`/runs/${run}/events${more.query ?? ''}`, {
    headers: { accept: 'text/event-stream', ...more.headers },
    ...(more.signal === undefined ? {} : { signal: more.signal }),
  });

function framesOf(text: string): Frame[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '' && !block.startsWith(':'))
    .map((block) => {
      const of = (name: string): string | null =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? null;
      return { id: of('id'), event: of('event') ?? '', data: of('data') ?? '' };
    });
}
const entriesOf = (text: string): Frame[] => framesOf(text).filter(({ event }) => event === 'entry');

test('20 readers see a run to its end, and the journal by cursor is the same [API-1, RUN-5]', async () => {
  await using server = await testServer({ rehearsals: SCRIPT });
  const run = await startRun(server);
  const texts = await Promise.all(Array.from({ length: 20 }, async () => (await stream(server, run)).text()));
  const page = await server.api().call(runOperations.events, { id: run });
  const wanted = page.items.map((entry) => [String(entry.seq), JSON.stringify(entry)]);
  for (const text of texts) {
    assert.deepEqual(
      entriesOf(text).map(({ id, data }) => [id, JSON.stringify(runOperations.events.output.shape.items.element.parse(JSON.parse(data)))]),
      wanted,
    );
    for (const { id, event } of framesOf(text)) assert.equal(id === null, event === 'preview', 'a preview has no id, an entry has one');
  }
  assert.equal(page.items.at(-1)?.event?.type, 'run.ended');

  const ids = (text: string): (string | null)[] => entriesOf(text).map(({ id }) => id);
  const later = wanted.slice(2).map(([id]) => id);
  assert.deepEqual(ids(await (await stream(server, run, { query: '?after=2' })).text()), later);
  const both = await stream(server, run, { query: '?after=0', headers: { 'last-event-id': '2' } });
  assert.deepEqual(ids(await both.text()), later, 'who comes back goes on from the later cursor');
});

test('a cursor that is none, a run that never was and a key that may not read are refused before a stream begins [API-1]', async () => {
  await using server = await testServer({ workers: 0, rehearsals: SCRIPT });
  const run = await startRun(server);
  for (const query of ['?after=x', '?after=-1', '?after=1.5', '?after=99999999999999999999']) {
    const response = await stream(server, run, { query });
    assert.equal(response.status, 400, query);
    await problemOf(response);
  }
  assert.equal((await stream(server, 'run_01jd2m7x9c4qf8w3v5k6t1z0ab')).status, 404);
  const noScope = await server.key({ role: 'member', scopes: ['run'] });
  const response = await server.request(`/runs/${run}/events`, { key: noScope.secret, headers: { accept: 'text/event-stream' } });
  assert.equal(response.status, 403);
});

/** A stream that nobody reads yet. */
function slowStream(server: TestServer, run: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${server.ownerKey}` };
    const sent = plainRequest(`${server.url}/api/v1/runs/${run}/events`, { headers }, (answer) => resolve(answer.pause()));
    sent.on('error', reject);
    sent.end();
  });
}

test('a slow reader misses nothing and holds nobody up [API-1]', async () => {
  await using server = await testServer({ rehearsals: SCRIPT });
  const run = await startRun(server);
  const answer = await slowStream(server, run);
  await until('the end of the run', 5_000, async () => (await server.api().call(runOperations.get, { id: run })).endedAtMs !== null);
  let text = '';
  for await (const chunk of answer) text += String(chunk);
  const { headSeq } = await server.api().call(runOperations.get, { id: run });
  assert.equal(entriesOf(text).length, headSeq);
});

test('a server that stops lets its readers go at once, and one that left is forgotten [API-1]', async () => {
  await using server = await testServer({ workers: 0, rehearsals: SCRIPT });
  const run = await startRun(server);
  const gone = new AbortController();
  const left = await stream(server, run, { signal: gone.signal });
  gone.abort();
  await assert.rejects(left.text());
  const staying = await stream(server, run);
  const text = staying.text();
  const startedMs = performance.now();
  await server.stop();
  assert.equal(performance.now() - startedMs < 2_500, true, 'it waited for its readers');
  assert.deepEqual(
    entriesOf(await text).map(({ id }) => id),
    ['1'],
  );
});

test("a run's stream ends when the key it was opened with is revoked [IDN-1]", async () => {
  await using server = await testServer({ workers: 0, rehearsals: SCRIPT });
  const run = await startRun(server);
  const key = await server.key({ role: 'viewer' });
  const response = await server.request(`/runs/${run}/events`, { key: key.secret, headers: { accept: 'text/event-stream' } });
  await server.api().call(identityOperations.revokeKey, { id: key.id });
  assert.deepEqual(
    entriesOf(await response.text()).map(({ id }) => id),
    ['1'],
  );
});
