import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, integer, property, string, uint8Array } from 'fast-check';
import type { Protocol, Reading } from '../../../../src/surfaces/gateway/translate/protocol.ts';
import { usageReader } from '../../../../src/surfaces/gateway/translate/usage-reader.ts';
import { PROTOCOLS } from '../../../support/provider-protocols.ts';

const NAMES: Readonly<Record<string, Protocol>> = { anthropic: 'anthropic', openai: 'openai_responses', lab: 'openai_chat', google: 'google' };

function readIn(protocol: Protocol, pieces: readonly (string | Uint8Array)[]): Reading {
  const reader = usageReader(protocol);
  for (const piece of pieces) reader.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  return reader.read();
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const text = 'He said "usage": {"input_tokens": 9} \\ 漢字 \n and {"stop_reason":"x"}';
const streams = PROTOCOLS.map((provider) => ({
  protocol: NAMES[provider.name] ?? 'anthropic',
  bytes: Buffer.from(
    provider
      .events({ text, calls: [{ id: 'c1', name: 'look', json: '{"usage":{"total_tokens":7},"a":[1,{"b":"}"}]}' }], finish: 'tool_calls' })
      .join(''),
  ),
}));
const REPORTED = { cachedInputTokens: 100, outputTokens: 30, reasoningTokens: 0, estimated: false, inputTokens: 120 };

for (const { protocol, bytes } of streams) {
  test(`usage of a ${protocol} stream is read as the provider says it, whatever the text says [GTW-2]`, () => {
    const reading = readIn(protocol, [bytes]);
    const { cacheWriteTokens, ...usage } = reading.usage ?? assert.fail('no usage');
    assert.deepEqual(usage, REPORTED);
    assert.equal(cacheWriteTokens, protocol === 'anthropic' ? 5 : 0);
    assert.equal(reading.model, 'm');
    assert.equal(
      reading.finish,
      { anthropic: 'tool_use', openai_chat: 'tool_calls', openai_responses: 'completed', google: 'STOP', openai_embeddings: '' }[protocol],
    );
    assert.ok(reading.final);
    assert.ok(reading.seenOutputTokens >= text.length / 4, String(reading.seenOutputTokens));
    assert.equal(reading.error, null);
  });

  test(`any chunking of a ${protocol} stream gives the same usage [GTW-2]`, () => {
    const whole = readIn(protocol, [bytes]);
    check(
      property(array(integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        assert.deepEqual(readIn(protocol, cut(bytes, sizes)), whole);
      }),
    );
    assert.deepEqual(readIn(protocol, cut(bytes, [1])), whole);
    assert.deepEqual(readIn(protocol, [bytes.toString().replaceAll('\n', '\r\n')]), whole);
  });

  test(`a ${protocol} stream that breaks off has what was seen, and is not final [GTW-2]`, () => {
    const reading = readIn(protocol, [bytes.subarray(0, Math.floor(bytes.length * 0.6))]);
    assert.equal(reading.final, false);
    assert.ok(reading.seenOutputTokens > 0);
  });

  test(`garbage in place of ${protocol} reads as nothing, and never throws`, () => {
    check(
      property(uint8Array({ maxLength: 400 }), string({ maxLength: 300, unit: 'binary' }), (bytes, text) => {
        readIn(protocol, [bytes, text]);
        readIn(protocol, [`data: ${text}\n\n`, `data:{${text}`, bytes]);
        readIn(protocol, ['{', text, bytes, '}']);
      }),
    );
    assert.equal(readIn(protocol, [`data: ${'['.repeat(100_000)}`]).usage, null);
    assert.equal(readIn(protocol, [`data: ${'{"usage":'.repeat(50_000)}`]).usage, null);
  });
}

const BODIES: readonly { protocol: Protocol; body: unknown; reading: Partial<Reading> }[] = [
  {
    protocol: 'anthropic',
    body: {
      id: 'msg_1',
      model: 'claude',
      content: [
        { type: 'tool_use', input: { usage: { input_tokens: 1_000_000 }, stop_reason: 'no' } },
        { type: 'text', text: 'One " and a \\' },
      ],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 5,
        output_tokens: 6,
        output_tokens_details: { thinking_tokens: 2 },
      },
    },
    reading: {
      usage: { inputTokens: 12, cachedInputTokens: 4, cacheWriteTokens: 5, outputTokens: 6, reasoningTokens: 2, estimated: false },
      model: 'claude',
      finish: 'end_turn',
      final: true,
    },
  },
  {
    protocol: 'openai_chat',
    body: {
      choices: [{ message: { content: 'Hi', tool_calls: [{ function: { arguments: '{"usage":1}' } }] }, finish_reason: 'tool_calls' }],
      model: 'gpt',
      usage: {
        prompt_tokens: 9,
        completion_tokens: 8,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    },
    reading: {
      usage: { inputTokens: 9, cachedInputTokens: 4, cacheWriteTokens: 1, outputTokens: 8, reasoningTokens: 3, estimated: false },
      finish: 'tool_calls',
    },
  },
  {
    protocol: 'openai_responses',
    body: {
      status: 'incomplete',
      model: 'gpt',
      output: [],
      usage: { input_tokens: 9, output_tokens: 8, output_tokens_details: { reasoning_tokens: 3 } },
    },
    reading: { finish: 'incomplete', final: true },
  },
  {
    protocol: 'google',
    body: [
      { candidates: [{ content: { parts: [{ text: 'a' }] } }], usageMetadata: { promptTokenCount: 4 } },
      {
        candidates: [{ finishReason: 'MAX_TOKENS' }],
        usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 5, thoughtsTokenCount: 6, cachedContentTokenCount: 2 },
        modelVersion: 'g',
      },
    ],
    reading: {
      usage: { inputTokens: 4, cachedInputTokens: 2, cacheWriteTokens: 0, outputTokens: 11, reasoningTokens: 6, estimated: false },
      finish: 'MAX_TOKENS',
      model: 'g',
    },
  },
  {
    protocol: 'openai_embeddings',
    body: { data: [{ embedding: [0.1, 0.2] }], model: 'e', usage: { prompt_tokens: 7, total_tokens: 7 } },
    reading: { final: true, model: 'e' },
  },
  {
    protocol: 'anthropic',
    body: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    reading: { error: { type: 'overloaded_error', message: 'Overloaded' }, usage: null },
  },
  {
    protocol: 'google',
    body: { error: { code: 429, message: 'Slow', status: 'RESOURCE_EXHAUSTED' } },
    reading: { error: { type: 'RESOURCE_EXHAUSTED', message: 'Slow' } },
  },
];

