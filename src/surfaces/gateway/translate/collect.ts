/** A streamed answer as a whole one, for clients that do not stream: so that silence and size are bounded in one way only. */
import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart, SharedV4ProviderMetadata } from '@ai-sdk/provider';
import { AppError } from '../../../kernel/errors.ts';
import { createBlocks, type Block } from './blocks.ts';

/** @throws what the stream throws or says as its error; AppError `unavailable` when it ends without an end. */
export async function collectResult(stream: AsyncIterable<LanguageModelV4StreamPart>): Promise<LanguageModelV4GenerateResult> {
  const blocks = createBlocks();
  const content: LanguageModelV4Content[] = [];
  const take = (events: ReturnType<typeof blocks.push>): void => {
    for (const event of events) if (event.type === 'close') content.push(contentOf(event.block));
  };
  for await (const part of stream) {
    // A provider's own words for its failure: the caller knows how to tell them.
    if (part.type === 'error') throw part.error;
    take(blocks.push(part));
    if (part.type !== 'finish') continue;
    take(blocks.finish());
    if (part.finishReason.unified === 'error' || part.finishReason.unified === 'interrupted') break;
    return { content, finishReason: part.finishReason, usage: part.usage, warnings: [] };
  }
  throw new AppError('unavailable', 'The answer of the provider broke off before its end.', { next: 'Ask again.' });
}

function contentOf({ kind, id, tool, text, carried }: Block): LanguageModelV4Content {
  const metadata = carried === null ? {} : { providerMetadata: carried as SharedV4ProviderMetadata };
  return kind === 'tool' ? { type: 'tool-call', toolCallId: id, toolName: tool, input: text, ...metadata } : { type: kind, text, ...metadata };
}
