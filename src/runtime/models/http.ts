/**
 * The fetch that a provider's SDK is given for one call: bounded, without redirects (a redirect would carry the key elsewhere), and
 * noting how far the call has come, which decides what a failure may have cost. Not a client: nothing is retried or pooled here.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ModelLimits } from './limits.ts';

/** How far one call has come. */
export type Exchange = {
  /** The request may have left this machine. */
  sent: boolean;
  /** Headers of a good answer have come: the provider is at work. */
  answered: boolean;
  /** The answer was larger than the limit and was cut. */
  tooLarge: boolean;
  /** When anything was last heard, keep-alive comments included (milliseconds since the epoch). */
  heardMs: number;
};

export type Fetch = typeof globalThis.fetch;

export const newExchange = (): Exchange => ({ sent: false, answered: false, tooLarge: false, heardMs: 0 });

/** Connecting failed, so no byte of the request can have left. */
export const NEVER_LEFT =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|CERT_.*|UNABLE_TO_.*|.*SELF_SIGNED.*|ERR_INVALID_URL|ERR_SSL_.*)$/;

export function boundedFetch(deps: { fetch: Fetch; clock: Clock; limits: ModelLimits; exchange: Exchange }): Fetch {
  const { clock, exchange, limits } = deps;
  return async (input, init) => {
    exchange.sent = true;
    let response: Response;
    try {
      response = await deps.fetch(input, { ...init, redirect: 'error' });
    } catch (error) {
      // The SDK tells of it; here only whether anything can have been spent.
      if (NEVER_LEFT.test(causeCode(error))) exchange.sent = false;
      throw error;
    }
    exchange.answered = response.ok;
    if (response.body === null) return response;
    const hear = (bytes: number): void => {
      exchange.heardMs = clock.nowMs();
      exchange.tooLarge ||= bytes > limits.responseBytes;
    };
    const body = response.ok ? failBeyond(response.body, exchange, hear) : cutBeyond(response.body, limits.errorBytes);
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
  };
}

/** The system's or TLS's code of a failed fetch, from whichever cause carries one; empty when none does. */
export function causeCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return '';
}

/** `hear` is told how many bytes there were so far, and decides whether they are too many. */
function failBeyond(body: ReadableStream<Uint8Array>, exchange: Exchange, hear: (bytes: number) => void): ReadableStream<Uint8Array> {
  let bytes = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        hear(bytes);
        if (exchange.tooLarge) controller.error(new AppError('too_large', 'The answer is larger than is accepted.'));
        else controller.enqueue(chunk);
      },
    }),
  );
}

function cutBeyond(body: ReadableStream<Uint8Array>, limitBytes: number): ReadableStream<Uint8Array> {
  let left = limitBytes;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.byteLength;
        if (left <= 0) controller.terminate();
      },
    }),
  );
}
