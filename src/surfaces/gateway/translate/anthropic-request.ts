/** Anthropic Messages, the way in: a body of `POST /v1/messages` (or `count_tokens`) as the AI SDK's call. */
import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { z } from 'zod';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { accept, given, toldOf } from './accept.ts';
import {
  AssistantBlock,
  CountTokens,
  Messages,
  Text,
  UserBlock,
  type Block,
  type CacheControl,
  type FileBlock,
  type ToolResult,
} from './anthropic-body.ts';
import { unwrap } from './carrier.ts';
import {
  fileFromData,
  fileFromUrl,
  functionTool,
  jsonFormat,
  levelOf,
  promptBuilder,
  type AssistantPart,
  type ToolOutput,
  type UserPart,
} from './prompt-parts.ts';
import type { TranslatedRequest } from './protocol.ts';

const TOLD = ['metadata', 'service_tier', 'diagnostics', 'cache_control'] as const;
const NAMES = {
  topK: 'top_k',
  stopSequences: 'stop_sequences',
  temperature: 'temperature',
  topP: 'top_p',
  parallel: 'tool_choice.disable_parallel_tool_use',
  responseFormat: 'output_config.format',
};

/** @throws AppError `invalid_input` */
export function readAnthropic(body: JsonObject, counting = false): TranslatedRequest {
  const read: Messages = accept(counting ? CountTokens : Messages, body);
  return {
    protocol: 'anthropic',
    model: read.model,
    stream: read.stream ?? false,
    body,
    options: optionsOf(read),
    names: NAMES,
    ignored: toldOf(body, TOLD),
  };
}

function optionsOf(read: Messages): LanguageModelV4CallOptions {
  const choice = read.tool_choice;
  const format = read.output_config?.format;
  return {
    prompt: promptOf(read),
    ...given({
      maxOutputTokens: read.max_tokens,
      temperature: read.temperature,
      topP: read.top_p,
      topK: read.top_k,
      stopSequences: read.stop_sequences,
      reasoning: reasoningOf(read),
      responseFormat: format === undefined ? undefined : jsonFormat({ schema: format.schema }),
      tools: read.tools?.map(({ name, description, input_schema, strict, input_examples, cache_control }) => ({
        ...functionTool({ name, description, schema: input_schema, strict }),
        ...(input_examples === undefined ? {} : { inputExamples: input_examples.map((input) => ({ input: input as Record<string, never> })) }),
        ...cacheOf(cache_control),
      })),
      toolChoice:
        choice === undefined
          ? undefined
          : choice.type === 'any'
            ? { type: 'required' as const }
            : choice.type === 'tool'
              ? { type: 'tool' as const, toolName: choice.name }
              : { type: choice.type },
    }),
    providerOptions: {
      anthropic: {
        ...given({ thinking: thinkingOf(read), effort: read.output_config?.effort }),
        ...(choice !== undefined && choice.type !== 'none' && choice.disable_parallel_tool_use === true ? { disableParallelToolUse: true } : {}),
      },
    },
  };
}

function thinkingOf({ thinking }: Messages): Record<string, string | number> | undefined {
  if (thinking === undefined) return undefined;
  if (thinking.type === 'disabled') return { type: 'disabled' };
  const shown: Record<string, string> = thinking.display === undefined ? {} : { display: thinking.display };
  return thinking.type === 'enabled' ? { type: 'enabled', budgetTokens: thinking.budget_tokens, ...shown } : { type: 'adaptive', ...shown };
}

/** How hard to think, for providers that take a level rather than a number of tokens. */
function reasoningOf({ thinking, output_config }: Messages): LanguageModelV4CallOptions['reasoning'] {
  if (thinking?.type === 'disabled') return 'none';
  if (output_config?.effort !== undefined) return output_config.effort;
  if (thinking?.type !== 'enabled') return undefined;
  return levelOf(thinking.budget_tokens);
}

