/**
 * The boundary over toolset `context`: every tool and every action, aimed at another project by all it can name. A tool or an action that is
 * in no table fails here (spec POL-4).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cadenceOperations } from '../../../src/work/cadence/contract.ts';
import { documentOperations } from '../../../src/work/documents/contract.ts';
import { handoffOperations } from '../../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../../src/work/knowledge/contract.ts';
import { sessionOperations } from '../../../src/work/sessions/contract.ts';
import { CONTEXT_TOOLSET } from '../../../src/surfaces/mcp/context-toolset.ts';
import type { ClientOptions, TestClient } from '../../support/mcp.ts';
import { newClient, oldClient } from '../../support/mcp.ts';
import { testIds } from '../../support/identity.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';

const APP = 'git@github.com:acme/app.git';
const SITE = 'git@github.com:acme/site.git';
const PLACE = { repository: APP, agent: 'claude', machine: 'laptop' };
const WORD = { word: 'Keep this.' };
const HANDOFF = { status: 'done', summary: 'Done.' };

type Row = { tool: string; args: (site: Site) => Record<string, unknown> };
type Site = { note: string; document: string; duty: string; handoff: string; session: string };

const REFUSED: readonly Row[] = [
  { tool: 'session_start', args: () => ({ ...PLACE, project: 'site' }) },
  { tool: 'session_update', args: ({ session }) => ({ workingOn: 'x', session }) },
  { tool: 'session_end', args: ({ session }) => ({ without: 'manual', session }) },
  { tool: 'session_end', args: ({ session }) => ({ handoff: HANDOFF, session }) },
  { tool: 'claim', args: ({ session }) => ({ kind: 'issue', name: '1', session }) },
  { tool: 'claim', args: ({ session }) => ({ action: 'release', kind: 'issue', name: '1', session }) },
  { tool: 'handoff', args: ({ session }) => ({ action: 'send', to: 'app', handoff: HANDOFF, session }) },
  { tool: 'handoff', args: ({ handoff }) => ({ action: 'take', id: handoff }) },
  { tool: 'handoff', args: ({ handoff }) => ({ action: 'dismiss', id: handoff, reason: 'late' }) },
  { tool: 'note', args: () => ({ title: 't', content: 'c', project: 'site', ...WORD }) },
  { tool: 'note', args: ({ note }) => ({ id: note, version: 1, content: 'mine', ...WORD }) },
  { tool: 'note', args: ({ note }) => ({ id: note, version: 1, project: 'app', ...WORD }) },
  { tool: 'doc', args: () => ({ action: 'list', project: 'site' }) },
  { tool: 'doc', args: ({ document }) => ({ action: 'read', id: document }) },
  { tool: 'doc', args: () => ({ action: 'write', name: 'a.md', content: 'c', project: 'site' }) },
  { tool: 'doc', args: () => ({ action: 'sync', project: 'site' }) },
  { tool: 'doc_audit', args: () => ({ project: 'site' }) },
  { tool: 'cadence', args: () => ({ action: 'add', title: 't', intervalDays: 7, project: 'site' }) },
  { tool: 'cadence', args: ({ duty }) => ({ action: 'done', id: duty, result: 'ok' }) },
];

/** What is read freely, or is the organization's, with what is said for it. */
const FREE: readonly Row[] = [
  { tool: 'preflight', args: () => ({ project: 'site' }) }, // looks around before there is a session
  { tool: 'briefing', args: () => ({ project: 'site' }) }, // what is due there is known to all of the organization
  { tool: 'handoff', args: () => ({ action: 'list', project: 'site' }) },
  { tool: 'handoff', args: ({ handoff }) => ({ action: 'show', id: handoff }) },
  { tool: 'notes', args: ({ note }) => ({ id: note }) },
  { tool: 'cadence', args: () => ({ action: 'list', project: 'site' }) },
  { tool: 'weekly_plan', args: () => ({ priorityProject: 'site', goals: ['g'] }) }, // one plan for the whole organization
  { tool: 'work_queue', args: () => ({ project: 'site' }) },
  { tool: 'projects', args: () => ({ code: 'site' }) },
];

test('every tool that can aim at a project, and every action of one, is in a table [POL-4]', () => {
  for (const { listed } of CONTEXT_TOOLSET.tools) {
    const rows = [...REFUSED, ...FREE].filter(({ tool }) => tool === listed.name);
    assert.ok(rows.length > 0, `say in ${import.meta.filename} what the boundary is for the tool ${listed.name}`);
    const { action } = listed.inputSchema['properties'] as { action?: { enum: string[]; default: string } };
    const shown = new Set(rows.map(({ args }) => args({} as Site)['action'] ?? action?.default));
    for (const each of action?.enum ?? []) assert.ok(shown.has(each), `${listed.name} ${each}`);
    // what can write and is only read freely would be a hole
    const isFree = !rows.some((row) => REFUSED.includes(row));
    if (isFree && !listed.annotations.readOnlyHint) assert.equal(listed.name, 'weekly_plan');
  }
});

