/** Another protocol out than in, and rehearsals: through translation, metered and marked like every call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, PROTOCOLS, REPORTED } from '../../support/provider-protocols.ts';
import { testGateway } from '../../support/gateway.ts';
import { until } from '../../support/until.ts';

const hello = [{ role: 'user', content: 'Hello' }];
const anthropic = PROTOCOLS.find(({ name }) => name === 'anthropic') ?? assert.fail();
const MESSAGE = { events: anthropic.events({ text: 'Good day.' }) };

test('a Chat Completions client is answered by Anthropic, whole and streamed, and metered [GTW-2, GTW-3]', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next(MESSAGE, { events: anthropic.events({ text: 'Good day, whoever you are.' }) });
  const chat = { model: 'anthropic/claude-sonnet-5-5', max_tokens: 50, messages: hello };
  const whole = await gateway.post('/openai/v1/chat/completions', chat);
  assert.equal(at(await whole.json(), 'choices', 0, 'message', 'content'), 'Good day.');
  assert.deepEqual([whole.status, whole.headers.get('x-windlass-translated')], [200, 'anthropic']);
  assert.equal(at(gateway.upstream.requests[0]?.body, 'max_tokens'), 50);
  const streamed = await gateway.post('/openai/v1/chat/completions', { ...chat, stream: true });
  const text = await streamed.text();
  assert.match(streamed.headers.get('content-type') ?? '', /text\/event-stream/);
  assert.equal([...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1]).join(''), 'Good day, whoever you are.');
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  const outcomes = await until('outcomes', 2_000, () => (gateway.ledger.outcomes().length === 2 ? gateway.ledger.outcomes() : null));
  assert.deepEqual(
    outcomes.map(({ kind, usage }) => [kind, usage?.inputTokens, usage?.outputTokens]),
    [
      ['replied', REPORTED.input, REPORTED.output],
      ['replied', REPORTED.input, REPORTED.output],
    ],
  );
});

test('a lowered output limit is kept to in translation, and a member that means nothing elsewhere is named [GTW-2]', async () => {
  await using gateway = await testGateway();
  gateway.ledger.grantAtMost(20);
  gateway.upstream.next(MESSAGE);
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'anthropic/claude-sonnet-5-5', messages: hello, user: 'u1' });
  await response.text();
  assert.equal(at(gateway.upstream.requests[0]?.body, 'max_tokens'), 20);
  assert.match(response.headers.get('x-windlass-changed') ?? '', /^model, max_completion_tokens=20/);
});

test('a chain falls back over protocols, and a stream that fails first has not begun [GTW-3]', async () => {
  await using gateway = await testGateway({
    aliases: {
      both: {
        models: [{ model: 'openai/gpt-5', weight: 1 }],
        fallbacks: ['anthropic/claude-sonnet-5-5', 'google/gemini-4-argon'],
        cacheSeconds: null,
      },
    },
  });
  const google = PROTOCOLS.find(({ name }) => name === 'google') ?? assert.fail();
  gateway.upstream.next({ status: 503, body: '{}' }, { events: [anthropic.errorEvent] }, { events: google.events({ text: 'At last.' }) });
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'both', stream: true, messages: hello });
  assert.match(await response.text(), /At last|At/);
  assert.equal(response.headers.get('x-windlass-fallback'), 'openai/gpt-5: overloaded; anthropic/claude-sonnet-5-5: overloaded');
  assert.equal(response.headers.get('x-windlass-model'), 'google/gemini-4-argon');
});

test('what cannot be translated is refused by its name, sent to nobody and given back [GTW-2]', async () => {
  await using gateway = await testGateway();
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'anthropic/claude-sonnet-5-5', messages: hello, logprobs: true });
  assert.equal(response.status, 400);
  assert.match(String(at(await response.json(), 'error', 'message')), /logprobs/);
  assert.equal(gateway.upstream.requests.length, 0);
  assert.deepEqual(
    gateway.ledger.outcomes().map(({ kind }) => kind),
    ['not_sent'],
  );
});

test('silence of a provider behind a translation ends the call at its time [GTW-3]', async () => {
  await using gateway = await testGateway({ timeouts: { firstByteMs: 300, idleMs: 300 } });
  gateway.upstream.next('silent');
  const response = await gateway.post('/openai/v1/chat/completions', { model: 'anthropic/claude-sonnet-5-5', stream: true, messages: hello });
  assert.equal(response.status, 504);
  assert.equal((await until('outcome', 2_000, () => gateway.ledger.outcomes()[0])).failure, 'timeout');
});

const SCRIPT = {
  turns: [
    { text: 'I look it up.', calls: [{ tool: 'lookup', args: { word: '{{ user.text }}' } }] },
    { text: 'It means {{ results.lookup.last.text }}.' },
  ],
};

test('a rehearsal answers in every protocol, tool call and all, marked as one and metered as free [GTW-7]', async () => {
  await using gateway = await testGateway({ scripts: new Map([['words', SCRIPT]]) });
  const tools = [{ name: 'lookup', description: 'x', input_schema: { type: 'object', properties: { word: { type: 'string' } } } }];
  const first = await gateway.post('/anthropic/v1/messages', { model: 'rehearsal/words', max_tokens: 100, tools, messages: hello });
  const said: unknown = await first.json();
  assert.deepEqual([first.status, first.headers.get('x-windlass-rehearsed')], [200, 'true'], JSON.stringify(said));
  assert.deepEqual(
    [at(said, 'content', 1, 'type'), at(said, 'content', 1, 'input'), at(said, 'stop_reason')],
    ['tool_use', { word: 'Hello' }, 'tool_use'],
  );
  const result = { type: 'tool_result', tool_use_id: at(said, 'content', 1, 'id'), content: 'a greeting' };
  const messages = [...hello, { role: 'assistant', content: at(said, 'content') }, { role: 'user', content: [result] }];
  const second = await gateway.post('/anthropic/v1/messages', { model: 'rehearsal/words', max_tokens: 100, tools, messages, stream: true });
  assert.match(await second.text(), /It means a greeting\./);
  const google = await gateway.post('/google/v1beta/models/rehearsal%2Fwords:generateContent', {
    contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
  });
  assert.equal(at(await google.json(), 'candidates', 0, 'content', 'parts', 0, 'text'), 'I look it up.');
  for (const { planned } of gateway.ledger.calls) assert.deepEqual([planned.rehearsed, planned.price?.output], [true, 0]);
  const nothing = await gateway.post('/anthropic/v1/messages', { model: 'rehearsal/none', max_tokens: 10, messages: hello });
  assert.equal(nothing.status, 400);
  assert.match(String(at(await nothing.json(), 'error', 'message')), /no rehearsal script "none"/);
});

test('embeddings pass to OpenAI as they are and are translated for Google [GTW-8]', async () => {
  await using gateway = await testGateway();
  const passed = JSON.stringify({ object: 'list', data: [{ embedding: [0.5] }], model: 'm', usage: { prompt_tokens: 3, total_tokens: 3 } });
  gateway.upstream.next({ status: 200, body: passed }, { status: 200, body: JSON.stringify({ embedding: { values: [0.25, 0.5] } }) });
  const own = await gateway.post('/openai/v1/embeddings', { model: 'text-embedding-3-small', input: 'Hello' });
  assert.equal(await own.text(), passed);
  const other = await gateway.post('/openai/v1/embeddings', { model: 'google/gemini-embedding-001', input: 'Hello' });
  assert.deepEqual(at(await other.json(), 'data', 0, 'embedding'), [0.25, 0.5]);
  const outcomes = await until('outcomes', 2_000, () => (gateway.ledger.outcomes().length === 2 ? gateway.ledger.outcomes() : null));
  assert.deepEqual([outcomes[0]?.usage?.inputTokens, outcomes[0]?.usage?.outputTokens, outcomes[1]?.kind], [3, 0, 'replied']);
  assert.deepEqual([gateway.ledger.calls[0]?.planned.protocol, gateway.ledger.calls[0]?.planned.maxOutputTokens], ['openai_embeddings', 0]);
});

test('tokens are counted by the provider where it can be asked, else estimated and said so; models are listed for the key [GTW-8]', async () => {
  await using gateway = await testGateway();
  gateway.upstream.next({ status: 200, body: '{"input_tokens":12}' });
  const body = { model: 'claude-sonnet-5-5', messages: hello };
  const counted = await gateway.post('/anthropic/v1/messages/count_tokens', body);
  assert.deepEqual([await counted.json(), counted.headers.get('x-windlass-estimated')], [{ input_tokens: 12 }, null]);
  const estimated = await gateway.post('/anthropic/v1/messages/count_tokens', { ...body, model: 'openai/gpt-5' });
  assert.equal(estimated.headers.get('x-windlass-estimated'), 'true');
  assert.ok(Number(at(await estimated.json(), 'input_tokens')) > 0);
  assert.equal(gateway.ledger.calls.length, 0);
  const listed: unknown = await (await gateway.get('/openai/v1/models')).json();
  const ids = (at(listed, 'data') as { id: string }[]).map(({ id }) => id);
  assert.ok(
    ['fast', 'smart', 'judge', 'gpt-5', 'anthropic/claude-sonnet-5-5'].every((id) => ids.includes(id)),
    ids.join(' '),
  );
  assert.equal((await gateway.get('/openai/v1/models/gpt-5')).status, 200);
  assert.equal((await gateway.get('/anthropic/v1/models/never')).status, 404);
  assert.equal((await gateway.get('/google/v1beta/models')).status, 200);
});
