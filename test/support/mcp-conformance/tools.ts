/**
 * The tools that the official conformance suite asks a server for, by its fixed names. They exercise the protocol and nothing of ours;
 * the server that carries them is the real one.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { CallToolResult, InputRequests, InputRequiredResult, ServerEventBus } from '@modelcontextprotocol/server';
import {
  CLIENT_CAPABILITIES_META_KEY,
  InMemoryServerEventBus,
  ProtocolError,
  ProtocolErrorCode,
  acceptedContent,
  createRequestStateCodec,
  inputRequired,
} from '@modelcontextprotocol/server';
import type { McpCall, Tool } from '../../../src/surfaces/mcp/toolset.ts';

export const RED_PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

/** Keeps what a request hands to the client from being changed on its way back. */
export const stateCodec = createRequestStateCodec<Record<string, unknown>>({ key: randomBytes(32) });
export const bus: ServerEventBus = new InMemoryServerEventBus();

type Run = (args: Record<string, unknown>, call: McpCall) => Promise<CallToolResult | InputRequiredResult>;
type Schema = Tool['listed']['inputSchema'];

export function fixture(name: string, run: Run, inputSchema: Schema = { type: 'object' }): Tool {
  const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
  return {
    listed: { name, title: name, description: `Fixture ${name}.`, inputSchema, annotations },
    run: (args, call) => run((args ?? {}) as Record<string, unknown>, call),
  };
}

export const text = (said: string): CallToolResult => ({ content: [{ type: 'text', text: said }] });
const strings = (...names: string[]): Schema => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: names,
});

/** As text, since one of its keywords is the name that makes an object a promise. */
const EVERY_KEYWORD = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "$defs": {
    "address": { "$anchor": "addressDef", "type": "object", "properties": { "street": { "type": "string" }, "city": { "type": "string" } } }
  },
  "properties": {
    "name": { "type": "string" },
    "address": { "$ref": "#/$defs/address" },
    "contactMethod": { "type": "string", "enum": ["phone", "email"] },
    "phone": { "type": "string" },
    "email": { "type": "string" }
  },
  "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
  "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
  "then": { "required": ["phone"] },
  "else": { "required": ["email"] },
  "additionalProperties": false
}`;

const CONTENT: Tool[] = [
  fixture('test_simple_text', async () => text('This is a simple text response for testing.')),
  fixture('test_image_content', async () => ({ content: [{ type: 'image', data: RED_PIXEL, mimeType: 'image/png' }] })),
  fixture('test_audio_content', async () => ({ content: [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }] })),
  fixture('test_embedded_resource', async () => ({
    content: [
      { type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' } },
    ],
  })),
  fixture('test_multiple_content_types', async () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: RED_PIXEL, mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' } },
    ],
  })),
  fixture('test_error_handling', async () => {
    throw new Error('This tool intentionally returns an error for testing');
  }),
  fixture('json_schema_2020_12_tool', async (args) => text(JSON.stringify(args)), JSON.parse(EVERY_KEYWORD) as Schema),
];

const WHILE_RUNNING: Tool[] = [
  fixture('test_tool_with_logging', async (_args, { sdk }) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await sdk.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
    }
    return text('Tool with logging executed successfully');
  }),
  fixture('test_logging_tool', async (_args, { sdk }) => {
    await sdk.mcpReq.log('info', 'only with a log level');
    return text('logged');
  }),
  fixture('test_tool_with_progress', async (_args, { sdk }) => {
    const progressToken = sdk.mcpReq._meta?.progressToken;
    for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
      await sdk.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` },
      });
    }
    return text(String(progressToken ?? 'no token'));
  }),
  fixture('test_reconnection', async (_args, { sdk }) => {
    sdk.http?.closeSSE?.();
    return text('The stream was closed and taken up again.');
  }),
  fixture('test_streaming_elicitation', async () => text('Only results on this stream.')),
  fixture('test_trigger_tool_change', async () => {
    bus.publish({ kind: 'tools_list_changed' });
    return text('published');
  }),
  fixture('test_trigger_prompt_change', async () => {
    bus.publish({ kind: 'prompts_list_changed' });
    return text('published');
  }),
];

const SCORED = { type: 'object', required: [] } as const;

/** Requests that a server of an earlier revision sends to its client. */
const PUSHED: Tool[] = [
  fixture(
    'test_sampling',
    async ({ prompt }, { sdk }) => {
      const result = await sdk.mcpReq.send({
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens: 100 },
      });
      return text(`LLM response: ${JSON.stringify(result.content)}`);
    },
    strings('prompt'),
  ),
  fixture(
    'test_elicitation',
    async ({ message }, call) =>
      elicited(call, String(message), {
        type: 'object',
        properties: { response: { type: 'string', description: "User's response" } },
        required: ['response'],
      }),
    strings('message'),
  ),
  fixture('test_elicitation_sep1034_defaults', async (_args, call) =>
    elicited(call, 'Please review the defaults', {
      ...SCORED,
      properties: {
        name: { type: 'string', description: 'User name', default: 'John Doe' },
        age: { type: 'integer', description: 'User age', default: 30 },
        score: { type: 'number', description: 'User score', default: 95.5 },
        status: { type: 'string', description: 'User status', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', description: 'Verification status', default: true },
      },
    }),
  ),
  fixture('test_elicitation_sep1330_enums', async (_args, call) =>
    elicited(call, 'Please choose', {
      ...SCORED,
      properties: {
        untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
        titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
        legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
        untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
        titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
      },
    }),
  ),
];

