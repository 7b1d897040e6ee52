/**
 * The typed client: every operation of `web/operations.ts` is a call, as in `api.runs.get({ id })`. Routes are made from the contracts by
 * the build; what an answer is, the server has checked. The session cookie says who asks.
 */
import routes from 'virtual:routes';
import type { z } from 'zod';
import type { ErrorCode, Fault } from '../../../src/kernel/errors.ts';
import { AppError, ERROR_CODES, toAppError } from '../../../src/kernel/errors.ts';
import type { Operations } from '../../operations.ts';

const API_PREFIX = '/api/v1';

/** What went wrong, in the server's own words: what happened, and the next step. */
export type Problem = { code: ErrorCode; title: string; detail: string; next: string; faults: readonly Fault[]; correlationId: string | null };

type In<Op> = Op extends { input: infer I extends z.ZodType } ? z.input<I> : never;
type Out<Op> = Op extends { output: infer O extends z.ZodType } ? z.output<O> : never;
type Nothing = Record<string, never>;

/** One operation. `id` names it for caches. */
export type Call<I, O> = {
  (input: I, options?: { signal?: AbortSignal; idempotencyKey?: string }): Promise<O>;
  readonly id: string;
};
export type Api = { readonly [D in keyof Operations]: { readonly [K in keyof Operations[D]]: Call<In<Operations[D][K]>, Out<Operations[D][K]>> } };

/** What a call takes and answers, for types of parts. */
export type InputOf<C> = C extends Call<infer I, infer _O> ? I : Nothing;
export type AnswerOf<C> = C extends Call<infer _I, infer O> ? O : never;

export const api = Object.fromEntries(
  Object.entries(routes).map(([domain, calls]) => [
    domain,
    Object.fromEntries(Object.entries(calls).map(([key, route]) => [key, Object.assign(callOf(route), { id: `${domain}.${key}` })])),
  ]),
) as unknown as Api;

type Options = { signal?: AbortSignal; idempotencyKey?: string };

function callOf([method, path]: readonly [string, string]) {
  return async (input: Readonly<Record<string, unknown>>, options: Options = {}): Promise<unknown> => {
    const rest = Object.entries(input).filter(([name, value]) => value !== undefined && !path.includes(`{${name}}`));
    const filled = API_PREFIX + path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(input[name])));
    const query = method === 'GET' ? new URLSearchParams(rest.flatMap(([name, value]) => [value].flat().map((item) => [name, String(item)]))) : null;
    return request(query === null || query.size === 0 ? filled : `${filled}?${query.toString()}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(query === null ? { 'content-type': 'application/json' } : {}),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      },
      ...(query === null ? { body: JSON.stringify(Object.fromEntries(rest)) } : {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  };
}

/** Any request to this server. @throws AppError; one that says nobody is signed in is also told to who listens by `onSignedOut`. */
export async function request(path: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw new AppError('unavailable', 'Windlass does not answer.', {
      next: 'Check that the server runs and that this machine reaches it; what you see stays as it was.',
    });
  });
  const text = await response.text();
  // that signing in failed says nothing of a session that is there
  if (response.status === 401 && path.startsWith(API_PREFIX)) tellSignedOut();
  if (!response.ok) throw errorOf(response, text);
  return JSON.parse(text);
}

const listeners = new Set<() => void>();

/** Calls `on` when the server says that nobody is signed in any more; returns what ends that. */
export function onSignedOut(on: () => void): () => void {
  listeners.add(on);
  return () => listeners.delete(on);
}

export function tellSignedOut(): void {
  for (const on of listeners) on();
}

type Said = { code?: string; detail?: string; next?: string; faults?: Fault[]; correlationId?: string };

function errorOf(response: Response, text: string): AppError {
  let said: Said = {};
  try {
    said = JSON.parse(text) as Said;
  } catch {
    // some proxy's page: the status says enough
  }
  const code = said.code !== undefined && Object.hasOwn(ERROR_CODES, said.code) ? (said.code as ErrorCode) : 'unavailable';
  return new AppError(code, said.detail ?? `The server answered ${response.status}.`, {
    next: said.next ?? 'Try again in a while.',
    ...(said.faults === undefined ? {} : { faults: said.faults }),
    cause: { correlationId: said.correlationId ?? response.headers.get('x-correlation-id') },
  });
}

/** Anything thrown as a problem that can be shown. */
export function asProblem(thrown: unknown): Problem {
  const error = toAppError(thrown);
  const said = error.cause as { correlationId?: string | null } | undefined;
  return {
    code: error.code,
    title: ERROR_CODES[error.code].title,
    detail: error.message,
    next: error.next ?? 'Load the page again. If it comes back, it is a fault of the console.',
    faults: error.faults,
    correlationId: typeof said?.correlationId === 'string' ? said.correlationId : null,
  };
}
