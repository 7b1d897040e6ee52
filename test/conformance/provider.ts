/**
 * What every provider must do behind the port to models, whatever it speaks. Run for each protocol in `provider.test.ts`
 * against a fake of it on loopback, through the provider's real package.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { NO_USAGE, type Message } from '../../src/kernel/messages.ts';
import type { ModelLimits } from '../../src/runtime/models/limits.ts';
import type { ModelFailure, ModelOutcome, ModelReply, ModelRequest, Models } from '../../src/runtime/models/model.ts';
import { createModels } from '../../src/runtime/models/models.ts';
import { REPORTED, type Protocol } from '../support/provider-protocols.ts';
import { startProviderServer, type Behaviour, type ProviderServer } from '../support/provider-server.ts';

const KEY = 'sk-secret-0123456789';
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
const TOOL = { name: 'git_log', description: 'Commits', inputSchema: { type: 'object', properties: { limit: { type: 'integer' } } } };
const IMAGE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
const user = (text: string): Message => ({ role: 'user', content: [{ type: 'text', text }] });

type Fixture = AsyncDisposable & {
  server: ProviderServer;
  models: Models;
  ask(more?: Partial<ModelRequest>, options?: AskOptions): Promise<ModelOutcome>;
};
type AskOptions = { timeoutMs?: number; signal?: AbortSignal; onDelta?: (text: string) => void };

async function open(protocol: Protocol, limits: Partial<ModelLimits> = {}): Promise<Fixture> {
  const server = await startProviderServer();
  const models = createModels({
    clock: systemClock,
    fetch: globalThis.fetch,
    credential: (name) => (name === 'TEST_KEY' ? KEY : undefined),
    generateId: () => 'made_1',
    providers: { [protocol.name]: protocol.settings(server.url) },
    rehearsal: { folders: [] },
    limits,
  });
  const request: ModelRequest = {
    model: `${protocol.name}/${protocol.model}`,
    instructions: 'You are terse.',
    messages: [user('Hello')],
    tools: [],
    maxOutputTokens: 77,
    outputSchema: null,
    temperature: null,
    turn: 1,
  };
  return {
    server,
    models,
    ask: (more, options) => models.call({ ...request, ...more }, { signal: new AbortController().signal, timeoutMs: 20_000, ...options }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export function replyOf(outcome: ModelOutcome): ModelReply {
  assert.ok(outcome.ok, outcome.ok ? '' : `${outcome.failure.kind}: ${outcome.failure.message}`);
  return outcome.reply;
}

export function failureOf(outcome: ModelOutcome): ModelFailure {
  assert.ok(!outcome.ok, 'the call was expected to fail');
  assert.ok(!outcome.failure.message.includes(KEY), 'a failure never shows the key');
  return outcome.failure;
}

const withoutMeta = (reply: ModelReply): unknown[] => reply.content.map(({ ...part }) => ('meta' in part ? (delete part.meta, part) : part));

export function testProvider(protocol: Protocol): void {
  const title = (text: string): string => `${protocol.name}: ${text}`;
  testAnswers(protocol, title);
  testToolsAndSchemas(protocol, title);
  testRefusals(protocol, title);
  testBrokenAnswers(protocol, title);
  testTime(protocol, title);
}

type Titled = (text: string) => string;

function testAnswers(protocol: Protocol, title: Titled): void {
  test(title('an answer streams as text and counts tokens, cached ones apart [GTW-1, GTW-4]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: protocol.events({ text: 'Good morning to you' }) });
    const deltas: string[] = [];
    const reply = replyOf(await fixture.ask({}, { onDelta: (text) => deltas.push(text) }));
    assert.deepEqual(withoutMeta(reply), [{ type: 'text', text: 'Good morning to you' }]);
    assert.ok(deltas.length > 1);
    assert.equal(deltas.join(''), 'Good morning to you');
    assert.deepEqual([reply.finish, reply.rehearsed], ['stop', false]);
    const { inputTokens, cachedInputTokens, outputTokens, estimated } = reply.usage;
    assert.deepEqual(
      { inputTokens, cachedInputTokens, outputTokens, estimated },
      {
        inputTokens: REPORTED.input,
        cachedInputTokens: REPORTED.cached,
        outputTokens: REPORTED.output,
        estimated: false,
      },
    );
  });

  test(title('the request carries instructions, key and the limit on output [GTW-1]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: protocol.events({ text: 'Hi' }) });
    replyOf(await fixture.ask());
    const [recorded] = fixture.server.requests;
    assert.ok(recorded !== undefined);
    const seen = protocol.read(recorded);
    assert.match(seen.system, /You are terse\./);
    assert.ok(seen.key.endsWith(KEY));
    assert.equal(seen.maxTokens, 77);
    assert.equal(fixture.server.requests.length, 1);
  });

  test(title('an image reaches the model [GTW-8]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: protocol.events({ text: 'A dot' }) });
    const content = [
      { type: 'text' as const, text: 'What is it?' },
      { type: 'image' as const, mediaType: 'image/png', base64: IMAGE },
    ];
    replyOf(await fixture.ask({ messages: [{ role: 'user', content }] }));
    const [recorded] = fixture.server.requests;
    assert.ok(recorded !== undefined && protocol.read(recorded).image.includes(IMAGE));
  });
}

function testToolsAndSchemas(protocol: Protocol, title: Titled): void {
  test(title('a tool call comes back whole, and its result goes out under the same id [GTW-1]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({
      events: protocol.events({ text: 'I look.', calls: [{ id: 'call_a', name: 'git_log', json: '{"limit":5}' }], finish: 'tool_calls' }),
    });
    fixture.server.next({ events: protocol.events({ text: 'Done' }) });
    const reply = replyOf(await fixture.ask({ tools: [TOOL] }));
    assert.equal(reply.finish, 'tool_calls');
    const [, call] = withoutMeta(reply) as { type: string; callId: string; tool: string; args: unknown }[];
    assert.deepEqual([call?.type, call?.tool, call?.args], ['tool_call', 'git_log', { limit: 5 }]);
    const result = { type: 'tool_result' as const, callId: call?.callId ?? '', tool: 'git_log', text: 'two commits', failed: false };
    const messages: Message[] = [user('Hello'), { role: 'assistant', content: reply.content }, { role: 'tool', content: [result] }];
    replyOf(await fixture.ask({ tools: [TOOL], messages }));
    const [, second] = fixture.server.requests;
    assert.ok(second !== undefined);
    assert.deepEqual(protocol.read(second).tools, ['git_log']);
    assert.deepEqual(protocol.read(second).results, [`${call?.callId}: two commits`]);
  });

  test(title('an output schema is handed to the provider [GTW-8]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: protocol.events({ text: '{"city":"Paris"}' }) });
    const reply = replyOf(await fixture.ask({ outputSchema: SCHEMA }));
    assert.deepEqual(withoutMeta(reply), [{ type: 'text', text: '{"city":"Paris"}' }]);
    const [recorded] = fixture.server.requests;
    assert.ok(recorded !== undefined);
    assert.deepEqual((protocol.read(recorded).schema as { properties: unknown } | undefined)?.properties, SCHEMA.properties);
  });
}

type Refusal = {
  status: number;
  headers?: Record<string, string>;
  message?: string;
  is: Pick<ModelFailure, 'kind' | 'retryable'> & { spent: boolean; retryAfterMs?: number };
};

const REFUSALS: readonly Refusal[] = [
  { status: 400, is: { kind: 'invalid_request', retryable: false, spent: false } },
  { status: 401, message: `The key ${KEY} is wrong`, is: { kind: 'credential', retryable: false, spent: false } },
  { status: 403, is: { kind: 'credential', retryable: false, spent: false } },
  { status: 404, is: { kind: 'invalid_request', retryable: false, spent: false } },
  { status: 413, is: { kind: 'invalid_request', retryable: false, spent: false } },
  { status: 429, headers: { 'retry-after': '7' }, is: { kind: 'rate_limited', retryable: true, spent: false, retryAfterMs: 7_000 } },
  { status: 429, message: 'insufficient_quota: check your billing', is: { kind: 'credential', retryable: false, spent: false } },
  { status: 500, is: { kind: 'overloaded', retryable: true, spent: true } },
  { status: 503, headers: { 'retry-after-ms': '250' }, is: { kind: 'overloaded', retryable: true, spent: false, retryAfterMs: 250 } },
  { status: 504, is: { kind: 'timeout', retryable: true, spent: true } },
  { status: 529, is: { kind: 'overloaded', retryable: true, spent: false } },
];

function testRefusals(protocol: Protocol, title: Titled): void {
  test(title('each refusal is its documented kind, says what was spent and when to come back [HAR-6, HAR-7, R5]'), async () => {
    for (const { status, headers, message = 'No.', is } of REFUSALS) {
      await using fixture = await open(protocol);
      fixture.server.next({ status, body: protocol.error(message), ...(headers === undefined ? {} : { headers }) });
      const { kind, retryable, sent, usage, retryAfterMs } = failureOf(await fixture.ask());
      const spent = usage === null;
      assert.deepEqual({ kind, retryable, sent, spent, retryAfterMs }, { sent: true, retryAfterMs: null, ...is }, `status ${status}`);
      assert.equal(fixture.server.requests.length, 1, 'retries are the run’s');
    }
  });

  test(title('a server that is not there, and a redirect: nothing left, and the key goes nowhere else [HAR-6, R5]'), async () => {
    const fixture = await open(protocol);
    await fixture.server[Symbol.asyncDispose]();
    const gone = failureOf(await fixture.ask());
    assert.deepEqual([gone.kind, gone.sent, gone.retryable, gone.usage], ['unreachable', false, true, NO_USAGE]);
    await using elsewhere = await startProviderServer();
    await using redirecting = await open(protocol);
    redirecting.server.next({ status: 307, body: '', headers: { location: `${elsewhere.url}/v1` } });
    assert.equal(failureOf(await redirecting.ask()).kind, 'unreachable');
    assert.equal(elsewhere.requests.length, 0);
  });

  test(title('an error page of 10 MB is read only in part [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ status: 500, body: 'x'.repeat(10_000_000) });
    const failure = failureOf(await fixture.ask());
    assert.equal(failure.kind, 'overloaded');
    assert.ok(failure.message.length < 1_000);
  });
}

function testBrokenAnswers(protocol: Protocol, title: Titled): void {
  const whole = protocol.events({
    text: 'Let me look at that for you',
    calls: [{ id: 'c', name: 'git_log', json: '{"limit":12345678}' }],
    finish: 'tool_calls',
  });
  const broken: Record<string, Behaviour> = {
    'half an answer, then the end': { events: whole.slice(0, -3) },
    'half an answer, then no connection': { events: whole.slice(0, -3), after: 'drop' },
    'half an event': { events: [whole.join('').slice(0, whole.join('').length / 2 + 3)] },
    'no answer at all': { events: [] },
    'a web page': { status: 200, body: '<html>Sign in to this network</html>', headers: { 'content-type': 'text/html' } },
    'events that are not the protocol': { events: ['data: {"what": "is this"\n\n', 'data: nothing\n\n'] },
  };
  for (const [what, behaviour] of Object.entries(broken)) {
    test(title(`${what} is malformed, retryable, and charged as reserved [HAR-6, R5]`), async () => {
      await using fixture = await open(protocol);
      fixture.server.next(behaviour);
      const { kind, sent, retryable, usage } = failureOf(await fixture.ask({ tools: [TOOL] }));
      assert.deepEqual({ kind, sent, retryable, usage }, { kind: 'malformed', sent: true, retryable: true, usage: null });
    });
  }

  test(title('an error in the middle of an answer is overload, with unknown cost [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: [...protocol.events({ text: 'Well then, here it is' }).slice(0, 3), protocol.errorEvent], after: 'hang' });
    const { kind, usage } = failureOf(await fixture.ask());
    assert.deepEqual([kind, usage], ['overloaded', null]);
  });

  test(title('10 MB of answer ends as malformed, not to be tried again [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol, { answerChars: 1_000_000 });
    const events = protocol.events({ text: 'abcdefg' });
    const long = events.map((event) => event.replace('abcdefg', 'a'.repeat(10_000_000)));
    fixture.server.next({ events: long, after: 'hang' });
    const { kind, retryable, message } = failureOf(await fixture.ask());
    assert.deepEqual([kind, retryable], ['malformed', false]);
    assert.match(message, /more than/);
  });

  test(title('a response beyond the limit in bytes is cut off [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol, { responseBytes: 10_000 });
    fixture.server.next({ events: protocol.events({ text: 'word '.repeat(5_000) }) });
    const { kind, retryable } = failureOf(await fixture.ask());
    assert.deepEqual([kind, retryable], ['malformed', false]);
  });

  test(title('an answer cut at its limit says so [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol);
    fixture.server.next({ events: protocol.events({ text: 'Once upon a', finish: 'length' }) });
    assert.equal(replyOf(await fixture.ask()).finish, 'length');
  });
}

function testTime(protocol: Protocol, title: Titled): void {
  const within5Percent = async (limitMs: number, call: () => Promise<ModelOutcome>): Promise<ModelFailure> => {
    const startMs = performance.now();
    const failure = failureOf(await call());
    const tookMs = performance.now() - startMs;
    // Five in a hundred (R5), and what a busy machine adds by itself.
    assert.ok(tookMs >= limitMs * 0.95 && tookMs <= limitMs * 1.05 + 150, `took ${tookMs} ms of ${limitMs}`);
    return failure;
  };

  test(title('silence, before or within an answer, and a drip end in time [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol, { idleMs: 400 });
    const opening = protocol.events({ text: 'Well then, here it is' }).slice(0, 3);
    fixture.server.next('silent');
    const before = await within5Percent(500, () => fixture.ask({}, { timeoutMs: 500 }));
    assert.deepEqual([before.kind, before.sent, before.usage], ['timeout', true, null]);
    fixture.server.next({ events: opening, after: 'hang' });
    const within = await within5Percent(400, () => fixture.ask({}, { timeoutMs: 20_000 }));
    assert.match(within.message, /in the middle/);
    fixture.server.next({ drip: ': still here\n\n', everyMs: 50 });
    assert.equal((await within5Percent(500, () => fixture.ask({}, { timeoutMs: 500 }))).kind, 'timeout');
  });

  test(title('an abort ends the call at once and the connection with it [HAR-6, R5]'), async () => {
    await using fixture = await open(protocol);
    const controller = new AbortController();
    fixture.server.next({ events: protocol.events({ text: 'Well then, here it is' }).slice(0, 4), after: 'hang' });
    const call = fixture.ask({}, { signal: controller.signal, onDelta: () => controller.abort() });
    const { kind, sent, usage, retryable } = failureOf(await call);
    assert.deepEqual({ kind, sent, usage, retryable }, { kind: 'aborted', sent: true, usage: null, retryable: false });
    const before = failureOf(await fixture.ask({}, { signal: controller.signal }));
    assert.deepEqual([before.kind, before.sent, fixture.server.requests.length], ['aborted', false, 1]);
  });
}
