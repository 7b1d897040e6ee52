/** The MCP surface by real clients of both eras against the real server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { approvalOperations } from '../../../src/platform/approvals/contract.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import type { ClientOptions, FormAnswer, TestClient } from '../../support/mcp.ts';
import { newClient, oldClient } from '../../support/mcp.ts';
import type { TestServer } from '../../support/server.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const REHEARSALS = {
  hello: 'turns:\n  - text: Hello from the script.\n',
  asker:
    'turns:\n  - calls:\n      - tool: ask_human\n        args: { question: "Which colour?" }\n  - text: "It is {{ results.ask_human.last.text }}."\n',
};

const CLIENTS: readonly { version: string; connect: (options: ClientOptions) => Promise<TestClient> }[] = [
  { version: '2026-07-28', connect: newClient },
  { version: '2025-11-25', connect: (options) => oldClient(options) },
  { version: '2025-06-18', connect: (options) => oldClient(options, '2025-06-18') },
];

async function mcpServer(): Promise<TestServer> {
  const server = await testServer({ rehearsals: REHEARSALS });
  for (const name of ['hello', 'asker']) {
    await server.api().call(agentOperations.create, { name, instructions: 'Follow the script.', model: `rehearsal/${name}`, tools: ['ask_human'] });
  }
  return server;
}

/** Watches from cursor to cursor until `enough` of an answer's structured content. */
async function follow(client: TestClient, id: string, enough: (seen: Record<string, unknown>) => boolean): Promise<string> {
  let after: unknown = 0;
  let told = '';
  return until(`news of ${id}`, 15_000, async () => {
    const seen = await client.call('run_watch', { id, after, waitSeconds: 5 });
    assert.equal(seen.isError, false, seen.text);
    told += seen.text;
    after = seen.structured['cursor'];
    return enough(seen.structured) ? told : null;
  });
}

for (const { version, connect } of CLIENTS) {
  test(`a client of ${version} makes an agent, starts a run and follows it to its end [MCP-1, MCP-2]`, async () => {
    await using server = await mcpServer();
    await using client = await connect({ url: server.url, key: server.ownerKey });
    assert.equal(client.version, version);
    const made = await client.call('agent_create', { name: 'greeter', instructions: 'Greet.', model: 'rehearsal/hello' });
    assert.equal(made.isError, false, made.text);
    const started = await client.call('run_start', { agent: 'greeter', input: 'Say hello.' });
    const id = String(started.structured['id']);
    assert.match(started.text, /run_watch/);
    const told = await follow(client, id, (seen) => seen['ended'] === true);
    assert.match(told, /Hello from the script\./);
    assert.match((await client.call('run_show', { id })).text, /greeter: succeeded \(rehearsed\)[^]*Hello from the script\./);
    assert.match(await client.read(`windlass://runs/${id}`), /Hello from the script\./);
    assert.ok((await client.resources()).includes(`windlass://runs/${id}`));
    assert.match(await client.prompt('explain_run', { run: id }), /Hello from the script\.[^]*Explain this run/);
    assert.deepEqual(await client.complete('start_agent', { name: 'agent', value: 'gre' }), ['greeter']);
  });
}

for (const { version, connect } of CLIENTS) {
  test(`a person at a client of ${version} answers a run by a form that shows the hash [APR-1, APR-2, MCP-2]`, async () => {
    await using server = await mcpServer();
    const { id } = await server.api(server.localKey).call(agentOperations.run, { name: 'asker' });
    const asked = await askedBy(server, id);
    const forms: string[] = [];
    const person = ({ message }: { message: string }): FormAnswer => {
      forms.push(message);
      return { action: 'accept', content: { answer: 'answer', text: 'Blue' } };
    };
    await using client = await connect({ url: server.url, key: server.ownerKey, person });
    const answered = await client.call('run_answer', { id: asked.id });
    assert.equal(answered.isError, false, answered.text);
    assert.equal(forms.length, 1);
    assert.ok(forms[0]?.includes(asked.hash) && forms[0].includes('Which colour?'));
    assert.match(await follow(client, id, (seen) => seen['ended'] === true), /It is .*Blue/);
  });

  test(`a form declined at a client of ${version} answers nothing and is not put again [APR-1]`, async () => {
    await using server = await mcpServer();
    const { id } = await server.api(server.localKey).call(agentOperations.run, { name: 'asker' });
    const asked = await askedBy(server, id);
    let forms = 0;
    const person = (): FormAnswer => {
      forms += 1;
      return { action: 'decline' };
    };
    await using client = await connect({ url: server.url, key: server.ownerKey, person });
    const answered = await client.call('run_answer', { id: asked.id, answer: 'answer', hash: asked.hash, text: 'Blue' });
    assert.deepEqual([answered.isError, forms], [true, 1]);
    assert.equal((await askedBy(server, id)).state, 'open');
  });
}