for (const [index, { protocol, body, reading }] of BODIES.entries()) {
  test(`usage of a whole ${protocol} body, ${index}: plain, indented and in pieces [GTW-2]`, () => {
    for (const text of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
      const found = readIn(protocol, [text]);
      for (const [name, value] of Object.entries(reading)) assert.deepEqual(found[name as keyof Reading], value, name);
      assert.deepEqual(readIn(protocol, cut(Buffer.from(text), [1, 3, 7])), found);
    }
  });
}

test('a text that looks like the end of the body and a usage of its own stays a text [GTW-2]', () => {
  const evil = 'x"}],"usage":{"input_tokens":999,"output_tokens":999},"stop_reason":"evil","b":[{"c":"\\';
  const body = { usage: { input_tokens: 1, output_tokens: 2 }, stop_reason: 'end_turn', content: [{ type: 'text', text: evil }], model: 'm' };
  for (const text of [JSON.stringify(body), `data: ${JSON.stringify(body)}\n\n`]) {
    const { usage, finish, model } = readIn('anthropic', cut(Buffer.from(text), [5, 2]));
    assert.deepEqual([usage?.inputTokens, usage?.outputTokens, finish, model], [1, 2, 'end_turn', 'm']);
  }
});

test('errors inside a stream are read in each form they come in [GTW-2]', () => {
  for (const provider of PROTOCOLS) {
    const { error } = readIn(NAMES[provider.name] ?? 'anthropic', [provider.errorEvent]);
    assert.equal(error?.message, 'Overloaded', provider.name);
  }
  const flat = readIn('openai_responses', ['event: error\ndata: {"type":"error","code":"server_error","message":"Down","param":null}\n\n']);
  assert.deepEqual(flat.error, { type: 'server_error', message: 'Down' });
});

test('a body of any size is read in bounded memory [GTW-2]', () => {
  const reader = usageReader('openai_responses');
  const piece = Buffer.from(`${'x'.repeat(65_535)}\n`);
  reader.push(Buffer.from('data: {"type":"response.completed","response":{"output":[{"text":"'));
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (let count = 0; count < 1_000; count += 1) reader.push(piece.subarray(0, 65_535));
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  reader.push(Buffer.from('"}],"status":"completed","usage":{"input_tokens":1,"output_tokens":2}}}\n\n'));
  assert.equal(reader.read().usage?.outputTokens, 2);
  assert.ok(grown < 20_000_000, `${grown} bytes more`);
});

test('long texts full of quotes and escapes are jumped over to the byte, however the body is cut [GTW-2]', () => {
  const piece = constantFrom('x'.repeat(63), 'y'.repeat(64), 'z'.repeat(200), '"', '\\', '\n', '\\"', '{"usage":{"prompt_tokens":9}}');
  const texts = array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
  check(
    property(texts, texts, array(integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 20 }), (before, content, cuts) => {
      const choices = [{ message: { content }, finish_reason: 'stop' }];
      const body = Buffer.from(JSON.stringify({ before, choices, usage: { prompt_tokens: 7, completion_tokens: 3 } }));
      const { usage, final } = readIn('openai_chat', cut(body, cuts));
      assert.deepEqual([usage?.inputTokens, usage?.outputTokens, final], [7, 3, true]);
    }),
  );
});