function promptOf(read: Messages): LanguageModelV4CallOptions['prompt'] {
  const prompt = promptBuilder();
  const system = typeof read.system === 'string' ? [{ text: read.system, cache_control: undefined }] : (read.system ?? []);
  for (const { text, cache_control } of system) if (text !== '') prompt.system(text, cacheOf(cache_control).providerOptions);
  for (const [index, message] of read.messages.entries()) {
    const path = `messages.${index}.content`;
    const blocks: Block[] =
      typeof message.content === 'string' ? [{ type: 'text', text: message.content, cache_control: undefined }] : message.content;
    if (message.role === 'system')
      prompt.system(
        accept(z.array(Text), blocks, path)
          .map(({ text }) => text)
          .join('\n\n'),
      );
    else if (message.role === 'assistant') prompt.assistant(...assistantParts(blocks, path));
    else userBlocks(blocks, path, prompt);
  }
  return prompt.messages;
}

function userBlocks(blocks: Block[], path: string, prompt: ReturnType<typeof promptBuilder>): void {
  for (const [index, block] of accept(z.array(UserBlock), blocks, path).entries()) {
    const at = `${path}.${index}`;
    if (block.type === 'tool_result') {
      const toolName = prompt.toolOf(block.tool_use_id, `${at}.tool_use_id`);
      prompt.tool({ type: 'tool-result', toolCallId: block.tool_use_id, toolName, output: outputOf(block, at), ...cacheOf(block.cache_control) });
    } else if (block.type === 'text') {
      if (block.text !== '') prompt.user({ type: 'text', text: block.text, ...cacheOf(block.cache_control) });
    } else prompt.user({ ...filePart(block, at), ...cacheOf(block.cache_control) });
  }
}

function outputOf(block: z.infer<typeof ToolResult>, at: string): ToolOutput {
  const content = block.content ?? '';
  const failed = block.is_error === true;
  const texts = typeof content === 'string' ? [content] : content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  if (typeof content === 'string' || content.every((part) => part.type === 'text'))
    return { type: failed ? 'error-text' : 'text', value: texts.join('\n') };
  return {
    type: 'content',
    value: content.map((part, index) =>
      part.type === 'text' ? { type: 'text', text: part.text } : (filePart(part, `${at}.content.${index}`) as never),
    ),
  };
}

function filePart(block: FileBlock, at: string): UserPart {
  const { source } = block;
  const path = `${at}.source`;
  if (source.type === 'file')
    return accept(z.never({ error: 'a file at Anthropic is not at another provider: send its data' }), source, `${path}.file_id`);
  if (source.type === 'url') return fileFromUrl(source.url, `${path}.url`, block.type === 'image' ? 'image/*' : 'application/pdf');
  const title = block.type === 'document' ? (block.title ?? undefined) : undefined;
  if (source.type === 'text') return { type: 'text', text: title === undefined ? source.data : `${title}\n\n${source.data}` };
  return { ...fileFromData(source.data, source.media_type, `${path}.data`), ...(title === undefined ? {} : { filename: title }) };
}

function assistantParts(blocks: Block[], path: string): AssistantPart[] {
  const parts: AssistantPart[] = [];
  const ofCalls = new Map<string, SharedV4ProviderOptions>();
  for (const block of accept(z.array(AssistantBlock), blocks, path)) {
    switch (block.type) {
      case 'text':
        if (block.text !== '') parts.push({ type: 'text', text: block.text, ...cacheOf(block.cache_control) });
        break;
      case 'thinking': {
        const signature = block.signature ?? '';
        const options = unwrap(signature)?.options ?? (signature === '' ? {} : { anthropic: { signature } });
        parts.push({ type: 'reasoning', text: block.thinking, providerOptions: options });
        break;
      }
      case 'redacted_thinking': {
        const wrapped = unwrap(block.data);
        if (wrapped?.call !== undefined) ofCalls.set(wrapped.call, wrapped.options);
        else parts.push({ type: 'reasoning', text: '', providerOptions: wrapped?.options ?? { anthropic: { redactedData: block.data } } });
        break;
      }
      case 'tool_use': {
        const mark = cacheOf(block.cache_control).providerOptions;
        const options = { ...ofCalls.get(block.id), ...mark };
        parts.push({
          type: 'tool-call',
          toolCallId: block.id,
          toolName: block.name,
          input: block.input,
          ...(Object.keys(options).length === 0 ? {} : { providerOptions: options }),
        });
        break;
      }
    }
  }
  return parts;
}

function cacheOf(mark: z.infer<typeof CacheControl>): { providerOptions?: SharedV4ProviderOptions } {
  return mark === undefined ? {} : { providerOptions: { anthropic: { cacheControl: mark as Record<string, string> } } };
}
