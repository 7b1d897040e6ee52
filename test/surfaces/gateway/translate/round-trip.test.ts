import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { array, assert as check, constantFrom, dictionary, integer, jsonValue, option, property, record, string, type Arbitrary } from 'fast-check';
import type { JsonObject } from '../../../../src/kernel/canonical-json.ts';
import { fit } from '../../../../src/surfaces/gateway/translate/fit.ts';
import { CHAT_PROTOCOLS, type ChatProtocol } from '../../../../src/surfaces/gateway/translate/protocol.ts';
import { readRequest, writeResult } from '../../../../src/surfaces/gateway/translate/translate.ts';

type Any = Record<string, unknown>;
const PLACE = { model: 'm', stream: false };
const said = string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const args = dictionary(string({ minLength: 1, maxLength: 5, unit: 'grapheme-ascii' }), jsonValue({ maxDepth: 2 }), { maxKeys: 3 }).map(
  (value) => JSON.parse(JSON.stringify(value)) as Any,
);
const PNG = 'iVBORw0KGgo=';

/** One conversation, whatever the protocol. */
type Talk = {
  system: string | null;
  question: string;
  image: boolean;
  answer: string | null;
  calls: { name: string; args: Any; result: string }[];
  temperature: number | null;
  topP: number | null;
  maxTokens: number;
  schema: boolean;
  choice: 'auto' | 'required' | 'none' | 'one' | null;
};
const talk: Arbitrary<Talk> = record({
  system: option(said),
  question: said,
  image: constantFrom(true, false),
  answer: option(said),
  calls: array(record({ name: constantFrom('look', 'find'), args, result: said }), { maxLength: 3 }),
  temperature: option(constantFrom(0, 0.5, 1)),
  topP: option(constantFrom(0.1, 1)),
  maxTokens: integer({ min: 1, max: 9_999 }),
  schema: constantFrom(true, false),
  choice: option(constantFrom('auto', 'required', 'none', 'one')),
});

const SCHEMA = { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'], additionalProperties: false };
const NAMES = ['look', 'find'];
const some = (members: Any): Any => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));

