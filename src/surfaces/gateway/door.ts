/** Who calls, and what: the virtual key, its permission and rate, the body. Everything behind it is a call that may be made. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../kernel/errors.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { KeyCache } from '../../platform/identity/key-cache.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { GUESSES_PER_MINUTE } from '../http/admit.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import { refuseBeyond } from '../http/rate-limit.ts';
import type { Endpoint, Side } from './endpoint.ts';
import { endpointOf, keyInQuery, sideOf } from './endpoint.ts';
import { credentialsOf, KEY_HEADER } from './headers.ts';
import { REQUEST_BYTES } from './limits.ts';

const PATH_CHARS = 200;
const MAX_KEY_CHARS = 500;

export type DoorDeps = {
  keys: KeyCache;
  /** Of guesses of keys, by address. */
  limiter: RateLimiter;
};

/** @throws AppError `not_found` for what is no endpoint. */
export function endpointIn(request: IncomingMessage): Endpoint {
  const url = request.url ?? '';
  const endpoint = endpointOf(request.method ?? '', url);
  if (endpoint !== null) return endpoint;
  throw new AppError('not_found', `There is nothing at ${request.method ?? ''} ${(url.split('?')[0] ?? '').slice(0, PATH_CHARS)}.`, {
    next: `Set the base URL of your client to /gateway/${sideOf(url)} of this server${sideOf(url) === 'openai' ? ', with /v1 behind it' : ''}.`,
  });
}

/** @throws AppError `unauthenticated`, `denied`, `rate_limited` for too many guesses. */
export async function admitKey(deps: DoorDeps, request: IncomingMessage, side: Side): Promise<{ principal: Principal; own: readonly string[] }> {
  const { key, own } = credentialsOf(side, request.headers, side === 'google' ? keyInQuery(request.url ?? '') : null);
  if (key === null || key === '') throw unauthenticated('No key was given.');
  const guesser = (): string => `address ${request.socket.remoteAddress ?? 'unknown'}`;
  // before the database is asked, so that guessing costs it nothing; a key that was good passes, whatever its neighbours do
  if (!deps.keys.wasGood(key)) refuseBeyond(deps.limiter(guesser(), GUESSES_PER_MINUTE, 0), 'unknown keys from this address');
  const principal = key.length > MAX_KEY_CHARS ? null : await deps.keys.authenticate(key);
  if (principal === null) {
    deps.limiter(guesser(), GUESSES_PER_MINUTE);
    throw unauthenticated('This key is not known, has expired, or was revoked.');
  }
  authorise(principal, 'gateway.use');
  return { principal, own };
}

function unauthenticated(message: string): AppError {
  return new AppError('unauthenticated', message, {
    next: `Give your client a virtual key in place of the provider's, or send one in ${KEY_HEADER}: \`windlass key create NAME --scopes gateway\` makes one.`,
  });
}

/** @throws AppError `too_large`, `unsupported` for a compressed body, `invalid_input` for one that breaks off. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new AppError('unsupported', `A body compressed with ${encoding.slice(0, 20)} cannot be metered.`, { next: 'Send it as it is.' });
  }
  if (Number(request.headers['content-length'] ?? 0) > REQUEST_BYTES) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > REQUEST_BYTES) {
        request.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)));
    request.once('close', () => {
      if (!request.complete) reject(new AppError('invalid_input', 'The request broke off.'));
    });
    request.once('error', () => reject(new AppError('invalid_input', 'The request broke off.')));
  });
}

function tooLarge(): AppError {
  return new AppError('too_large', `The request is over ${REQUEST_BYTES / 1024 / 1024} MB.`, { next: 'Send less.' });
}
