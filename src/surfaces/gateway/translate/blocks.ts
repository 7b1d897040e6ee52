/**
 * An answer as blocks in order, one open at a time: what every protocol is written from. Providers may begin a block before the last has
 * ended (parallel tool calls); what comes early waits here for its turn.
 */
import type { LanguageModelV4Content, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { AppError } from '../../../kernel/errors.ts';
import { carriedOf, type Carried } from './carrier.ts';

/** `text` of a tool call is its arguments as JSON. */
export type Block = {
  kind: 'text' | 'reasoning' | 'tool';
  index: number;
  text: string;
  id: string;
  tool: string;
  /** OpenAI's own id of an item: what it encrypted is bound to it. */
  itemId: string | null;
  carried: Carried | null;
};
export type BlockEvent = { type: 'open'; block: Block } | { type: 'delta'; block: Block; text: string } | { type: 'close'; block: Block };

type Part = LanguageModelV4StreamPart;
type Waiting = Block & { key: string; said: number; opened: boolean; closed: boolean };

export type Blocks = {
  push(part: Part): BlockEvent[];
  /** Closes what the provider left open. */
  finish(): BlockEvent[];
};

/** @throws AppError `unsupported` for what no protocol here carries: files made by a model, tools that ran at the provider. */
export function createBlocks(): Blocks {
  const queue: Waiting[] = [];
  let next = 0;

  function open(kind: Block['kind'], id: string, part: { toolName?: string; providerMetadata?: Parameters<typeof carriedOf>[0] }): Waiting {
    const block = {
      kind,
      index: (next += 1) - 1,
      text: '',
      id,
      tool: part.toolName ?? '',
      itemId: itemIdOf(part.providerMetadata),
      carried: carriedOf(part.providerMetadata),
    };
    const waiting = { ...block, key: `${kind} ${id}`, said: 0, opened: false, closed: false };
    queue.push(waiting);
    return waiting;
  }
  const find = (kind: Block['kind'], id: string): Waiting | undefined => queue.findLast((block) => block.key === `${kind} ${id}` && !block.closed);

  function take(part: Part): void {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start':
        open(part.type === 'text-start' ? 'text' : 'reasoning', part.id, part);
        return;
      case 'text-delta':
      case 'reasoning-delta':
      case 'text-end':
      case 'reasoning-end': {
        const kind = part.type.startsWith('text') ? 'text' : 'reasoning';
        const block = find(kind, part.id) ?? open(kind, part.id, part);
        if ('delta' in part) block.text += part.delta;
        else block.closed = true;
        addCarried(block, part.providerMetadata);
        return;
      }
      case 'tool-input-start':
        refuseExecuted(part);
        open('tool', part.id, part);
        return;
      case 'tool-input-delta':
        (find('tool', part.id) ?? open('tool', part.id, {})).text += part.delta;
        return;
      case 'tool-call': {
        refuseExecuted(part);
        const block = find('tool', part.toolCallId) ?? open('tool', part.toolCallId, part);
        // What was streamed stays said; only what is missing of it is added.
        if (part.input.startsWith(block.text)) block.text = part.input;
        if (block.text.trim() === '') block.text = '{}';
        addCarried(block, part.providerMetadata);
        block.closed = true;
        return;
      }
      default:
        refuseOther(part);
    }
  }

  return {
    push(part) {
      take(part);
      return drain(queue);
    },
    finish() {
      for (const block of queue) block.closed = true;
      return drain(queue);
    },
  };
}

/** What can be said now: the first block in the queue, and the next once it has closed. */
function drain(queue: Waiting[]): BlockEvent[] {
  const events: BlockEvent[] = [];
  for (let first = queue[0]; first !== undefined; first = queue[0]) {
    if (!first.opened) events.push({ type: 'open', block: first });
    first.opened = true;
    if (first.text.length > first.said) events.push({ type: 'delta', block: first, text: first.text.slice(first.said) });
    first.said = first.text.length;
    if (!first.closed) break;
    events.push({ type: 'close', block: first });
    queue.shift();
  }
  return events;
}

/** The blocks of an answer that came whole. */
export function blocksOf(content: readonly LanguageModelV4Content[]): Block[] {
  const blocks = createBlocks();
  const closed: Block[] = [];
  for (const [index, part] of content.entries()) {
    const id = String(index);
    const pieces: Part[] =
      part.type === 'text' || part.type === 'reasoning'
        ? [
            { type: `${part.type}-start`, id, ...(part.providerMetadata === undefined ? {} : { providerMetadata: part.providerMetadata }) },
            { type: `${part.type}-delta`, id, delta: part.text },
            { type: `${part.type}-end`, id, ...(part.providerMetadata === undefined ? {} : { providerMetadata: part.providerMetadata }) },
          ]
        : [part];
    for (const piece of pieces) for (const event of blocks.push(piece)) if (event.type === 'close') closed.push(event.block);
  }
  return closed;
}

function itemIdOf(metadata: Parameters<typeof carriedOf>[0]): string | null {
  const id = metadata?.['openai']?.['itemId'];
  return typeof id === 'string' ? id : null;
}

/** A signature comes with a block's last piece; what came before it is kept. */
function addCarried(block: Block, metadata: Parameters<typeof carriedOf>[0]): void {
  const carried = carriedOf(metadata);
  if (carried !== null) block.carried = { ...block.carried, ...carried };
}

function refuseOther(part: Part): void {
  const next = 'Ask it by its own protocol.';
  if (part.type === 'file' || part.type === 'reasoning-file') {
    throw new AppError('unsupported', `The model answered with a file (${part.mediaType}), which is not translated.`, { next });
  }
  if (part.type === 'tool-result' || part.type === 'tool-approval-request') {
    throw new AppError('unsupported', 'The model ran a tool at its provider, which is not translated.', { next });
  }
}

function refuseExecuted(part: { providerExecuted?: boolean; toolName: string }): void {
  if (part.providerExecuted !== true) return;
  throw new AppError('unsupported', `The model ran the tool "${part.toolName}" at its provider, which is not translated.`, {
    next: 'Ask it by its own protocol.',
  });
}
