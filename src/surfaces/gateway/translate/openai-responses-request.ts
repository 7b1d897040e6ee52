/** OpenAI Responses, the way in: a body of `POST /v1/responses` as the AI SDK's call. Nothing is kept between calls. */
import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { accept, faulty, given, toldOf } from './accept.ts';
import { unwrap } from './carrier.ts';
import { Responses, type FileInput, type FunctionOutput, type Item } from './openai-responses-body.ts';
import {
  argumentsOf,
  fileFromUrl,
  functionTool,
  jsonFormat,
  promptBuilder,
  type AssistantPart,
  type ToolOutput,
  type UserPart,
} from './prompt-parts.ts';
import { toolName } from './openai-responses-tools.ts';
import type { TranslatedRequest } from './protocol.ts';

const TOLD = ['client_metadata', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'] as const;
const NAMES = { temperature: 'temperature', topP: 'top_p', parallel: 'parallel_tool_calls', responseFormat: 'text.format' };

/** @throws AppError `invalid_input` */
export function readOpenaiResponses(body: JsonObject): TranslatedRequest {
  const read = accept(Responses, body);
  return {
    protocol: 'openai_responses',
    model: read.model,
    stream: read.stream ?? false,
    body,
    options: optionsOf(read),
    names: NAMES,
    ignored: toldOf(body, TOLD),
  };
}

function optionsOf(read: Responses): LanguageModelV4CallOptions {
  const format = read.text?.format;
  const choice = read.tool_choice;
  return {
    prompt: promptOf(read),
    ...given({
      maxOutputTokens: read.max_output_tokens,
      temperature: read.temperature,
      topP: read.top_p,
      reasoning: read.reasoning?.effort,
      responseFormat:
        format?.type === 'json_schema'
          ? jsonFormat({ ...format, description: format.description ?? undefined })
          : format?.type === 'json_object'
            ? jsonFormat({})
            : undefined,
      tools: read.tools?.flatMap((tool) =>
        tool.type === 'function' ? [declared(tool, tool.name)] : tool.tools.map((inner) => declared(inner, toolName(tool.name, inner.name))),
      ),
      toolChoice: choice === undefined ? undefined : typeof choice === 'string' ? { type: choice } : { type: 'tool' as const, toolName: choice.name },
    }),
    providerOptions: {
      anthropic: read.parallel_tool_calls === false ? { disableParallelToolUse: true } : {},
      openai: given({
        promptCacheKey: read.prompt_cache_key,
        textVerbosity: read.text?.verbosity,
        reasoningSummary: read.reasoning?.summary ?? read.reasoning?.generate_summary,
        strictJsonSchema: format?.type === 'json_schema' ? (format.strict ?? false) : undefined,
      }),
    },
  };
}

type Declared = Parameters<typeof functionTool>[0] & { parameters?: JsonObject | undefined };

function declared(tool: Omit<Declared, 'schema'>, name: string): ReturnType<typeof functionTool> {
  return functionTool({ ...tool, name, schema: tool.parameters ?? { type: 'object', properties: {} } });
}

function promptOf(read: Responses): LanguageModelV4CallOptions['prompt'] {
  const prompt = promptBuilder();
  if (read.instructions !== undefined && read.instructions !== '') prompt.system(read.instructions);
  if (typeof read.input === 'string') prompt.user({ type: 'text', text: read.input });
  else {
    const ofCalls = new Map<string, AssistantPart['providerOptions']>();
    for (const [index, item] of read.input.entries()) {
      const path = `input.${index}`;
      if (item.type === 'message') addMessage(item, path, prompt);
      else if (item.type === 'function_call_output') {
        const toolName = prompt.toolOf(item.call_id, `${path}.call_id`);
        prompt.tool({ type: 'tool-result', toolCallId: item.call_id, toolName, output: outputOf(item.output, `${path}.output`) });
      } else if (item.type === 'reasoning') prompt.assistant(...reasoningParts(item, ofCalls));
      else {
        const providerOptions = ofCalls.get(item.call_id);
        const call = {
          type: 'tool-call',
          toolCallId: item.call_id,
          toolName: toolName(item.namespace, item.name),
          input: argumentsOf(item.arguments),
        } as const;
        prompt.assistant({ ...call, ...(providerOptions === undefined ? {} : { providerOptions }) });
      }
    }
  }
  if (prompt.messages.length === 0) throw faulty([{ path: 'input', message: 'says nothing' }]);
  return prompt.messages;
}

/** As OpenAI's own package hands it on: an item's id and its encrypted content; what another provider thought is unwrapped. */
function reasoningParts(item: Extract<Item, { type: 'reasoning' }>, ofCalls: Map<string, AssistantPart['providerOptions']>): AssistantPart[] {
  const encrypted = item.encrypted_content ?? '';
  const wrapped = unwrap(encrypted);
  if (wrapped?.call !== undefined) {
    ofCalls.set(wrapped.call, wrapped.options);
    return [];
  }
  // An id alone means nothing to a provider that keeps nothing; what it encrypted is bound to its id.
  const own: SharedV4ProviderOptions =
    encrypted === '' ? {} : { openai: { ...(item.id === undefined ? {} : { itemId: item.id }), reasoningEncryptedContent: encrypted } };
  const providerOptions = wrapped?.options ?? own;
  const texts = [...item.summary, ...(item.content ?? [])].map(({ text }) => text);
  // A reasoning part of Anthropic or Google is one piece under one signature; OpenAI's summary may have several.
  if (wrapped !== null) return [{ type: 'reasoning', text: texts.join(''), providerOptions }];
  return (texts.length === 0 ? [''] : texts).map((text) => ({ type: 'reasoning', text, providerOptions }));
}

function addMessage(item: Extract<Item, { type: 'message' }>, path: string, prompt: ReturnType<typeof promptBuilder>): void {
  const parts = typeof item.content === 'string' ? [{ type: 'input_text' as const, text: item.content }] : item.content;
  const kinds = item.role === 'assistant' ? ['output_text', 'refusal', 'input_text'] : ['input_text', 'input_image', 'input_file', 'output_text'];
  const texts: string[] = [];
  const user: UserPart[] = [];
  for (const [index, part] of parts.entries()) {
    const at = `${path}.content.${index}`;
    if (!kinds.includes(part.type) || (item.role !== 'user' && (part.type === 'input_image' || part.type === 'input_file'))) {
      throw faulty([{ path: `${at}.type`, message: `"${part.type}" cannot stand in a message of role ${item.role}` }]);
    }
    if (part.type === 'input_image' || part.type === 'input_file') user.push(filePart(part, at));
    else {
      const text = part.type === 'refusal' ? part.refusal : part.text;
      if (text === '') continue;
      texts.push(text);
      user.push({ type: 'text', text });
    }
  }
  if (item.role === 'user') prompt.user(...user);
  else if (item.role === 'assistant') prompt.assistant(...texts.map((text) => ({ type: 'text' as const, text })));
  else if (texts.length > 0) prompt.system(texts.join('\n\n'));
}

function outputOf(output: FunctionOutput['output'], path: string): ToolOutput {
  if (typeof output === 'string') return { type: 'text', value: output };
  return {
    type: 'content',
    value: output.map((part, index) =>
      part.type === 'input_text' ? { type: 'text', text: part.text } : (filePart(part, `${path}.${index}`) as never),
    ),
  };
}

function filePart(part: FileInput, at: string): UserPart {
  if (part.type === 'input_image') {
    const providerOptions = part.detail === undefined || part.detail === 'auto' ? {} : { providerOptions: { openai: { imageDetail: part.detail } } };
    return { ...fileFromUrl(part.image_url, `${at}.image_url`), ...providerOptions };
  }
  const url = part.file_data ?? part.file_url;
  if (url === undefined) throw faulty([{ path: at, message: 'needs file_data or file_url' }]);
  return {
    ...fileFromUrl(url, `${at}.${part.file_data === undefined ? 'file_url' : 'file_data'}`, 'application/pdf'),
    ...(part.filename === undefined ? {} : { filename: part.filename }),
  };
}
