/** The feed of changes: by cursor and over the wire, nothing lost, nothing of others, and over when the key or session is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFrames } from '../../../src/clients/api.ts';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { FeedItem, feedOperations } from '../../../src/runtime/feed/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const REHEARSALS = { talk: 'turns:\n  - text: Done.\n' };

async function startRun(server: TestServer): Promise<string> {
  await server.api().call(agentOperations.create, { name: 'talker', instructions: 'Talk.', model: 'rehearsal/talk' });
  return (await server.api().call(agentOperations.run, { name: 'talker' })).id;
}

/** Follows the feed into a list until it ends. */
async function follow(server: TestServer, options: { key?: string | null; headers?: Record<string, string>; query?: string } = {}) {
  const { key, headers = {}, query = '' } = options;
  const response = await server.request(`/feed${query}`, {
    ...(key === undefined ? {} : { key }),
    headers: { accept: 'text/event-stream', ...headers },
  });
  assert.equal(response.status, 200);
  const heard: FeedItem[] = [];
  const cursors: number[] = [];
  const over = (async (): Promise<string> => {
    let last = '';
    for await (const frame of parseFrames(response.body ?? assert.fail('no body'))) {
      last = frame.event;
      if (frame.event !== 'changes') continue;
      heard.push(...(JSON.parse(frame.data) as unknown[]).map((item) => FeedItem.parse(item)));
      cursors.push(Number(frame.id));
    }
    return last;
  })();
  await until('the feed has begun', 5_000, () => cursors.length > 0);
  return { heard, cursors, over };
}

test('who follows hears of a run from its first entry to its last, and by cursor reads the same [API-1]', async () => {
  await using server = await testServer({ rehearsals: REHEARSALS });
  const { position } = await server.api().call(feedOperations.read, {});
  const { heard } = await follow(server);
  const run = await startRun(server);
  await until('the end is heard', 10_000, () => heard.some(({ stream, type }) => stream === run && type === 'run.ended'));
  const read = await server.api().call(feedOperations.read, { after: position, limit: 1_000 });
  const ofRun = (items: readonly FeedItem[]): FeedItem[] => items.filter(({ stream }) => stream === run);
  assert.deepEqual(ofRun(heard), ofRun(read.items));
  assert.deepEqual(
    ofRun(heard).map(({ seq }) => seq),
    ofRun(heard).map((_item, index) => index + 1),
  );
  assert.equal(
    heard.some(({ type }) => type === 'agent.created'),
    true,
    'that an agent was made, too',
  );
  const later = await follow(server, { query: `?after=${position}` });
  await until('all is heard again', 5_000, () => later.heard.length >= read.items.length);
  assert.deepEqual(ofRun(later.heard), ofRun(read.items));
});

test('what is done to keys is heard by who may read the audit, and nothing by another organization [IDN-2]', async () => {
  await using server = await testServer({ workers: 0, rehearsals: REHEARSALS });
  const viewer = await server.key({ role: 'viewer' });
  const other = await server.addOrganization();
  const [owners, viewers, others] = await Promise.all([
    follow(server),
    follow(server, { key: viewer.secret }),
    follow(server, { key: other.ownerKey }),
  ]);
  await server.key({ role: 'member' });
  await startRun(server);
  await until('the agent is heard of', 5_000, () => [owners, viewers].every(({ heard }) => heard.some(({ kind }) => kind === 'run')));
  assert.equal(
    owners.heard.some(({ type }) => type === 'key.created'),
    true,
  );
  assert.equal(
    viewers.heard.some(({ type }) => type === 'key.created'),
    false,
  );
  assert.deepEqual(others.heard, []);
});

test('the feed ends when its key is revoked, when its session ends, and when the server stops [IDN-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const key = await server.key({ role: 'viewer' });
  const session = await server.request('//session', { method: 'POST', key: null, body: { key: server.ownerKey }, headers: { origin: server.url } });
  const cookie = session.headers.get('set-cookie')?.split(';')[0] ?? '';
  const [byKey, bySession, staying] = await Promise.all([
    follow(server, { key: key.secret }),
    follow(server, { key: null, headers: { cookie } }),
    follow(server),
  ]);
  await server.api().call(identityOperations.revokeKey, { id: key.id });
  await server.request('//session', { method: 'DELETE', key: null, headers: { cookie, origin: server.url } });
  assert.deepEqual(await Promise.all([byKey.over, bySession.over]), ['ended', 'ended']);
  const over = staying.over;
  await server.stop();
  await over;
});

test('a cursor that is none is refused', async () => {
  await using server = await testServer({ workers: 0 });
  for (const accept of ['application/json', 'text/event-stream']) {
    for (const after of ['x', '-1', '1.5']) assert.equal((await server.request(`/feed?after=${after}`, { headers: { accept } })).status, 400, after);
  }
});
