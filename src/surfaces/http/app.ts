/**
 * The HTTP surface: every operation as a route, one door for all. Parses, authorises, calls, renders; no rules of its own.
 * Routes that are not operations (health, event streams, MCP, console) are mounted beside it by the composition root.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { CorrelationId, Ids } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import type { Bound } from '../../kernel/operation.ts';
import { pathNames } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { isUnstorable } from '../../storage/database-errors.ts';
import type { AdmitDeps } from './admit.ts';
import { admit } from './admit.ts';
import { withinOf } from './within.ts';
import { conditionalAnswer, refuseUnmatched } from './conditional.ts';
import type { HttpApp, HttpContext, HttpEnv } from './context.ts';
import type { Guard } from './guard.ts';
import type { Answer, OnceStore } from './idempotency.ts';
import { once, scopeOf } from './idempotency.ts';
import { API_PREFIX, openApiDocument } from './openapi.ts';
import { parseInput } from './parse.ts';
import { problemOf, problemResponse } from './problem.ts';
import { rawInput } from './raw-input.ts';

export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** One request that was answered: never its query, body or key. */
export type Answered = {
  principal: Principal | null;
  correlation: CorrelationId;
  method: string;
  path: string;
  /** Name of the operation, null for what is none. */
  operation: string | null;
  status: number;
  /** Of a refusal or fault. */
  code: string | null;
  durationMs: number;
};

export type HttpDeps = AdmitDeps & {
  operations: readonly Bound<Principal>[];
  guard: Guard;
  once: OnceStore;
  ids: Ids;
  log: Log;
  version: string;
  nowMs: () => number;
  onAnswered: (answered: Answered) => void;
  /** Routes that go before an operation's of the same path. */
  first: (app: HttpApp) => void;
};

/** For answers that are data: no page may be made of them or around them. A page sets its own. */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

export function createHttpApp(deps: HttpDeps): HttpApp {
  const app = new Hono<HttpEnv>();
  app.onError((error, c) => failure(deps, error, c));
  app.notFound((c) => failure(deps, nothingAt(c), c));
  app.use('*', (c, next) => envelope(deps, c, next));
  app.use('*', async (c, next) => {
    deps.guard({ host: c.req.header('host'), origin: c.req.header('origin') });
    await next();
  });
  app.use(`${API_PREFIX}/*`, admit(deps));
  app.use('*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => tooLarge() }));
  const document = JSON.stringify(
    openApiDocument(
      deps.operations.map((bound) => bound.operation),
      deps.version,
    ),
  );
  app.get(`${API_PREFIX}/openapi.json`, (c) => conditionalAnswer(c, document));
  deps.first(app);
  for (const bound of deps.operations) {
    const current = deps.operations.find(({ operation }) => operation.method === 'GET' && operation.path === bound.operation.path) ?? null;
    app.on(bound.operation.method, API_PREFIX + bound.operation.path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => serve(deps, { bound, current }, c));
  }
  return app;
}

/** Around everything: the correlation id in and out, headers that every answer has, and word of the answer. */
async function envelope(deps: HttpDeps, c: HttpContext, next: () => Promise<void>): Promise<void> {
  const startedMs = deps.nowMs();
  const given = c.req.header('x-correlation-id') ?? '';
  c.set('correlation', isId('cor', given) ? given : deps.ids.next('cor'));
  await next();
  c.header('x-correlation-id', c.get('correlation'));
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!c.res.headers.has(name)) c.header(name, value);
  const principal: Principal | undefined = c.get('principal'); // only behind `admit`
  deps.onAnswered({
    principal: principal ?? null,
    correlation: c.get('correlation'),
    method: c.req.method,
    path: c.req.path,
    operation: c.get('operation') ?? null,
    status: c.res.status,
    code: c.get('code') ?? null,
    durationMs: deps.nowMs() - startedMs,
  });
}

function nothingAt(c: HttpContext): AppError {
  return new AppError('not_found', `There is nothing at ${c.req.method} ${c.req.path.slice(0, 200)}.`, {
    next: `${API_PREFIX}/openapi.json lists what there is.`,
  });
}

function tooLarge(): never {
  throw new AppError('too_large', `The body is over ${MAX_BODY_BYTES / 1024 / 1024} MB.`, { next: 'Send less, or store it as a file and name it.' });
}

