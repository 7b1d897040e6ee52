import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { estimateTokens } from '../../../../src/runtime/models/tokens.ts';
import { IMAGE_TOKENS_MAX, inputTokensUpperBound } from '../../../../src/surfaces/gateway/translate/input-bound.ts';
import type { Protocol } from '../../../../src/surfaces/gateway/translate/protocol.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const bound = (protocol: Protocol, body: unknown): number | null => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const read = inputTokensUpperBound(protocol, bytes);
  if (typeof body !== 'string') assert.deepEqual(inputTokensUpperBound(protocol, bytes, body), read, 'a body that was parsed is bound alike');
  assert.ok(read === null || read.usual <= read.hard);
  return read?.hard ?? null;
};
const PICTURE = 'A'.repeat(400_000);

test('text is bound by its bytes, which no tokenizer exceeds [BUD-2]', () => {
  const body = { model: 'm', messages: [{ role: 'user', content: '漢字 and words '.repeat(1_000) }] };
  const read = bound('openai_chat', body) ?? 0;
  assert.ok(read >= Buffer.byteLength(JSON.stringify(body)) && read < Buffer.byteLength(JSON.stringify(body)) + 200);
  assert.ok(read > estimateTokens(JSON.stringify(body)));
});

test('an image counts as an image, however large its data, in every protocol', () => {
  const bodies: [Protocol, unknown][] = [
    ['anthropic', { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PICTURE } }] }] }],
    [
      'anthropic',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'tool_result', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PICTURE } }] }],
          },
        ],
      },
    ],
    ['openai_chat', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PICTURE}` } }] }] }],
    ['openai_responses', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${PICTURE}` }] }] }],
    ['google', { contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: PICTURE } }] }] }],
  ];
  for (const [protocol, body] of bodies) {
    const read = bound(protocol, body) ?? 0;
    assert.ok(read >= IMAGE_TOKENS_MAX && read < IMAGE_TOKENS_MAX + 400, `${protocol}: ${read}`);
  }
});

test('an image at an address counts whole, also when its name is written with escapes', () => {
  for (const name of ['image_url', 'image\\u005furl']) {
    const body = `{"messages":[{"content":[{"type":"image_url","${name}":{"url":"https://x/y.png"}}]}]}`;
    assert.ok((bound('openai_chat', body) ?? 0) > IMAGE_TOKENS_MAX, name);
  }
});

test('what looks like an image where a model reads text is counted as text', () => {
  const fake = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PICTURE } };
  const bodies: [Protocol, unknown][] = [
    ['anthropic', { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'x', name: 'y', input: fake }] }] }],
    ['anthropic', { tools: [{ name: 'x', input_schema: fake }] }],
    ['google', { contents: [{ parts: [{ functionResponse: { name: 'f', response: { inlineData: { mimeType: 'image/png', data: PICTURE } } } }] }] }],
    ['openai_chat', { messages: [{ content: JSON.stringify(fake) }] }],
  ];
  for (const [protocol, body] of bodies) assert.ok((bound(protocol, body) ?? 0) > PICTURE.length, JSON.stringify(body).slice(0, 60));
});

test('what is not in the body cannot be counted', () => {
  const bodies: [Protocol, unknown][] = [
    ['openai_responses', { previous_response_id: 'resp_1', input: 'x' }],
    ['openai_responses', { conversation: 'conv_1', input: 'x' }],
    ['openai_responses', { tools: [{ type: 'web_search' }] }],
    ['openai_responses', '{"previous_response_i\\u0064":"r","input":"x"}'],
    ['anthropic', { messages: [{ content: [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } }] }] }],
    ['anthropic', { messages: [{ content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] }],
    ['anthropic', { mcp_servers: [{ url: 'x' }] }],
    ['anthropic', { tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }] }],
    ['openai_chat', { messages: [{ content: [{ type: 'input_audio', input_audio: { data: 'AAAA' } }] }] }],
    ['google', { cachedContent: 'c' }],
    ['google', { tools: [{ googleSearch: {} }] }],
    ['google', { contents: [{ parts: [{ fileData: { fileUri: 'https://x' } }] }] }],
  ];
  for (const [protocol, body] of bodies) assert.equal(bound(protocol, body), null, JSON.stringify(body));
});

test('tools that the client runs can be counted, with the instructions that come with them', () => {
  const plain = bound('anthropic', { messages: [] }) ?? 0;
  assert.ok((bound('anthropic', { messages: [], tools: [{ type: 'bash_20250124', name: 'bash' }] }) ?? 0) > plain + 2_000);
  assert.ok((bound('openai_chat', { messages: [], tools: [{ type: 'function', function: { name: 'x' } }] }) ?? 0) > plain + 1_000);
});

test('garbage is bound by its bytes, and nesting does not break it', () => {
  for (const body of ['', 'x', '[1]', '{"tools"', `{"tools":[],"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`]) {
    assert.ok((bound('openai_chat', body) ?? 0) >= body.length);
  }
  assert.deepEqual(inputTokensUpperBound('openai_embeddings', Buffer.from('{"input":"file"}')), { hard: 80, usual: 80 });
});

test('what is reserved is well above what real tokenizers take, far below the bytes of prose, and the bytes themselves where a request is small [BUD-2]', () => {
  const real = (text: string): number => Math.max(cl100k(text).length, o200k(text).length);
  for (const file of ['README.md', 'docs/architecture.md', 'src/main.ts', 'package-lock.json', 'src/runtime/models/tokens.ts']) {
    const content = readFileSync(join(ROOT, file), 'utf8').slice(0, 200_000);
    const bytes = Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }));
    const { usual, hard } = inputTokensUpperBound('openai_chat', bytes) ?? assert.fail();
    const takes = real(content);
    assert.ok(usual >= 1.35 * takes && usual < hard, `${file}: ${takes} taken, ${usual} reserved, ${hard} at most`);
    if (file.endsWith('.md')) assert.ok(usual < 3 * takes && usual < 0.75 * hard, `${file}: ${takes} taken, ${usual} reserved`);
  }
  const ids = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: '9f86d081884c7d659a2feaa0c55ad015 '.repeat(500) }] }));
  assert.ok((inputTokensUpperBound('openai_chat', ids)?.usual ?? 0) >= 1.35 * real(ids.toString()));
  const small = inputTokensUpperBound('openai_chat', Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'word '.repeat(300) }] })));
  assert.equal(small?.usual, small?.hard);
  const picture = { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PICTURE}` } }] }] };
  assert.ok((inputTokensUpperBound('openai_chat', Buffer.from(JSON.stringify(picture)))?.usual ?? 0) < IMAGE_TOKENS_MAX + 4_000);
});