const titled = (...titles: string[]): { const: string; title: string }[] => titles.map((title, i) => ({ const: `value${i + 1}`, title }));

async function elicited({ sdk }: McpCall, message: string, requestedSchema: object): Promise<CallToolResult> {
  const { action, content } = await sdk.mcpReq.send({ method: 'elicitation/create', params: { message, requestedSchema } });
  return text(`User response: action=${action}, content=${JSON.stringify(content ?? {})}`);
}

type Responses = Record<string, { content?: { text?: string }; roots?: { uri?: string }[] } | undefined>;
const responsesOf = ({ sdk }: McpCall): Responses => (sdk.mcpReq.inputResponses ?? {}) as Responses;
export const ask = (message: string, field: string, type: 'string' | 'boolean' = 'string') => {
  const asked = type === 'boolean' ? { type } : { type };
  return inputRequired.elicit({ message, requestedSchema: { type: 'object', properties: { [field]: asked }, required: [field] } });
};
const sample = (said: string) => inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: said } }], maxTokens: 100 });
const given = (call: McpCall, key: string, field: string): unknown => acceptedContent(call.sdk.mcpReq.inputResponses, key)?.[field];
const sealed = (state: Record<string, unknown>): Promise<string> => stateCodec.mint({ ...state, nonce: randomUUID() });

/** Input asked for by a result, as of revision 2026-07-28. */
const ASKED: Tool[] = [
  fixture('test_missing_capability', async (_args, call) =>
    responsesOf(call)['llm_answer'] === undefined
      ? inputRequired({ inputRequests: { llm_answer: sample('Reply with the single word: pong') } })
      : text('done'),
  ),
  fixture('test_input_required_result_elicitation', async (_args, call) => {
    const name = given(call, 'user_name', 'name');
    return typeof name === 'string' ? text(`Hello, ${name}!`) : inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } });
  }),
  fixture('test_input_required_result_sampling', async (_args, call) => {
    const response = responsesOf(call)['capital_question'];
    return response === undefined
      ? inputRequired({ inputRequests: { capital_question: sample('What is the capital of France?') } })
      : text(`Sampling response: ${response.content?.text ?? JSON.stringify(response)}`);
  }),
  fixture('test_input_required_result_list_roots', async (_args, call) => {
    const roots = responsesOf(call)['client_roots']?.roots;
    return roots === undefined
      ? inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
      : text(`Roots: ${roots.map((root) => root.uri).join(', ')}`);
  }),
  fixture('test_input_required_result_request_state', async (_args, call) => {
    if (given(call, 'confirm', 'ok') === undefined) {
      return inputRequired({
        inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
        requestState: await sealed({ tool: 'request_state' }),
      });
    }
    if (call.sdk.mcpReq.requestState() === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid requestState');
    return text('state-ok: requestState verified and confirmation received');
  }),
  fixture('test_input_required_result_multiple_inputs', async (_args, call) => {
    const name = given(call, 'user_name', 'name');
    const { greeting, client_roots: found } = responsesOf(call);
    if (typeof name === 'string' && greeting?.content?.text !== undefined && found?.roots !== undefined)
      return text(`${greeting.content.text} ${name}, ${found.roots.length} roots`);
    const inputRequests = {
      user_name: ask('What is your name?', 'name'),
      greeting: sample('Generate a greeting'),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await sealed({ tool: 'multiple_inputs' }) });
  }),
  fixture('test_input_required_result_multi_round', async (_args, call) => {
    const state = call.sdk.mcpReq.requestState<{ round: number; name?: unknown }>();
    if (state === undefined)
      return inputRequired({ inputRequests: { step1: ask('Step 1: What is your name?', 'name') }, requestState: await sealed({ round: 1 }) });
    if (state.round === 1) {
      const requestState = await sealed({ round: 2, name: given(call, 'step1', 'name') });
      return inputRequired({ inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') }, requestState });
    }
    return text(`Multi-round complete: ${String(state.name)} likes ${String(given(call, 'step2', 'color'))}`);
  }),
  fixture('test_input_required_result_tampered_state', async (_args, call) => {
    if (call.sdk.mcpReq.requestState() !== undefined && given(call, 'confirm', 'ok') !== undefined)
      return text('integrity-ok: requestState verified');
    return inputRequired({
      inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
      requestState: await sealed({ tool: 'tampered_state' }),
    });
  }),
  fixture('test_input_required_result_capabilities', async (_args, call) => {
    if (call.sdk.mcpReq.inputResponses !== undefined) return text('Capability-aware input requests fulfilled');
    const envelope = call.sdk.mcpReq.envelope as Record<string, Record<string, unknown>> | undefined;
    const declared = envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
    const inputRequests: InputRequests = {
      ...(declared['elicitation'] === undefined ? {} : { user_name: ask('What is your name?', 'name') }),
      ...(declared['sampling'] === undefined ? {} : { greeting: sample('Generate a short greeting') }),
      ...(declared['roots'] === undefined ? {} : { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length === 0 ? text('Nothing can be asked of this client') : inputRequired({ inputRequests });
  }),
];

export const PROTOCOL_TOOLS: readonly Tool[] = [...CONTENT, ...WHILE_RUNNING, ...PUSHED, ...ASKED];
