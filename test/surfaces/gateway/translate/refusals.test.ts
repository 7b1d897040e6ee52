import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, property, string, uint8Array } from 'fast-check';
import type { JsonObject } from '../../../../src/kernel/canonical-json.ts';
import { AppError } from '../../../../src/kernel/errors.ts';
import { parseBody } from '../../../../src/surfaces/gateway/translate/accept.ts';
import { clientError, failureError, writeError } from '../../../../src/surfaces/gateway/translate/errors.ts';
import { fit } from '../../../../src/surfaces/gateway/translate/fit.ts';
import { CHAT_PROTOCOLS, type ChatProtocol, type Target } from '../../../../src/surfaces/gateway/translate/protocol.ts';
import { readRequest, writeResult } from '../../../../src/surfaces/gateway/translate/translate.ts';
import { modelFailure } from '../../../../src/runtime/models/failure.ts';

const PLACE = { model: 'm', stream: false };
const BASE: Readonly<Record<ChatProtocol, JsonObject>> = {
  anthropic: { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
  openai_chat: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
  openai_responses: { model: 'm', input: 'Hi' },
  google: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
};
const TARGETS: readonly Target[] = [
  { kind: 'anthropic', provider: 'anthropic', model: 'claude-sonnet-5-5' },
  { kind: 'openai', provider: 'openai', model: 'gpt-6.1-sol' },
  { kind: 'openai-compatible', provider: 'lab', model: 'qwen' },
  { kind: 'google', provider: 'google', model: 'gemini-4-argon' },
];

function faultsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'invalid_input', String(error));
    return error.faults.map(({ path }) => path);
  }
  return [];
}

/** What each protocol has that no other provider carries out, and the place that the refusal names. */
const REFUSED: readonly [ChatProtocol, JsonObject, string][] = [
  ['openai_chat', { n: 2 }, 'n'],
  ['openai_chat', { logprobs: true }, 'logprobs'],
  ['openai_chat', { top_logprobs: 3 }, 'top_logprobs'],
  ['openai_chat', { logit_bias: { '50256': -100 } }, 'logit_bias.50256'],
  ['openai_chat', { modalities: ['text', 'audio'], audio: { voice: 'x' } }, 'audio'],
  ['openai_chat', { prediction: { type: 'content', content: 'x' } }, 'prediction'],
  ['openai_chat', { web_search_options: {} }, 'web_search_options'],
  ['openai_chat', { functions: [{ name: 'f' }] }, 'functions'],
  ['openai_chat', { store: true }, 'store'],
  ['openai_chat', { service_tier: 'priority' }, 'service_tier'],
  ['openai_chat', { tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools.0.type'],
  [
    'openai_chat',
    { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'x', format: 'wav' } }] }] },
    'messages.0.content.0.type',
  ],
  [
    'openai_chat',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,AAAA', file_id: 'f' } }] }] },
    'messages.0.content.0.file.file_id',
  ],
  ['openai_chat', { messages: [{ role: 'tool', tool_call_id: 'nobody', content: 'x' }] }, 'messages.0.tool_call_id'],
  ['openai_chat', { made_up: 1 }, 'made_up'],
  ['openai_responses', { previous_response_id: 'resp_1' }, 'previous_response_id'],
  ['openai_responses', { conversation: 'conv_1' }, 'conversation'],
  ['openai_responses', { background: true }, 'background'],
  ['openai_responses', { store: true }, 'store'],
  ['openai_responses', { tools: [{ type: 'web_search' }] }, 'tools.0.type'],
  ['openai_responses', { tools: [{ type: 'mcp', server_url: 'https://x' }] }, 'tools.0.type'],
  ['openai_responses', { include: ['file_search_call.results'] }, 'include.0'],
  ['openai_responses', { truncation: 'auto' }, 'truncation'],
  ['openai_responses', { input: [{ type: 'item_reference', id: 'rs_1' }] }, 'input.0.type'],
  ['openai_responses', { input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] }, 'input.0.call_id'],
  ['anthropic', { tools: [{ type: 'web_search_20260209', name: 'web_search', max_uses: 2 }] }, 'tools.0.type'],
  ['anthropic', { mcp_servers: [{ type: 'url', url: 'https://x' }] }, 'mcp_servers'],
  ['anthropic', { container: 'c' }, 'container'],
  ['anthropic', { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } }, 'context_management.edits.0.type'],
  [
    'anthropic',
    { messages: [{ role: 'assistant', content: [{ type: 'server_tool_use', id: 'x', name: 'y', input: {} }] }] },
    'messages.0.content.0.type',
  ],
  [
    'anthropic',
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] },
    'messages.0.content.0.source.file_id',
  ],
  ['google', { cachedContent: 'cachedContents/1' }, 'cachedContent'],
  ['google', { tools: [{ googleSearch: {} }] }, 'tools.0.googleSearch'],
  ['google', { tools: [{ codeExecution: {} }] }, 'tools.0.codeExecution'],
  ['google', { generationConfig: { candidateCount: 2 } }, 'generationConfig.candidateCount'],
  ['google', { generationConfig: { responseLogprobs: true } }, 'generationConfig.responseLogprobs'],
  ['google', { generationConfig: { responseModalities: ['TEXT', 'AUDIO'] } }, 'generationConfig.responseModalities.1'],
  ['google', { generationConfig: { speechConfig: { voice: 'x' } } }, 'generationConfig.speechConfig'],
  ['google', { contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }] }] }, 'contents.0.parts.0.inlineData'],
  ['google', { contents: [{ role: 'user', parts: [{ functionResponse: { name: 'f', response: {} } }] }] }, 'contents.0.parts.0.functionResponse'],
];