/** The same conversation as each client would write it. */
const WRITTEN: Readonly<Record<ChatProtocol, (talk: Talk) => Any>> = {
  anthropic: (t) =>
    some({
      model: 'm',
      max_tokens: t.maxTokens,
      system: t.system,
      temperature: t.temperature,
      top_p: t.topP,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: t.question },
            ...(t.image ? [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }] : []),
          ],
        },
        ...turn(t, {
          assistant: {
            role: 'assistant',
            content: [
              ...(t.answer === null ? [] : [{ type: 'text', text: t.answer }]),
              ...t.calls.map((call, index) => ({ type: 'tool_use', id: `c${index}`, name: call.name, input: call.args })),
            ],
          },
          results: [
            { role: 'user', content: t.calls.map((call, index) => ({ type: 'tool_result', tool_use_id: `c${index}`, content: call.result })) },
          ],
        }),
      ],
      tools: NAMES.map((name) => ({ name, description: name, input_schema: SCHEMA })),
      tool_choice:
        t.choice === null ? null : t.choice === 'one' ? { type: 'tool', name: 'look' } : { type: t.choice === 'required' ? 'any' : t.choice },
      output_config: t.schema ? { format: { type: 'json_schema', schema: SCHEMA } } : null,
    }),
  openai_chat: (t) =>
    some({
      model: 'm',
      max_completion_tokens: t.maxTokens,
      temperature: t.temperature,
      top_p: t.topP,
      messages: [
        ...(t.system === null ? [] : [{ role: 'system', content: t.system }]),
        {
          role: 'user',
          content: [
            { type: 'text', text: t.question },
            ...(t.image ? [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] : []),
          ],
        },
        ...turn(t, {
          assistant: some({
            role: 'assistant',
            content: t.answer,
            tool_calls:
              t.calls.length === 0
                ? null
                : t.calls.map((call, index) => ({
                    id: `c${index}`,
                    type: 'function',
                    function: { name: call.name, arguments: JSON.stringify(call.args) },
                  })),
          }),
          results: t.calls.map((call, index) => ({ role: 'tool', tool_call_id: `c${index}`, content: call.result })),
        }),
      ],
      tools: NAMES.map((name) => ({ type: 'function', function: { name, description: name, parameters: SCHEMA } })),
      tool_choice: t.choice === 'one' ? { type: 'function', function: { name: 'look' } } : t.choice,
      response_format: t.schema ? { type: 'json_schema', json_schema: { name: 'answer', schema: SCHEMA } } : null,
    }),
  openai_responses: (t) =>
    some({
      model: 'm',
      max_output_tokens: t.maxTokens,
      temperature: t.temperature,
      top_p: t.topP,
      instructions: t.system,
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: t.question },
            ...(t.image ? [{ type: 'input_image', image_url: `data:image/png;base64,${PNG}` }] : []),
          ],
        },
        ...turn(t, {
          assistant: t.answer === null ? null : { role: 'assistant', content: [{ type: 'output_text', text: t.answer }] },
          results: [
            ...t.calls.map((call, index) => ({ type: 'function_call', call_id: `c${index}`, name: call.name, arguments: JSON.stringify(call.args) })),
            ...t.calls.map((call, index) => ({ type: 'function_call_output', call_id: `c${index}`, output: call.result })),
          ],
        }),
      ],
      tools: NAMES.map((name) => ({ type: 'function', name, description: name, parameters: SCHEMA })),
      tool_choice: t.choice === 'one' ? { type: 'function', name: 'look' } : t.choice,
      text: t.schema ? { format: { type: 'json_schema', name: 'answer', schema: SCHEMA } } : null,
    }),
  google: (t) =>
    some({
      systemInstruction: t.system === null ? null : { parts: [{ text: t.system }] },
      contents: [
        { role: 'user', parts: [{ text: t.question }, ...(t.image ? [{ inlineData: { mimeType: 'image/png', data: PNG } }] : [])] },
        ...turn(t, {
          assistant: {
            role: 'model',
            parts: [
              ...(t.answer === null ? [] : [{ text: t.answer }]),
              ...t.calls.map((call, index) => ({ functionCall: { id: `c${index}`, name: call.name, args: call.args } })),
            ],
          },
          results: [
            {
              role: 'user',
              parts: t.calls.map((call, index) => ({ functionResponse: { id: `c${index}`, name: call.name, response: { output: call.result } } })),
            },
          ],
        }),
      ],
      tools: [{ functionDeclarations: NAMES.map((name) => ({ name, description: name, parametersJsonSchema: SCHEMA })) }],
      toolConfig:
        t.choice === null
          ? null
          : {
              functionCallingConfig:
                t.choice === 'one'
                  ? { mode: 'ANY', allowedFunctionNames: ['look'] }
                  : { mode: t.choice === 'required' ? 'ANY' : t.choice.toUpperCase() },
            },
      generationConfig: some({
        maxOutputTokens: t.maxTokens,
        temperature: t.temperature,
        topP: t.topP,
        ...(t.schema
          ? {
              responseMimeType: 'application/json',
              responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } }, required: ['a'], additionalProperties: false },
            }
          : {}),
      }),
    }),
};

function turn(t: Talk, { assistant, results }: { assistant: Any | null; results: Any[] }): Any[] {
  if (t.answer === null && t.calls.length === 0) return [];
  return [...(assistant === null ? [] : [assistant]), ...(t.calls.length === 0 ? [] : results)];
}

/** What a provider is asked, without what is one provider's own. */
function meaning({ providerOptions: _, ...options }: LanguageModelV4CallOptions): unknown {
  const tools = options.tools?.filter(({ name }) => options.toolChoice?.type !== 'tool' || name === options.toolChoice.toolName);
  return JSON.parse(JSON.stringify({ ...options, tools })) as unknown;
}

test('one conversation means the same in every protocol, and to every provider [GTW-2]', () => {
  check(
    property(talk, (one) => {
      const read = CHAT_PROTOCOLS.map((protocol) => readRequest(protocol, WRITTEN[protocol](one) as JsonObject, PLACE));
      const [first, ...others] = read;
      assert.ok(first !== undefined);
      for (const other of others) assert.deepEqual(meaning(other.options), meaning(first.options), other.protocol);
      for (const kind of ['anthropic', 'openai-compatible', 'google'] as const) {
        for (const request of read)
          assert.deepEqual(
            meaning(fit(request, { kind, provider: kind, model: 'm' }).options),
            meaning(first.options),
            `${request.protocol} to ${kind}`,
          );
      }
    }),
    { numRuns: 200 },
  );
});

