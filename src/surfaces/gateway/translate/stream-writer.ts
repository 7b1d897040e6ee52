/**
 * One streamed answer in any protocol: blocks in order, one end, and a failure told in the protocol's own form whenever it comes. The
 * protocol says what its events look like.
 */
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { Usage } from '../../../kernel/messages.ts';
import { finishOf, usageOf, type Finish } from './answer.ts';
import { createBlocks, type BlockEvent } from './blocks.ts';
import { clientError } from './errors.ts';
import type { ClientError, StreamWriter } from './protocol.ts';

export type StreamForm = {
  /** Before anything else. */
  start(): string;
  block(event: BlockEvent): string;
  finish(end: { finish: Exclude<Finish, 'failed'>; raw: string | null; usage: Usage }): string;
  fail(error: ClientError): string;
};

export function streamWriterOf(form: StreamForm): StreamWriter {
  const blocks = createBlocks();
  let started = false;
  let ended = false;
  let calls = false;

  const begin = (): string => {
    if (started) return '';
    started = true;
    return form.start();
  };
  const say = (events: readonly BlockEvent[]): string => {
    if (events.some(({ block }) => block.kind === 'tool')) calls = true;
    return events.map((event) => form.block(event)).join('');
  };
  const fail = (error: ClientError): string => {
    if (ended) return '';
    ended = true;
    return begin() + form.fail(error);
  };
  const brokeOff = (): string => fail({ status: 502, code: 'broke_off', message: 'The answer of the provider broke off before its end.' });

  function write(part: LanguageModelV4StreamPart): string {
    if (ended) return '';
    if (part.type === 'error') return fail(clientError(part.error));
    if (part.type === 'stream-start') return begin();
    if (part.type !== 'finish') return begin() + say(blocks.push(part));
    const last = begin() + say(blocks.finish());
    const finish = finishOf(part.finishReason, calls);
    if (finish === 'failed') return last + brokeOff();
    ended = true;
    return last + form.finish({ finish, raw: part.finishReason.raw ?? null, usage: usageOf(part.usage) });
  }

  return {
    write(part) {
      try {
        return write(part);
      } catch (error) {
        // What a protocol cannot carry comes in the middle of a stream: the client is told there.
        return fail(clientError(error));
      }
    },
    end: () => (ended ? '' : brokeOff()),
    fail,
  };
}