test('a client without forms shows the question first, and answers only with its hash [APR-1]', async () => {
  await using server = await mcpServer();
  const { id } = await server.api(server.localKey).call(agentOperations.run, { name: 'asker' });
  const asked = await askedBy(server, id);
  await using client = await newClient({ url: server.url, key: server.ownerKey });
  const shown = await client.call('run_answer', { id: asked.id });
  assert.ok(shown.text.includes(asked.hash) && shown.text.includes('Which colour?'));
  assert.match((await client.call('run_answer', { id: asked.id, answer: 'answer', text: 'Blue' })).text, /needs the hash/);
  assert.equal((await client.call('run_answer', { id: asked.id, answer: 'answer', hash: 'f'.repeat(64), text: 'Blue' })).isError, true);
  const done = await client.call('run_answer', { id: asked.id, answer: 'answer', hash: asked.hash, text: 'Blue' });
  assert.equal(done.isError, false, done.text);
});

test('the key that started a run over MCP, and a key that is no person’s, do not answer it [APR-1]', async () => {
  await using server = await mcpServer();
  await using owner = await newClient({ url: server.url, key: server.ownerKey });
  const started = await owner.call('run_start', { agent: 'asker', input: {} });
  const asked = await askedBy(server, String(started.structured['id']));
  const service = await server.key({ role: 'operator', kind: 'service' });
  await using program = await newClient({ url: server.url, key: service.secret });
  for (const client of [owner, program]) {
    const answered = await client.call('run_answer', { id: asked.id, answer: 'answer', hash: asked.hash, text: 'Blue' });
    assert.equal(answered.isError, true, answered.text);
  }
  assert.equal((await askedBy(server, asked.run)).state, 'open');
});

test('a run is steered, paused, and cancelled [MCP-1]', async () => {
  await using server = await mcpServer();
  await using client = await newClient({ url: server.url, key: server.localKey });
  const id = String((await client.call('run_start', { agent: 'asker' })).structured['id']);
  await askedBy(server, id);
  assert.equal((await client.call('run_steer', { id, action: 'note', text: 'Take your time.' })).isError, false);
  assert.match((await client.call('status')).text, /1 of 1 live runs[^]*1 of 1 questions to people/);
  assert.equal((await client.call('run_cancel', { id })).isError, false);
  assert.match(await follow(client, id, (seen) => seen['ended'] === true), /cancelled/);
});

async function askedBy(server: TestServer, run: string) {
  return until('the question', 10_000, async () => (await server.api().call(approvalOperations.list, { run })).items[0]);
}

test('run_watch tells a client that gave a token what goes on while it waits [MCP-2]', async () => {
  await using server = await mcpServer();
  const { id } = await server.api().call(agentOperations.run, { name: 'hello' });
  for (const { connect } of CLIENTS) {
    await using client = await connect({ url: server.url, key: server.ownerKey });
    const watched = await client.call('run_watch', { id });
    assert.equal(watched.structured['ended'], true);
    // the SDK drops progress that is still being handed on when the answer comes, so not the last of it
    assert.ok(watched.progress.includes('run.started'), watched.progress.join());
    const again = await client.call('run_watch', { id, after: watched.structured['cursor'], waitSeconds: 30 });
    assert.match(again.text, /Nothing new/);
  }
  assert.equal((await server.api().call(runOperations.get, { id })).status, 'succeeded');
});