const signature = constantFrom<LanguageModelV4Content['providerMetadata']>(
  undefined,
  { anthropic: { signature: 'c2ln' } },
  { google: { thoughtSignature: 'dGhvdWdodA==' } },
  { openai: { itemId: 'rs_0', reasoningEncryptedContent: 'ZW5j' } },
);
const callSignature = constantFrom<LanguageModelV4Content['providerMetadata']>(undefined, { google: { thoughtSignature: 'Y2FsbA==' } });
const content: Arbitrary<LanguageModelV4Content[]> = array(
  record({ kind: constantFrom('text', 'reasoning', 'tool-call'), text: said, args, thought: signature, call: callSignature }),
  { minLength: 1, maxLength: 6 },
).map((parts) =>
  parts.map(({ kind, text, args: input, thought, call }, index): LanguageModelV4Content => {
    if (kind === 'text') return { type: 'text', text };
    const metadata = kind === 'reasoning' ? thought : call;
    const own =
      metadata === undefined
        ? {}
        : {
            providerMetadata: kind === 'reasoning' && 'openai' in metadata ? { openai: { ...metadata['openai'], itemId: `rs_${index}` } } : metadata,
          };
    return kind === 'reasoning'
      ? { type: 'reasoning', text, ...own }
      : { type: 'tool-call', toolCallId: `call_${index}`, toolName: 'look', input: JSON.stringify(input), ...own };
  }),
);

/** What a client sends back of an answer, as it came. */
const BACK: Readonly<Record<ChatProtocol, (answer: Any) => Any>> = {
  anthropic: (answer) => ({
    model: 'm',
    max_tokens: 9,
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: answer['content'] },
    ],
  }),
  openai_chat: (answer) => ({ model: 'm', messages: [{ role: 'user', content: 'Hi' }, (answer['choices'] as { message: Any }[])[0]?.message] }),
  openai_responses: (answer) => ({ model: 'm', input: [{ role: 'user', content: 'Hi' }, ...(answer['output'] as Any[])] }),
  google: (answer) => ({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }, (answer['candidates'] as { content: Any }[])[0]?.content] }),
};

type Part = { type: string; text?: string; input?: unknown; toolCallId?: string; providerOptions?: unknown; providerMetadata?: unknown };

/** A part with what its provider must have back. */
function kept({ type, text, input, toolCallId, providerOptions, providerMetadata }: Part): unknown {
  const options = providerOptions ?? providerMetadata;
  const own = options === undefined || Object.keys(options as Any).length === 0 ? {} : { options };
  return JSON.parse(
    JSON.stringify({ type, text, toolCallId, input: typeof input === 'string' ? (JSON.parse(input) as unknown) : input, ...own }),
  ) as unknown;
}

/** Chat Completions has one text, thoughts without signatures, and calls at the end. */
function asChat(parts: readonly Part[]): unknown[] {
  const joined = (type: string): string => parts.map((part) => (part.type === type ? part.text : '')).join('');
  return [joined('reasoning'), joined('text'), ...parts.filter(({ type }) => type === 'tool-call').map(kept)];
}

for (const protocol of CHAT_PROTOCOLS) {
  test(`an answer that goes back by ${protocol} is what the model said, signatures included [GTW-2]`, () => {
    check(
      property(content, (parts) => {
        const request = readRequest(
          protocol,
          BACK[protocol]({
            content: [{ type: 'text', text: 'x' }],
            choices: [{ message: { role: 'assistant', content: 'x' } }],
            output: [],
            candidates: [{ content: { role: 'model', parts: [{ text: 'x' }] } }],
          }) as JsonObject,
          PLACE,
        );
        const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };
        const result: LanguageModelV4GenerateResult = { content: parts, finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] };
        const answer = writeResult({ request, id: 'x1', model: 'm', nowMs: 0 }, result) as Any;
        const again = readRequest(protocol, JSON.parse(JSON.stringify(BACK[protocol](answer))) as JsonObject, PLACE).options.prompt.at(-1);
        assert.ok(again?.role === 'assistant');
        if (protocol === 'openai_chat') assert.deepEqual(asChat(again.content as Part[]), asChat(parts as Part[]));
        else assert.deepEqual((again.content as Part[]).map(kept), (parts as Part[]).map(kept));
      }),
      { numRuns: 200 },
    );
  });
}
