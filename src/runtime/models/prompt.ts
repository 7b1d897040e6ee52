/**
 * Our messages as the AI SDK's prompt, and what each provider must be told beside it: cache marks, structured output, storage.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { AssistantPart, Message, UserPart } from '../../kernel/messages.ts';
import type { ModelRequest } from './model.ts';

export type ProviderKind = 'anthropic' | 'openai' | 'google' | 'openai-compatible';

/** Our own key in a part's `meta`, beside the provider's: which model said it. */
const OURS = 'windlass';

const CACHE_HERE: SharedV4ProviderOptions = { anthropic: { cacheControl: { type: 'ephemeral' } } };

/** Everything of a call but its signal. */
export function callOptions(request: ModelRequest, kind: ProviderKind): LanguageModelV4CallOptions {
  const { outputSchema } = request;
  return {
    prompt: prompt(request, kind),
    maxOutputTokens: request.maxOutputTokens,
    ...(request.temperature === null ? {} : { temperature: request.temperature }),
    ...(request.tools.length === 0 ? {} : { tools: toolsOf(request) }),
    ...(outputSchema === null || !enforces(request, kind) ? {} : { responseFormat: answerFormat(outputSchema) }),
    providerOptions: {
      // What we send is ours to keep: nothing is stored at the provider, so reasoning comes back encrypted and is returned.
      openai: { store: false, strictJsonSchema: outputSchema !== null && isStrict(outputSchema) },
    },
  };
}

/** Their JSON Schema type names a package we do not have; any JSON Schema is one. */
function toolsOf(request: ModelRequest): NonNullable<LanguageModelV4CallOptions['tools']> {
  const tools: unknown = request.tools.map((tool) => ({ type: 'function', ...tool }));
  return tools as NonNullable<LanguageModelV4CallOptions['tools']>;
}

function answerFormat(schema: JsonObject): NonNullable<LanguageModelV4CallOptions['responseFormat']> {
  const format: unknown = { type: 'json', name: 'answer', schema };
  return format as NonNullable<LanguageModelV4CallOptions['responseFormat']>;
}

/** Gemini before version 3 refuses a schema beside tools; there the harness's own check of the answer stands alone. */
function enforces(request: ModelRequest, kind: ProviderKind): boolean {
  return kind !== 'google' || request.tools.length === 0 || !/gemini-[12]\./.test(request.model);
}

/**
 * Whether OpenAI's strict mode takes this schema: every object closed, every property required. Looser ones still guide the model.
 */
export function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (typeof schema !== 'object' || schema === null) return true;
  const node = schema as JsonObject;
  const properties = node['properties'];
  if (node['type'] === 'object' || properties !== undefined) {
    const names = Object.keys(properties ?? {});
    const required = new Set(Array.isArray(node['required']) ? node['required'] : []);
    if (node['additionalProperties'] !== false || !names.every((name) => required.has(name))) return false;
  }
  return Object.values(node).every(isStrict);
}

/**
 * Anthropic caches up to a mark: one after the instructions (tools come before them), one after the last message, since
 * messages only ever grow until they are compacted (spec GTW-4).
 */
function prompt(request: ModelRequest, kind: ProviderKind): LanguageModelV4Message[] {
  const messages = request.messages.flatMap((message) => toMessage(message, request.model));
  const system: LanguageModelV4Message[] = request.instructions === '' ? [] : [{ role: 'system', content: request.instructions }];
  if (kind !== 'anthropic') return [...system, ...messages];
  const last = messages.length - 1;
  return [
    ...system.map((message) => ({ ...message, providerOptions: CACHE_HERE })),
    ...messages.map((message, index) => (index === last ? { ...message, providerOptions: CACHE_HERE } : message)),
  ];
}

function toMessage(message: Message, model: string): LanguageModelV4Message[] {
  switch (message.role) {
    case 'user': {
      const content = message.content.flatMap(toUserPart);
      return content.length === 0 ? [] : [{ role: 'user', content }];
    }
    case 'assistant': {
      const content = message.content.flatMap((part) => toAssistantPart(part, model));
      return content.length === 0 ? [] : [{ role: 'assistant', content }];
    }
    case 'tool': {
      const content = message.content.map(
        (part) =>
          ({
            type: 'tool-result',
            toolCallId: part.callId,
            toolName: part.tool,
            output: { type: part.failed ? 'error-text' : 'text', value: part.text },
          }) as const,
      );
      return content.length === 0 ? [] : [{ role: 'tool', content }];
    }
  }
}

type UserContent = Extract<LanguageModelV4Message, { role: 'user' }>['content'];

function toUserPart(part: UserPart): UserContent {
  if (part.type === 'image') return [{ type: 'file', mediaType: part.mediaType, data: { type: 'data', data: part.base64 } }];
  return part.text === '' ? [] : [{ type: 'text', text: part.text, ...options(part.meta) }];
}

type AssistantContent = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'];

/** Reasoning goes back only to the model that thought it: others refuse its signature. */
function toAssistantPart(part: AssistantPart, model: string): AssistantContent {
  switch (part.type) {
    case 'text':
      return part.text === '' ? [] : [{ type: 'text', text: part.text, ...options(part.meta) }];
    case 'reasoning':
      return saidBy(part.meta) === model ? [{ type: 'reasoning', text: part.text, ...options(part.meta) }] : [];
    case 'tool_call':
      return [{ type: 'tool-call', toolCallId: part.callId, toolName: part.tool, input: part.args, ...options(part.meta) }];
  }
}

type Meta = AssistantPart['meta'];

/** A provider's data for a part as it came, with the model's name beside it. */
export function metaOf(metadata: unknown, model: string): NonNullable<Meta> {
  return { ...(metadata as Meta), [OURS]: { model } };
}

function saidBy(meta: Meta): unknown {
  const ours = meta?.[OURS];
  return typeof ours === 'object' && ours !== null && !Array.isArray(ours) ? ours['model'] : undefined;
}

function options(meta: Meta): { providerOptions?: SharedV4ProviderOptions } {
  if (meta === undefined) return {};
  const { [OURS]: _ours, ...providers } = meta;
  return Object.keys(providers).length === 0 ? {} : { providerOptions: providers as SharedV4ProviderOptions };
}