/** `current` reads the state that the operation changes, where there is such a thing. */
type Route = { bound: Bound<Principal>; current: Bound<Principal> | null };

async function serve(deps: HttpDeps, route: Route, c: HttpContext): Promise<Response> {
  const { operation } = route.bound;
  c.set('operation', operation.name);
  const principal = c.get('principal');
  authorise(principal, operation.permission);
  const input = parseInput(operation, await rawInput(operation.method, pathNames(operation.path), c));
  const caller = { principal, correlation: c.get('correlation'), surface: 'http', ...withinOf(c) } as const;
  if (operation.method === 'GET') return conditionalAnswer(c, await bodyOf(route.bound, caller, input));

  const match = c.req.header('if-match');
  const key = c.req.header('idempotency-key');
  if (key === undefined) return respond(c, await change(route, { caller, input, match }));
  const scope = scopeOf(principal, `${operation.method} ${c.req.path}`, key);
  const named = { ...caller, request: sha256Hex(JSON.stringify([scope.actor, scope.endpoint, scope.key])) };
  const request = { scope, input: match === undefined ? input : [input, match], secret: operation.showsSecret };
  const answer = await once(deps, request, () => change(route, { caller: named, input, match }));
  if (answer.replayed) c.header('idempotency-replayed', 'true');
  return respond(c, answer);
}

type Asker = Parameters<Bound<Principal>['handle']>[0];

async function bodyOf({ operation, handle }: Bound<Principal>, caller: Asker, input: unknown): Promise<string> {
  return JSON.stringify(operation.output.parse(await handle(caller, input)));
}

async function change(
  { bound, current }: Route,
  { caller, input, match }: { caller: Asker; input: Readonly<Record<string, unknown>>; match: string | undefined },
): Promise<Answer> {
  const { operation } = bound;
  const base = match === undefined ? {} : await baseOf(operation, current, { caller, input, match });
  return { status: operation.status, body: await bodyOf(bound, caller, { ...input, ...base }) };
}

/**
 * Refuses a change made from another state than the present one. Where the contract takes a `baseVersion`, the version that was
 * compared is handed on, so that nothing can come in between.
 */
async function baseOf(
  operation: Bound<Principal>['operation'],
  current: Bound<Principal> | null,
  { caller, input, match }: { caller: Asker; input: Readonly<Record<string, unknown>>; match: string },
): Promise<{ baseVersion?: number }> {
  if (current === null) refuseUnmatched(match, null);
  if (current === null) return {};
  authorise(caller.principal, current.operation.permission);
  const names = pathNames(operation.path).map((name) => [name, input[name]] as const);
  const body = await bodyOf(current, caller, parseInput(current.operation, Object.fromEntries(names)));
  refuseUnmatched(match, body);
  const { version } = JSON.parse(body) as { version?: unknown };
  return 'baseVersion' in operation.input.shape && typeof version === 'number' ? { baseVersion: version } : {};
}

function respond(c: HttpContext, answer: Answer): Response {
  c.header('content-type', 'application/json');
  return c.newResponse(answer.body, answer.status === 201 || answer.status === 202 ? answer.status : 200);
}

function failure(deps: Pick<HttpDeps, 'log' | 'ids'>, thrown: unknown, c: HttpContext): Response {
  const correlation = c.get('correlation') ?? deps.ids.next('cor');
  const error = isUnstorable(thrown) ? unstorable(thrown) : toAppError(thrown);
  const problem = problemOf(error, correlation);
  c.set('code', problem.code);
  if (problem.status >= 500) deps.log('error', 'request failed', { correlation, method: c.req.method, path: c.req.path, error });
  return problemResponse(problem, { ...rateHeadersOf(c) });
}

function unstorable(cause: unknown): AppError {
  return new AppError('invalid_input', 'The input holds a text or number that cannot be stored, such as the character NUL or a number too large.', {
    next: 'Leave it out and send the rest.',
    cause,
  });
}

function rateHeadersOf(c: HttpContext): Record<string, string> {
  const names = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'];
  return Object.fromEntries(names.flatMap((name) => ((value) => (value === null ? [] : [[name, value] as const]))(c.res.headers.get(name))));
}
