/**
 * The typed client of the HTTP API: every operation of every contract is a call. Used by the CLI and other separate processes;
 * it knows contracts and the kernel, nothing of the server's inside.
 */
import type { z } from 'zod';
import { AppError, ERROR_CODES } from '../kernel/errors.ts';
import type { ErrorCode, Fault } from '../kernel/errors.ts';
import type { Operation } from '../kernel/operation.ts';
import { pathNames } from '../kernel/operation.ts';

export const API_PREFIX = '/api/v1';

export type Api = {
  readonly url: string;
  /** @throws AppError as the server's problem says; `unavailable` when it does not answer. */
  call<Op extends Operation>(
    operation: Op,
    input: z.input<Op['input']>,
    options?: { idempotencyKey?: string; signal?: AbortSignal },
  ): Promise<z.output<Op['output']>>;
  /** Server-sent events of a path below the API prefix, from `after`; ends when the server ends it. */
  stream(path: string, signal?: AbortSignal): AsyncIterable<StreamFrame>;
};

export type StreamFrame = { id: string | null; event: string; data: string };

export type ApiOptions = {
  url: string;
  key: string | null;
  /** Code of the project that this process was launched on: the server refuses what aims at another one. */
  project?: string | undefined;
  fetch: typeof globalThis.fetch;
};

export function createApi(options: ApiOptions): Api {
  const request = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (options.key !== null) headers.set('authorization', `Bearer ${options.key}`);
    if (options.project !== undefined) headers.set('x-windlass-project', options.project);
    try {
      return await options.fetch(`${options.url}${path}`, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new AppError('unavailable', `No Windlass answers at ${options.url}.`, {
        next: 'Start it with `npm start` (or `windlass up`), or name another one in WINDLASS_URL.',
        cause: error,
      });
    }
  };
  return {
    url: options.url,
    async call(operation, input, callOptions = {}) {
      const { path, body } = place(operation, input);
      const response = await request(path, {
        method: operation.method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(callOptions.idempotencyKey === undefined ? {} : { 'idempotency-key': callOptions.idempotencyKey }),
        },
        ...(body === undefined ? {} : { body }),
        ...(callOptions.signal === undefined ? {} : { signal: callOptions.signal }),
      });
      if (!response.ok) throw await problemError(response);
      return operation.output.parse(await jsonBody(response)) as z.output<(typeof operation)['output']>;
    },
    async *stream(path, signal) {
      const response = await request(`${API_PREFIX}${path}`, {
        headers: { accept: 'text/event-stream' },
        ...(signal === undefined ? {} : { signal }),
      });
      if (!response.ok) throw await problemError(response);
      if (response.body !== null) yield* parseFrames(response.body);
    },
  };
}

async function jsonBody(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw new AppError('unavailable', `What answers at ${new URL(response.url || 'http://unknown').host} is no Windlass, or broke off.`, {
      next: 'Check WINDLASS_URL; `windlass doctor` says what answers there.',
      cause: error,
    });
  }
}

/** Members named in the path go there, the rest into the query of a GET or the body of anything else. */
function place(operation: Operation, input: Readonly<Record<string, unknown>>): { path: string; body: string | undefined } {
  const inPath = pathNames(operation.path);
  const path = API_PREFIX + operation.path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(input[name])));
  const rest = Object.entries(input).filter(([name, value]) => !inPath.includes(name) && value !== undefined);
  if (operation.method !== 'GET') return { path, body: rest.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rest)) };
  const query = new URLSearchParams(
    rest.flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((item): [string, string] => [name, String(item)])),
  );
  return { path: query.size === 0 ? path : `${path}?${query.toString()}`, body: undefined };
}

type ProblemBody = { code?: string; detail?: string; next?: string; faults?: Fault[]; correlationId?: string; retryAfterMs?: number };

export async function problemError(response: Response): Promise<AppError> {
  let problem: ProblemBody = {};
  try {
    problem = (await response.json()) as ProblemBody;
  } catch {
    // Not ours: some proxy's page. The status still says enough.
  }
  const code: ErrorCode = problem.code !== undefined && Object.hasOwn(ERROR_CODES, problem.code) ? (problem.code as ErrorCode) : 'unavailable';
  const correlation = code === 'internal' && problem.correlationId !== undefined ? ` (${problem.correlationId})` : '';
  return new AppError(code, `${problem.detail ?? `The server answered ${response.status}.`}${correlation}`, {
    ...(problem.next === undefined ? {} : { next: problem.next }),
    ...(problem.faults === undefined ? {} : { faults: problem.faults }),
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  });
}

/** The event-stream format of the HTML standard, section 9.2.6, as far as our server writes it. */
export async function* parseFrames(body: ReadableStream<Uint8Array>): AsyncIterable<StreamFrame> {
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const frame: StreamFrame = { id: null, event: 'message', data: '' };
      for (const line of block.split('\n')) {
        if (line.startsWith('id: ')) frame.id = line.slice(4);
        else if (line.startsWith('event: ')) frame.event = line.slice(7);
        else if (line.startsWith('data: ')) frame.data += line.slice(6);
      }
      if (frame.data !== '') yield frame;
    }
  }
}
