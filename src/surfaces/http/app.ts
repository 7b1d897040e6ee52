/**
 * The HTTP surface: every operation as a route, one door for all. Parses, authorises, calls, renders; no rules of its own.
 * Routes that are not operations (health, event streams, MCP, console) are mounted beside it by the composition root.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Context } from 'hono';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { CorrelationId, Ids } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Bound, Method } from '../../kernel/operation.ts';
import { pathNames } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Guard } from './guard.ts';
import type { OnceStore } from './idempotency.ts';
import { checkKey, once } from './idempotency.ts';
import { API_PREFIX, openApiDocument } from './openapi.ts';
import { parseInput } from './parse.ts';
import { problemOf, problemResponse } from './problem.ts';
import type { createRateLimiter } from './rate-limit.ts';
import { rateLimitHeaders } from './rate-limit.ts';

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

export type HttpEnv = { Variables: { correlation: CorrelationId; principal: Principal } };
export type HttpContext = Context<HttpEnv>;

export type HttpDeps = {
  operations: readonly Bound<Principal>[];
  /** Null for a key that is unknown, expired or revoked: the caller learns no more than that. */
  authenticate: (key: string) => Promise<Principal | null>;
  guard: Guard;
  limiter: ReturnType<typeof createRateLimiter>;
  requestsPerMinute: (principal: Principal) => number;
  once: OnceStore;
  ids: Ids;
  log: Log;
  version: string;
  /** Routes that go before an operation's of the same path. */
  first: (app: HttpApp) => void;
};

export type HttpApp = Hono<HttpEnv>;

export function createHttpApp(deps: HttpDeps): HttpApp {
  const app = new Hono<HttpEnv>();
  app.onError((error, c) => failure(deps, error, c));
  app.notFound((c) =>
    failure(
      deps,
      new AppError('not_found', `There is nothing at ${c.req.method} ${c.req.path}.`, { next: `${API_PREFIX}/openapi.json lists what there is.` }),
      c,
    ),
  );
  app.use('*', async (c, next) => {
    const given = c.req.header('x-correlation-id') ?? '';
    c.set('correlation', isId('cor', given) ? given : deps.ids.next('cor'));
    c.header('x-correlation-id', c.get('correlation'));
    deps.guard({ host: c.req.header('host'), origin: c.req.header('origin') });
    await next();
    c.header('x-content-type-options', 'nosniff');
  });
  app.use(`${API_PREFIX}/*`, bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => tooLarge() }));
  app.use(`${API_PREFIX}/*`, admit(deps));
  const document = openApiDocument(
    deps.operations.map((bound) => bound.operation),
    deps.version,
  );
  app.get(`${API_PREFIX}/openapi.json`, (c) => c.json(document));
  deps.first(app);
  for (const bound of deps.operations) {
    app.on(bound.operation.method, API_PREFIX + bound.operation.path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => serve(deps, bound, c));
  }
  return app;
}

function tooLarge(): never {
  throw new AppError('too_large', `The body is over ${MAX_BODY_BYTES / 1024 / 1024} MB.`, { next: 'Send less, or store it as a file and name it.' });
}

/** Middleware: key, actor, rate. Everything behind it has a principal. */
export function admit(deps: Pick<HttpDeps, 'authenticate' | 'limiter' | 'requestsPerMinute'>) {
  return async (c: HttpContext, next: () => Promise<void>): Promise<void> => {
    const [scheme, key] = (c.req.header('authorization') ?? '').split(' ');
    const principal = scheme?.toLowerCase() === 'bearer' && key ? await deps.authenticate(key) : null;
    if (principal === null) {
      throw new AppError('unauthenticated', key ? 'This key is not known, has expired, or was revoked.' : 'No key was given.', {
        next: 'Send "Authorization: Bearer KEY". On this machine the key is in local.key of the home folder; an owner makes more with `windlass key create`.',
      });
    }
    c.set('principal', principal);
    const rate = deps.limiter(principal.actor, deps.requestsPerMinute(principal));
    for (const [name, value] of Object.entries(rateLimitHeaders(rate))) c.header(name, value);
    if (!rate.allowed) {
      throw new AppError('rate_limited', `More than ${rate.limit} requests in a minute.`, {
        retryAfterMs: rate.resetMs,
        next: `Wait ${Math.ceil(rate.resetMs / 1000)} s.`,
      });
    }
    await next();
  };
}

async function serve(deps: HttpDeps, bound: Bound<Principal>, c: HttpContext): Promise<Response> {
  const { operation } = bound;
  const principal = c.get('principal');
  authorise(principal, operation.permission);
  const input = parseInput(operation, await rawInput(operation.method, pathNames(operation.path), c));
  const work = async (): Promise<{ status: number; body: string }> => {
    const output = await bound.handle({ principal, correlation: c.get('correlation'), surface: 'http' }, input);
    return { status: operation.status, body: JSON.stringify(operation.output.parse(output)) };
  };
  const key = operation.method === 'GET' ? undefined : c.req.header('idempotency-key');
  if (key === undefined) {
    const answer = await work();
    return respond(c, answer);
  }
  const scope = { org: principal.org, actor: principal.actor, endpoint: `${operation.method} ${c.req.path}`, key: checkKey(key) };
  const answer = await once(deps.once, { scope, input, secret: operation.showsSecret }, work);
  if (answer.replayed) c.header('idempotency-replayed', 'true');
  return respond(c, answer);
}

function respond(c: HttpContext, answer: { status: number; body: string }): Response {
  c.header('content-type', 'application/json');
  return c.newResponse(answer.body, answer.status === 201 || answer.status === 202 ? answer.status : 200);
}

async function rawInput(method: Method, names: readonly string[], c: HttpContext): Promise<Record<string, unknown>> {
  const inPath = Object.fromEntries(names.map((name) => [name, c.req.param(name)]));
  if (method === 'GET') return { ...queryInput(c), ...inPath };
  const text = await c.req.text();
  if (text.trim() === '') return inPath;
  if (!(c.req.header('content-type') ?? '').includes('json')) {
    throw new AppError('unsupported', 'The body must be JSON.', { next: 'Send "Content-Type: application/json".' });
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_input', `The body is no JSON: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new AppError('invalid_input', 'The body must be a JSON object.');
  return { ...body, ...inPath };
}

/** Repeated names become arrays; everything else stays text, and the contract coerces. */
function queryInput(c: HttpContext): Record<string, unknown> {
  return Object.fromEntries(Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

function failure(deps: Pick<HttpDeps, 'log' | 'ids'>, thrown: unknown, c: HttpContext): Response {
  const correlation = c.get('correlation') ?? deps.ids.next('cor');
  const error = toAppError(thrown);
  const problem = problemOf(error, correlation);
  if (problem.status >= 500) deps.log('error', 'request failed', { correlation, method: c.req.method, path: c.req.path, error });
  return problemResponse(problem, { 'x-correlation-id': correlation, ...rateHeadersOf(c) });
}

function rateHeadersOf(c: HttpContext): Record<string, string> {
  const names = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
  return Object.fromEntries(names.flatMap((name) => ((value) => (value === null ? [] : [[name, value] as const]))(c.res.headers.get(name))));
}
