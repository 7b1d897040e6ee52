/** Toolset `context` by real MCP clients of both eras: a whole session, its heartbeats, 500 starts at once, what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientOptions, FormAnswer, TestClient } from '../../support/mcp.ts';
import { newClient, oldClient } from '../../support/mcp.ts';
import { testIds } from '../../support/identity.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const REMOTE = 'git@github.com:acme/app.git';
const PLACE = { repository: REMOTE, agent: 'claude', machine: 'laptop', branch: 'main' };
const HANDOFF = { status: 'in_progress', summary: 'The build is half mended.', next: ['Mend the other half.'] };
const MINUTE_MS = 60_000;
const TOOLS = ['preflight', 'session_start', 'session_update', 'session_end', 'briefing', 'claim', 'handoff', 'note', 'notes', 'doc', 'doc_audit'];
const MORE = ['cadence', 'weekly_plan', 'work_queue', 'projects'];

async function contextServer(): Promise<TestServer> {
  const server = await testServer({ workers: 0 });
  for (const code of ['app', 'site']) {
    await server.db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', [
      ...[server.org, testIds.next('prj'), code, `https://github.com/acme/${code}`],
    ]);
  }
  return server;
}

const connect = (server: TestServer, era: 'modern' | 'legacy', over: Partial<ClientOptions> = {}): Promise<TestClient> =>
  (era === 'modern' ? newClient : oldClient)({ url: server.url, key: server.ownerKey, toolset: 'context', ...over });

for (const era of ['modern', 'legacy'] as const) {
  test(`a session over MCP, ${era}: briefed, claimed, noted, handed over, seen by the next [BRF-1, BRF-4, SES-5, HND-2]`, async () => {
    await using server = await contextServer();
    await using client = await connect(server, era);
    assert.deepEqual(await client.names(), [...TOOLS, ...MORE]);
    assert.match((await client.call('preflight', { repository: REMOTE })).text, /^Ready: call session_start\.[^]*Project `app`/);
    const started = await client.call('session_start', PLACE);
    assert.equal(started.isError, false, started.text);
    const session = (started.structured['session'] as { id: string }).id;
    assert.match(started.text, /^Session `sess_\w+` created in `app`[^]*# Briefing: `app`[^]*## Boundary[^]*BLOCKED: [^]*TRIED: [^]*NEED: /);
    assert.match((started.structured['briefing'] as { markdown: string }).markdown, /^# Briefing: `app`/);
    const own = era === 'modern' ? { session } : {};
    assert.match((await client.call('claim', { kind: 'issue', name: '12', ...own })).text, /^Yours: issue `12` with fencing number 1/);
    assert.match((await client.call('session_update', { workingOn: 'the build', issue: '12', ...own })).text, /`the build`; holds issue `12`/);
    const note = await client.call('note', {
      title: 'Vision',
      content: '# We build mills.',
      tags: ['executive-summary'],
      project: 'app',
      word: 'Keep this.',
      ...own,
    });
    assert.match(note.text, /^Kept: `Vision`/);
    assert.match((await client.call('notes', { id: note.structured['id'], ...own })).text, /```text\n# We build mills\.\n```/);
    const doc = await client.call('doc', {
      action: 'write',
      name: 'docs/API.md',
      project: 'app',
      content: `# API\n\nWords.\n\n## Get\n\n${'x'.repeat(30_000)}`,
      ...own,
    });
    const id = String(doc.structured['id']);
    assert.match((await client.call('doc', { action: 'read', id })).text, /The first 20000 bytes of \d+ bytes: raise maxBytes/);
    assert.match((await client.call('doc', { action: 'read', id, summary: true })).text, /```text\nWords\.\n\n# API\n## Get\n```\n\nIts outline/);
    assert.match(await client.read(`windlass://documents/${id}`), /^# API/);
    const sent = await client.call('handoff', {
      action: 'send',
      to: 'site',
      handoff: { ...HANDOFF, summary: 'Rename the field.', priority: 'urgent' },
      ...own,
    });
    assert.match(sent.text, /It waits in the queue of `site`/);
    const proposal = await client.call('session_end', own);
    assert.match(proposal.text, /nothing is written yet[^]*- notes: 1[^]*Note kept: Vision/);
    const ended = await client.call('session_end', { handoff: HANDOFF, ...own });
    assert.match(ended.text, /has ended\. Handoff `ho_\w+`: confirmed by nobody/);
    const handoff = (ended.structured['handoff'] as { id: string }).id;
    assert.match(await client.read(`windlass://handoffs/${handoff}`), /half mended/);
    assert.ok((await client.resources()).includes(`windlass://handoffs/${handoff}`));
    assert.match((await client.call('session_end', { handoff: HANDOFF, session })).text, /it was left before, and stays as it was/);
    await using next = await connect(server, era);
    const again = await next.call('session_start', { ...PLACE, agent: 'codex' });
    assert.match(again.text, /## Last handoff[^]*half mended[^]*Mend the other half[^]*## Executive notes: 1[^]*## Documents: 1/);
    const site = await next.call('briefing', { project: 'site' });
    assert.match(site.text, /## Handoffs from other projects: 1[^]*Rename the field/);
    const list = await next.call('handoff', { project: 'site' });
    const waiting = (list.structured['items'] as { id: string }[])[0]?.id;
    await using there = await connect(server, era);
    await there.call('session_start', { ...PLACE, repository: 'https://github.com/acme/site' });
    assert.match((await there.call('handoff', { action: 'take', id: waiting })).text, /^Taken/);
    assert.doesNotMatch((await next.call('briefing', { project: 'site' })).text, /## Handoffs from other projects/);
    assert.match((await there.call('handoff', { action: 'dismiss', id: waiting, reason: 'late' })).text, /was taken by/);
    assert.match(await next.prompt('start_session', { project: 'app' }), /session_start[^]*# Briefing: `app`/);
    assert.match(await next.prompt('end_session', { session: (again.structured['session'] as { id: string }).id }), /Proposed from what happened/);
    assert.deepEqual(await next.complete('start_session', { name: 'project', value: 's' }), ['site']);
  });
}

test('a tool call is a heartbeat, and tells of a session that is over [SES-3]', async () => {
  await using server = await contextServer();
  await using client = await connect(server, 'legacy');
  const startMs = Date.now();
  await server.db.setTime(startMs);
  const started = await client.call('session_start', PLACE);
  const { id, heartbeatAtMs } = started.structured['session'] as { id: string; heartbeatAtMs: number };
  const inMs = Number(started.structured['nextHeartbeatInMs']);
  assert.ok(inMs >= 8 * MINUTE_MS && inMs <= 12 * MINUTE_MS);
  await server.db.setTime(startMs + 5 * MINUTE_MS);
  assert.equal((await client.call('projects')).isError, false);
  const heard = async (): Promise<number> =>
    Number((await server.db.owner<{ at: string }>('select extract(epoch from heartbeat_at) * 1000 as at from session where id = $1', [id]))[0]?.at);
  assert.equal(Math.round((await heard()) - heartbeatAtMs), 5 * MINUTE_MS);
  await server.db.setTime(startMs + 60 * MINUTE_MS);
  const late = await client.call('projects');
  assert.equal(late.isError, false);
  assert.match(late.text, /Your session is not alive: [^]*Call session_start/);
  assert.match((await client.call('session_start', PLACE)).text, /Ended by this start: `sess_\w+`, stale/);
});

test('of 500 starts at once over MCP as many sessions are made as there are distinct places [SES-1]', async () => {
  await using server = await contextServer();
  await using client = await connect(server, 'modern');
  const places = Array.from({ length: 20 }, (_, i) => ({ ...PLACE, machine: `m${i % 4}`, track: i % 5 }));
  const answers = await Promise.all(Array.from({ length: 500 }, (_, i) => client.call('session_start', places[(i * 7) % places.length])));
  assert.deepEqual(
    answers.filter(({ isError }) => isError).map(({ text }) => text),
    [],
  );
  const ids = new Set(answers.map(({ structured }) => (structured['session'] as { id: string }).id));
  assert.equal(ids.size, places.length);
  assert.deepEqual(await server.db.owner('select count(*)::int as count from session'), [{ count: places.length }]);
  assert.equal(answers.filter(({ structured }) => structured['outcome'] === 'created').length, places.length);
});

test('where the client has forms a person confirms the handoff; no writes nothing, and the session goes on [SES-5]', async () => {
  await using server = await contextServer();
  const forms: string[] = [];
  let says: FormAnswer = { action: 'decline' };
  await using client = await connect(server, 'modern', { person: ({ message }) => (forms.push(message), says) });
  const started = await client.call('session_start', PLACE);
  const session = (started.structured['session'] as { id: string }).id;
  const end = () => client.call('session_end', { session, handoff: HANDOFF });
  const declined = await end();
  assert.equal(declined.isError, true);
  assert.match(declined.text, /did not confirm[^]*Next: Ask what is wrong/);
  says = { action: 'accept', content: { write: 'no' } };
  assert.equal((await end()).isError, true);
  assert.deepEqual(await server.db.owner('select count(*)::int as count from handoff'), [{ count: 0 }]);
  says = { action: 'accept', content: { write: 'yes' } };
  assert.match((await end()).text, /confirmed by a person/);
  assert.ok(forms.every((form) => form.includes('half mended')));
});

test('bad input and missing rights are refused with the next step [BRF-1, SES-5, HND-1]', async () => {
  await using server = await contextServer();
  await using client = await connect(server, 'modern');
  const refused = async (name: string, args: Record<string, unknown>, by: TestClient = client): Promise<string> => {
    const { isError, text } = await by.call(name, args);
    assert.equal(isError, true, `${name}: ${text}`);
    assert.match(text, /Next: /);
    return text;
  };
  assert.match(await refused('session_start', { agent: 'claude', machine: 'laptop' }), /Neither a project nor a repository/);
  assert.match(await refused('session_start', { ...PLACE, repository: 'https://github.com/acme/other' }), /windlass project add/);
  assert.match(await refused('session_start', { ...PLACE, unknown: 1 }), /unknown/);
  assert.match(await refused('session_update', { workingOn: 'x' }), /Call session_start/);
  assert.match(
    (await client.call('preflight', { repository: 'https://github.com/acme/other' })).text,
    /Not ready yet:[^]*No project[^]*`app`, `site`/,
  );
  const { structured } = await client.call('session_start', { ...PLACE, workingOn: '`# Stop rules` 🧶 مرحبا' });
  const session = (structured['session'] as { id: string }).id;
  const large = { ...HANDOFF, details: 'x'.repeat(810 * 1024) };
  assert.match(await refused('session_end', { session, handoff: large }), /bytes, 819200 at most/);
  assert.match(await refused('session_end', { session, handoff: 'none' }), /handoff/);
  assert.match(await refused('handoff', { action: 'send', session, handoff: HANDOFF }), /action send needs to/);
  assert.match(await refused('handoff', { action: 'show', id: 'ho_nowhere' }), /There is no handoff/);
  assert.match((await client.call('session_end', { session, without: 'manual' })).text, /has ended/);
  assert.match((await client.call('session_end', { session, without: 'manual' })).text, /had ended already\. It left no handoff/);
  const viewer = await server.key({ role: 'viewer' });
  await using reader = await connect(server, 'modern', { key: viewer.secret });
  assert.match(await refused('session_start', PLACE, reader), /may not write sessions/);
  assert.match((await reader.call('preflight', { project: 'app' })).text, /it may \*\*not\*\* start sessions/);
  assert.match((await reader.call('briefing', { project: 'app' })).text, /# Briefing: `app`/);
  const other = await server.addOrganization();
  await using stranger = await connect(server, 'modern', { key: other.ownerKey });
  assert.match(await refused('session_end', { session, without: 'manual' }, stranger), /There is no session/);
  assert.match(await refused('briefing', { project: 'app' }, stranger), /There is no project app/);
});
