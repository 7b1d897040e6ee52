/** A rehearsal as the answer to a client's call (spec GTW-7): the prompt as the scripted model has it, its reply as parts of a stream. Pure. */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { AssistantPart, Message, ToolResultPart, UserPart } from '../../kernel/messages.ts';
import type { ModelReply, ModelRequest } from '../../runtime/models/model.ts';

export function rehearsalRequest(model: string, options: LanguageModelV4CallOptions): ModelRequest {
  const messages = options.prompt.flatMap(messageOf);
  return {
    ...{ model, messages, outputSchema: null, temperature: null },
    instructions: options.prompt.flatMap((message) => (message.role === 'system' ? [message.content] : [])).join('\n\n'),
    tools: (options.tools ?? []).flatMap((tool) =>
      tool.type === 'function' ? [{ name: tool.name, description: tool.description ?? '', inputSchema: tool.inputSchema as JsonObject }] : [],
    ),
    maxOutputTokens: options.maxOutputTokens ?? 0,
    turn: messages.filter(({ role }) => role === 'assistant').length + 1,
  };
}

function messageOf(message: LanguageModelV4Message): Message[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [
        { role: 'user', content: message.content.map((part): UserPart => ({ type: 'text', text: part.type === 'text' ? part.text : '[file]' })) },
      ];
    case 'assistant':
      return [{ role: 'assistant', content: message.content.flatMap(assistantPart) }];
    case 'tool':
      return [{ role: 'tool', content: message.content.flatMap(toolPart) }];
  }
}

function assistantPart(part: Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number]): AssistantPart[] {
  if (part.type === 'text') return [{ type: 'text', text: part.text }];
  if (part.type !== 'tool-call') return [];
  const args = typeof part.input === 'object' && part.input !== null && !Array.isArray(part.input) ? part.input : {};
  return [{ type: 'tool_call', callId: part.toolCallId, tool: part.toolName, args: args as Extract<AssistantPart, { type: 'tool_call' }>['args'] }];
}

function toolPart(part: Extract<LanguageModelV4Message, { role: 'tool' }>['content'][number]): ToolResultPart[] {
  if (part.type !== 'tool-result') return [];
  const { output } = part;
  const failed = output.type === 'error-text' || output.type === 'error-json';
  const text = output.type === 'text' || output.type === 'error-text' ? output.value : JSON.stringify('value' in output ? output.value : '');
  return [{ type: 'tool_result', callId: part.toolCallId, tool: part.toolName, text, failed }];
}

export function partsOf(reply: ModelReply): LanguageModelV4StreamPart[] {
  const parts = reply.content.flatMap((part, index): LanguageModelV4StreamPart[] => {
    const id = String(index);
    if (part.type === 'tool_call') {
      const input = JSON.stringify(part.args);
      const call = { id: part.callId, toolName: part.tool };
      return [
        { type: 'tool-input-start', ...call },
        { type: 'tool-input-delta', id: part.callId, delta: input },
        { type: 'tool-input-end', id: part.callId },
        { type: 'tool-call', toolCallId: part.callId, toolName: part.tool, input },
      ];
    }
    return [
      { type: `${part.type}-start`, id },
      { type: `${part.type}-delta`, id, delta: part.text },
      { type: `${part.type}-end`, id },
    ];
  });
  return [
    { type: 'stream-start', warnings: [] },
    ...parts,
    { type: 'finish', usage: usageOf(reply), finishReason: { unified: finishOf(reply.finish), raw: reply.finish } },
  ];
}

function finishOf(finish: ModelReply['finish']): Finished['finishReason']['unified'] {
  switch (finish) {
    case 'tool_calls':
      return 'tool-calls';
    case 'refused':
      return 'content-filter';
    case 'stop':
    case 'length':
    case 'other':
      return finish;
  }
}

type Finished = Extract<LanguageModelV4StreamPart, { type: 'finish' }>;

function usageOf({ usage }: ModelReply): Finished['usage'] {
  const { inputTokens, outputTokens, cachedInputTokens: cacheRead, cacheWriteTokens: cacheWrite, reasoningTokens: reasoning } = usage;
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens - cacheRead - cacheWrite, cacheRead, cacheWrite },
    outputTokens: { total: outputTokens, text: outputTokens - reasoning, reasoning },
  };
}