async function world(): Promise<{ server: TestServer; site: Site; [Symbol.asyncDispose](): Promise<void> }> {
  const server = await testServer({ workers: 0, env: { PATH: '/nowhere' } });
  for (const code of ['app', 'site']) {
    const values = [server.org, testIds.next('prj'), code, `https://github.com/acme/${code}`];
    await server.db.owner('insert into project (org_id, id, code, name, remote) values ($1, $2, $3, $3, $4)', values);
  }
  const api = server.api();
  const project = 'site';
  const { session } = await api.call(sessionOperations.start, { project, agent: 'claude', machine: 'other' });
  const { session: app } = await api.call(sessionOperations.start, { project: 'app', agent: 'claude', machine: 'other' });
  const site = {
    note: (await api.call(noteOperations.create, { title: 't', content: 'c', project, ...WORD })).id,
    document: (await api.call(documentOperations.put, { name: 'b.md', content: 'c', project })).id,
    duty: (await api.call(cadenceOperations.add, { title: 't', intervalDays: 1, project })).id,
    handoff: (await api.call(handoffOperations.write, { session: app.id, status: 'done', summary: 's', to: 'site' })).handoff.id,
    session: session.id,
  };
  return { server, site, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

type Call = (tool: string, args: Record<string, unknown>) => ReturnType<TestClient['call']>;

async function holds({ server, site }: { server: TestServer; site: Site }, call: Call, rows: readonly Row[] = REFUSED): Promise<void> {
  const count = () =>
    server.db.owner(`select (select count(*) from note_version)::int as notes, (select count(*) from document_version)::int as docs,
      (select count(*) from session)::int as sessions, (select count(*) from handoff where queue = 'open')::int as waiting, (select count(*) from duty_done)::int as done`);
  const before = await count();
  for (const { tool, args } of rows) {
    const { isError, text } = await call(tool, args(site));
    assert.equal(isError, true, `${tool} ${JSON.stringify(args(site))}: ${text}`);
    assert.match(text, /site (?:is|are) out of bounds here: the active project is app\b[^]*a handoff to it waits in its queue .*to site/, tool);
  }
  assert.deepEqual(await count(), before);
  for (const { tool, args } of FREE) {
    const { isError, text } = await call(tool, args(site));
    assert.equal(isError, false, `${tool}: ${text}`);
  }
}

const open = (server: TestServer, over: Partial<ClientOptions> = {}): ClientOptions => ({
  url: server.url,
  key: server.ownerKey,
  toolset: 'context',
  ...over,
});

test('from a session of one project no tool reaches into another, and its resources neither [POL-4]', async () => {
  await using at = await world();
  await using client = await oldClient(open(at.server));
  assert.equal((await client.call('session_start', PLACE)).isError, false);
  // a tool that acts for a session that is named acts from that one: those are the next test's
  const rows = REFUSED.filter(({ args }) => args(at.site)['session'] === undefined);
  await holds(at, (tool, args) => client.call(tool, args), rows);
  await assert.rejects(client.read(`windlass://documents/${at.site.document}`), /out of bounds/);
  assert.equal((await client.call('doc', { action: 'write', name: 'a.md', content: 'c', project: 'app' })).isError, false);
  assert.equal((await client.call('note', { title: 't', content: 'c', ...WORD })).isError, false, 'what a person wants kept org-wide is kept');
  assert.match((await client.call('session_start', { ...PLACE, repository: SITE })).text, /created in `site`/, 'another session may be there');
});

test('from a session that is named, without any state of the connection, the same [POL-4]', async () => {
  await using at = await world();
  await using client = await newClient(open(at.server));
  const started = await client.call('session_start', PLACE);
  const { id } = started.structured['session'] as { id: string };
  const rows = REFUSED.filter(({ args }) => args(at.site)['session'] === undefined);
  await holds(at, (tool, args) => client.call(tool, { session: id, ...args }), rows);
});

test('what was launched on a project cannot begin in another, act for its sessions, nor reach there without a session [POL-4]', async () => {
  await using at = await world();
  await using client = await newClient(open(at.server, { project: 'app' }));
  await holds(at, (tool, args) => client.call(tool, args));
  assert.match((await client.call('session_start', { ...PLACE, repository: SITE })).text, /out of bounds/);
  assert.equal((await client.call('session_start', PLACE)).isError, false);
});

test('nobody acts from the session of somebody else [POL-4]', async () => {
  await using at = await world();
  const member = await at.server.key({ role: 'member', scopes: ['read', 'context'] });
  await using client = await newClient(open(at.server, { key: member.secret }));
  const { isError, text } = await client.call('note', { title: 't', content: 'c', project: 'site', session: at.site.session, ...WORD });
  assert.deepEqual([isError, /You may not act for this session/.test(text)], [true, true], text);
});
