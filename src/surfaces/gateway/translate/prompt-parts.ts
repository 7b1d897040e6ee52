/**
 * Parts of a prompt that every protocol has: files by data or address, tool results that must be matched to their call, messages
 * in the order the AI SDK wants them.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4FilePart, LanguageModelV4FunctionTool, LanguageModelV4Message } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { faulty } from './accept.ts';

export type Prompt = LanguageModelV4CallOptions['prompt'];
export type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];
export type UserPart = Extract<LanguageModelV4Message, { role: 'user' }>['content'][number];
export type ToolPart = Extract<LanguageModelV4Message, { role: 'tool' }>['content'][number];
export type ToolResult = Extract<ToolPart, { type: 'tool-result' }>;
export type ToolOutput = ToolResult['output'];

/** Builds a prompt in order: neighbours of one role become one message, as providers want turns to alternate. */
export function promptBuilder(): {
  messages: Prompt;
  system(text: string, providerOptions?: LanguageModelV4Message['providerOptions']): void;
  user(...parts: UserPart[]): void;
  assistant(...parts: AssistantPart[]): void;
  tool(part: ToolResult): void;
  /** The tool a call was made to. @throws AppError `invalid_input` for a result without a call. */
  toolOf(callId: string, path: string): string;
} {
  const messages: Prompt = [];
  const tools = new Map<string, string>();
  return {
    messages,
    system(text, providerOptions) {
      messages.push({ role: 'system', content: text, ...(providerOptions === undefined ? {} : { providerOptions }) });
    },
    user(...parts) {
      const last = messages.at(-1);
      if (parts.length === 0) return;
      if (last?.role === 'user') last.content.push(...parts);
      else messages.push({ role: 'user', content: parts });
    },
    assistant(...parts) {
      for (const part of parts) if (part.type === 'tool-call') tools.set(part.toolCallId, part.toolName);
      const last = messages.at(-1);
      if (parts.length === 0) return;
      if (last?.role === 'assistant') last.content.push(...parts);
      else messages.push({ role: 'assistant', content: parts });
    },
    tool(part) {
      const last = messages.at(-1);
      if (last?.role === 'tool') last.content.push(part);
      else messages.push({ role: 'tool', content: [part] });
    },
    toolOf(callId, path) {
      const tool = tools.get(callId);
      if (tool === undefined)
        throw faulty([{ path, message: `answers the call "${callId.slice(0, 60)}", which is not among the messages before it` }]);
      return tool;
    },
  };
}

const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,/;
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/** A file from a data URL or an https address; the provider fetches an address, we never do. */
export function fileFromUrl(url: string, path: string, mediaType = 'image/*'): LanguageModelV4FilePart {
  const inline = DATA_URL.exec(url.slice(0, 200));
  if (inline !== null) return fileFromData(url.slice(inline[0].length), inline[1] ?? mediaType, path);
  const address = URL.parse(url);
  if (address?.protocol !== 'https:' && address?.protocol !== 'http:') {
    throw faulty([{ path, message: 'must be an https address or a data URL in base64' }]);
  }
  return { type: 'file', mediaType, data: { type: 'url', url: address } };
}

export function fileFromData(base64: string, mediaType: string, path: string): LanguageModelV4FilePart {
  if (base64 === '' || !BASE64.test(base64)) throw faulty([{ path, message: 'is no base64' }]);
  if (!/^[\w.+-]+\/[\w.+*-]+$/.test(mediaType)) throw faulty([{ path, message: 'has no media type' }]);
  if (/^(?:audio|video)\//.test(mediaType)) throw faulty([{ path, message: `is ${mediaType}: audio and video are not translated` }]);
  return { type: 'file', mediaType, data: { type: 'data', data: base64 } };
}

/** Arguments as a model wrote them; what is no object is handed on as it is, for the provider to judge. */
export function argumentsOf(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Half a call in the history: providers take a text too.
    return text;
  }
}

/** Their JSON Schema type names a package we do not have; any JSON Schema is one. */
export function functionTool(tool: {
  name: string;
  description?: string | undefined;
  schema: JsonObject;
  strict?: boolean | undefined;
}): LanguageModelV4FunctionTool {
  const { name, description, schema, strict } = tool;
  const declared: unknown = {
    type: 'function',
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema: schema,
    ...(strict === undefined ? {} : { strict }),
  };
  return declared as LanguageModelV4FunctionTool;
}

export function jsonFormat(format: {
  name?: string | undefined;
  description?: string | undefined;
  schema?: JsonObject | undefined;
}): NonNullable<LanguageModelV4CallOptions['responseFormat']> {
  const { schema, name = 'answer', description } = format;
  const wanted: unknown = { type: 'json', ...(schema === undefined ? {} : { schema, name }), ...(description === undefined ? {} : { description }) };
  return wanted as NonNullable<LanguageModelV4CallOptions['responseFormat']>;
}

/** Tokens of thinking as a level; the bounds are those by which Google and OpenRouter describe their levels. */
export function levelOf(budgetTokens: number): 'minimal' | 'low' | 'medium' | 'high' {
  return budgetTokens <= 1_024 ? 'minimal' : budgetTokens <= 4_096 ? 'low' : budgetTokens <= 16_384 ? 'medium' : 'high';
}
