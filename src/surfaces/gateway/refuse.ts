/** What a client is told when there is no answer, in its own protocol's form; and how that ends a stream that has begun. */
import type { Reply } from './reply.ts';
import { errorBody, writeError } from './translate/errors.ts';
import type { ClientError, Protocol } from './translate/protocol.ts';

export function refuse(
  reply: Reply,
  protocol: Protocol,
  { error, headers }: { error: ClientError; headers: Readonly<Record<string, string>> },
): void {
  const written = writeError(protocol, error);
  // the clients of OpenAI and Anthropic try again of themselves where it does not help
  const stop: Record<string, string> = written.status === 402 ? { 'x-should-retry': 'false' } : {};
  reply.answer(written.status, { ...written.headers, ...stop, ...headers }, written.body);
}

/** An error as the last event of a stream. */
export function brokenOff(protocol: Protocol, error: ClientError): string {
  const body = errorBody(protocol, error);
  switch (protocol) {
    case 'anthropic':
      return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
    case 'openai_responses':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code: error.code ?? 'server_error', message: error.message, param: null, sequence_number: 0 })}\n\n`;
    default:
      return `data: ${JSON.stringify(body)}\n\n`;
  }
}