for (const [protocol, members, path] of REFUSED) {
  test(`${protocol}: ${JSON.stringify(members).slice(0, 90)} is refused at ${path} [GTW-2]`, () => {
    assert.deepEqual(
      faultsOf(() => readRequest(protocol, { ...BASE[protocol], ...members }, PLACE)).includes(path),
      true,
      faultsOf(() => readRequest(protocol, { ...BASE[protocol], ...members }, PLACE)).join(),
    );
    assert.deepEqual(
      faultsOf(() => readRequest(protocol, BASE[protocol], PLACE)),
      [],
    );
  });
}

test('members of the wrong type are named where they stand', () => {
  const wrong: readonly [ChatProtocol, JsonObject, string][] = [
    ['anthropic', { messages: 'Hi' }, 'messages'],
    ['anthropic', { messages: [{ role: 'user', content: [{ type: 'text', text: 7 }] }] }, 'messages.0.content.0.text'],
    ['anthropic', { max_tokens: '10' }, 'max_tokens'],
    ['anthropic', { temperature: 3 }, 'temperature'],
    ['anthropic', { tools: [{ name: 'x', input_schema: 'object' }] }, 'tools.0.input_schema'],
    ['openai_chat', { messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    [
      'openai_chat',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
      'messages.0.content.0.image_url.url',
    ],
    [
      'openai_chat',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,!!' } }] }] },
      'messages.0.content.0.image_url.url',
    ],
    ['openai_responses', { input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'input.0.content.0.text'],
    ['google', { contents: [{ role: 'user', parts: [{ text: {} }] }] }, 'contents.0.parts.0.text'],
    ['google', { generationConfig: { maxOutputTokens: 1.5 } }, 'generationConfig.maxOutputTokens'],
  ];
  for (const [protocol, members, path] of wrong)
    assert.deepEqual(
      faultsOf(() => readRequest(protocol, { ...BASE[protocol], ...members }, PLACE)),
      [path],
      JSON.stringify(members),
    );
});

test('a body that no provider would take is refused by its place: NUL, half a character, depth, no JSON', () => {
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
  const cases: readonly [string, RegExp][] = [
    ['', /no JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['{"messages":[{"content":"a\\u0000b"}]}', /messages\.0\.content: holds the character NUL/],
    ['{"messages":[{"content":"\\ud800"}]}', /messages\.0\.content: holds half a character/],
    ['{"\\udfff":1}', /is no name/],
    [deep, /nested more than 200 deep/],
    ['['.repeat(2_000_000), /no JSON/],
  ];
  for (const [body, message] of cases) assert.throws(() => parseBody(Buffer.from(body)), message, body.slice(0, 40));
  assert.throws(() => parseBody(Uint8Array.of(0x7b, 0xff, 0x7d)), /no JSON in UTF-8/);
  assert.deepEqual(parseBody(Buffer.from('{"a":"\\ud83d\\ude00 漢"}')), { a: '😀 漢' });
});

test('whatever comes, reading answers a request or the client’s own 400, never an internal fault', () => {
  check(
    property(uint8Array({ maxLength: 200 }), string({ unit: 'binary', maxLength: 50 }), (bytes, text) => {
      assert.ok(faultsOf(() => parseBody(bytes)) !== undefined);
      for (const protocol of CHAT_PROTOCOLS) {
        for (const name of Object.keys(BASE[protocol])) {
          for (const value of [
            text,
            [text],
            { [text]: text },
            null,
            7,
            [null],
            [[]],
            [{ role: 'user' }],
            [{ role: text, content: [{ type: text }], parts: [{}] }],
          ]) {
            const body = { ...BASE[protocol], [name]: value };
            faultsOf(() => readRequest(protocol, body, PLACE));
          }
        }
      }
    }),
    { numRuns: 30 },
  );
});

/** What one provider cannot do and another can: refused by the client's name for it. */
const UNFIT: readonly [ChatProtocol, JsonObject, Target['kind'], string][] = [
  ['anthropic', { stop_sequences: ['x'] }, 'openai', 'stop_sequences'],
  ['openai_chat', { seed: 7 }, 'anthropic', 'seed'],
  ['openai_chat', { temperature: 1.5 }, 'anthropic', 'temperature'],
  ['openai_chat', { frequency_penalty: 0.5 }, 'anthropic', 'frequency_penalty'],
  ['openai_chat', { response_format: { type: 'json_object' } }, 'anthropic', 'response_format'],
  ['google', { generationConfig: { presencePenalty: 1 } }, 'openai', 'generationConfig.presencePenalty'],
];
for (const [protocol, members, kind, path] of UNFIT) {
  test(`${protocol} to ${kind}: ${path} is refused by the client's name for it [GTW-2]`, () => {
    const request = readRequest(protocol, { ...BASE[protocol], ...members }, PLACE);
    const target = TARGETS.find((one) => one.kind === kind);
    assert.ok(target !== undefined);
    assert.deepEqual(
      faultsOf(() => fit(request, target)),
      [path],
    );
    const others = TARGETS.filter((one) => faultsOf(() => fit(request, one)).length === 0);
    assert.ok(others.length > 0, 'some provider can');
  });
}

test('settings that say nothing are no reason to refuse, and hints are told as ignored [GTW-2]', () => {
  const chat = readRequest(
    'openai_chat',
    {
      ...BASE.openai_chat,
      n: 1,
      logprobs: false,
      frequency_penalty: 0,
      logit_bias: {},
      temperature: 1,
      user: 'u',
      store: false,
      tools: [],
      stop: null,
      metadata: { a: 'b' },
    },
    PLACE,
  );
  for (const target of TARGETS) assert.deepEqual(fit(chat, target).ignored.toSorted(), ['metadata', 'user']);
  const claude = readRequest(
    'anthropic',
    { ...BASE.anthropic, metadata: { user_id: 'u' }, temperature: 1, thinking: { type: 'enabled', budget_tokens: 2_048 } },
    PLACE,
  );
  for (const target of TARGETS) assert.deepEqual(fit(claude, target).ignored, ['metadata']);
});

test('errors have each protocol’s own type and status [GTW-11]', () => {
  const types = (status: number): unknown[] =>
    (['anthropic', 'openai_chat', 'google'] as const).map((protocol) => {
      const written = writeError(protocol, { status, message: 'Why.', retryAfterMs: 1_500 });
      const { error } = JSON.parse(written.body) as { error: { type?: string; status?: string; message: string; code: unknown } };
      assert.equal(error.message, 'Why.');
      assert.equal(written.headers['retry-after'], '2');
      return [written.status, error.type ?? error.status];
    });
  assert.deepEqual(types(400), [
    [400, 'invalid_request_error'],
    [400, 'invalid_request_error'],
    [400, 'INVALID_ARGUMENT'],
  ]);
  assert.deepEqual(types(402), [
    [402, 'billing_error'],
    [402, 'insufficient_quota'],
    [402, 'FAILED_PRECONDITION'],
  ]);
  assert.deepEqual(types(413), [
    [413, 'request_too_large'],
    [413, 'invalid_request_error'],
    [413, 'INVALID_ARGUMENT'],
  ]);
  assert.deepEqual(types(429), [
    [429, 'rate_limit_error'],
    [429, 'rate_limit_exceeded'],
    [429, 'RESOURCE_EXHAUSTED'],
  ]);
  assert.deepEqual(types(529), [
    [529, 'overloaded_error'],
    [503, 'server_error'],
    [503, 'UNAVAILABLE'],
  ]);
  assert.deepEqual(
    types(418).map((one) => (one as unknown[])[0]),
    [400, 400, 400],
  );
});

test('an internal fault shows nothing of itself; a budget says its words; a provider’s key is not the client’s', () => {
  assert.deepEqual(clientError(new TypeError('secret path /x')), {
    status: 500,
    message: 'An internal fault.',
    code: null,
    param: null,
    retryAfterMs: null,
  });
  const budget = clientError(
    new AppError('budget_exhausted', 'The budget "day" has 0 of 5 USD left; it resets at 00:00 UTC.', { next: 'Ask for more: windlass budget ask.' }),
  );
  assert.deepEqual([budget.status, budget.code], [402, 'budget_exhausted']);
  assert.match(budget.message, /resets at 00:00 UTC\. Ask for more/);
  assert.equal(failureError(modelFailure('credential', 'No key.', { sent: true })).status, 502);
  assert.equal(failureError(modelFailure('rate_limited', 'Slow.', { sent: true, retryAfterMs: 900 })).retryAfterMs, 900);
});

test('how to pick words is left out, and told, where a provider has no setting for it; a later system message is the user’s at Gemini [GTW-2]', () => {
  const request = readRequest(
    'anthropic',
    {
      ...BASE.anthropic,
      top_k: 5,
      temperature: 0.2,
      messages: [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'b' },
      ],
    },
    PLACE,
  );
  const [anthropic, openai, lab, google] = TARGETS.map((target) => fit(request, target));
  assert.deepEqual([anthropic?.ignored, openai?.ignored, lab?.ignored], [[], ['top_k', 'temperature'], ['top_k']]);
  assert.deepEqual([openai?.options.topK, openai?.options.temperature, lab?.options.temperature], [undefined, undefined, 0.2]);
  assert.deepEqual(google?.ignored, ['system messages after the first of the user']);
  assert.deepEqual(
    google?.options.prompt.map(({ role }) => role),
    ['user', 'user'],
  );
});

test('namespaces of tools keep apart what they name, there and back [GTW-2]', () => {
  const inner = { type: 'function', name: 'spawn', parameters: { type: 'object' } };
  const tools = [inner, { type: 'namespace', name: 'agents', description: 'd', tools: [inner] }];
  const call = { type: 'function_call', call_id: 'c1', namespace: 'agents', name: 'spawn', arguments: '{}' };
  const request = readRequest(
    'openai_responses',
    { model: 'm', tools, input: [{ role: 'user', content: 'x' }, call, { type: 'function_call_output', call_id: 'c1', output: 'y' }] },
    PLACE,
  );
  assert.deepEqual(
    request.options.tools?.map(({ name }) => name),
    ['spawn', 'agents__spawn'],
  );
  const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };
  const content = ['spawn', 'agents__spawn'].map((toolName) => ({ type: 'tool-call', toolCallId: toolName, toolName, input: '{}' }) as const);
  const answer = writeResult(
    { request, id: 'x', model: 'm', nowMs: 0 },
    { content: [...content], finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] },
  );
  assert.deepEqual(
    (answer['output'] as { name: string; namespace?: string }[]).map(({ name, namespace }) => [name, namespace]),
    [
      ['spawn', undefined],
      ['spawn', 'agents'],
    ],
  );
});
