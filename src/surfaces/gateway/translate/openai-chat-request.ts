/** OpenAI Chat Completions, the way in: a body of `POST /v1/chat/completions` as the AI SDK's call. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { accept, faulty, given, toldOf } from './accept.ts';
import { unwrap } from './carrier.ts';
import { Chat, type Message, type Texts } from './openai-chat-body.ts';
import { argumentsOf, fileFromUrl, functionTool, jsonFormat, promptBuilder, type AssistantPart, type UserPart } from './prompt-parts.ts';
import type { TranslatedRequest } from './protocol.ts';

const TOLD = ['metadata', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'] as const;
const NAMES = {
  temperature: 'temperature',
  topP: 'top_p',
  stopSequences: 'stop',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  parallel: 'parallel_tool_calls',
  responseFormat: 'response_format',
};

/** @throws AppError `invalid_input` */
export function readOpenaiChat(body: JsonObject): TranslatedRequest {
  const read = accept(Chat, body);
  return {
    protocol: 'openai_chat',
    model: read.model,
    stream: read.stream ?? false,
    body,
    options: optionsOf(read),
    names: NAMES,
    ignored: toldOf(body, TOLD),
  };
}

function optionsOf(read: Chat): LanguageModelV4CallOptions {
  const format = read.response_format;
  const choice = read.tool_choice;
  const stop = typeof read.stop === 'string' ? [read.stop] : read.stop;
  return {
    prompt: promptOf(read.messages),
    ...given({
      maxOutputTokens: read.max_completion_tokens ?? read.max_tokens,
      temperature: read.temperature,
      topP: read.top_p,
      frequencyPenalty: read.frequency_penalty,
      presencePenalty: read.presence_penalty,
      seed: read.seed,
      stopSequences: stop,
      reasoning: read.reasoning_effort,
      responseFormat:
        format?.type === 'json_schema'
          ? jsonFormat({ ...format.json_schema, description: format.json_schema.description ?? undefined })
          : format?.type === 'json_object'
            ? jsonFormat({})
            : undefined,
      tools: read.tools?.map(({ function: tool }) => functionTool({ ...tool, schema: tool.parameters ?? { type: 'object', properties: {} } })),
      toolChoice:
        choice === undefined ? undefined : typeof choice === 'string' ? { type: choice } : { type: 'tool' as const, toolName: choice.function.name },
    }),
    providerOptions: {
      anthropic: read.parallel_tool_calls === false ? { disableParallelToolUse: true } : {},
      openai: given({
        promptCacheKey: read.prompt_cache_key,
        textVerbosity: read.verbosity,
        strictJsonSchema: format?.type === 'json_schema' ? (format.json_schema.strict ?? false) : undefined,
      }),
    },
  };
}

function promptOf(messages: readonly Message[]): LanguageModelV4CallOptions['prompt'] {
  const prompt = promptBuilder();
  for (const [index, message] of messages.entries()) {
    const path = `messages.${index}`;
    switch (message.role) {
      case 'system':
      case 'developer':
        prompt.system(textOf(message.content));
        break;
      case 'user':
        prompt.user(...userParts(message, `${path}.content`));
        break;
      case 'assistant':
        prompt.assistant(...assistantParts(message));
        break;
      case 'tool': {
        const toolName = prompt.toolOf(message.tool_call_id, `${path}.tool_call_id`);
        prompt.tool({ type: 'tool-result', toolCallId: message.tool_call_id, toolName, output: { type: 'text', value: textOf(message.content) } });
      }
    }
  }
  if (prompt.messages.length === 0) throw faulty([{ path: 'messages', message: 'say nothing' }]);
  return prompt.messages;
}

function textOf(content: Texts): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n\n');
}

function userParts({ content }: Extract<Message, { role: 'user' }>, path: string): UserPart[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return content.flatMap((part, index): UserPart[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }];
    if (part.type === 'file') {
      const { filename, file_data } = part.file;
      return [{ ...fileFromUrl(file_data, `${path}.${index}.file.file_data`, 'application/pdf'), ...(filename === undefined ? {} : { filename }) }];
    }
    const { url, detail } = part.image_url;
    const providerOptions = detail === undefined || detail === 'auto' ? {} : { providerOptions: { openai: { imageDetail: detail } } };
    return [{ ...fileFromUrl(url, `${path}.${index}.image_url.url`), ...providerOptions }];
  });
}

function assistantParts(message: Extract<Message, { role: 'assistant' }>): AssistantPart[] {
  const content =
    typeof message.content === 'string'
      ? [message.content]
      : (message.content ?? []).map((part) => (part.type === 'text' ? part.text : part.refusal));
  const texts = [...content, message.refusal ?? ''].filter((text) => text !== '');
  return [
    ...(message.reasoning_content === undefined || message.reasoning_content === ''
      ? []
      : [{ type: 'reasoning' as const, text: message.reasoning_content }]),
    ...texts.map((text) => ({ type: 'text' as const, text })),
    ...(message.tool_calls ?? []).map((call): AssistantPart => {
      const signature = call.extra_content?.google?.thought_signature;
      const options = signature === undefined ? undefined : (unwrap(signature)?.options ?? { google: { thoughtSignature: signature } });
      const input = argumentsOf(call.function.arguments);
      return {
        type: 'tool-call',
        toolCallId: call.id,
        toolName: call.function.name,
        input,
        ...(options === undefined ? {} : { providerOptions: options }),
      };
    }),
  ];
}
