/**
 * The model gateway (spec GTW): the endpoints that clients know from the providers, on the raw request and answer of Node, since every
 * millisecond here is one of every token. Puts its parts together; the rules stand in them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorrelationId, Ids } from '../../kernel/ids.ts';
import { isId } from '../../kernel/ids.ts';
import { toAppError } from '../../kernel/errors.ts';
import { NO_USAGE } from '../../kernel/messages.ts';
import type { Ledger } from '../../platform/budgets/ledger.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Answered } from '../http/app.ts';
import type { Guard } from '../http/guard.ts';
import { CACHE_HEADER, entryOf, type CacheEntry } from './answer-cache.ts';
import { readAsk } from './ask.ts';
import { placeOf } from './attempt.ts';
import type { CallDeps, Serving } from './call.ts';
import { carryOut, headerText } from './call.ts';
import { chainFor } from './choose.ts';
import { countTokens } from './count.ts';
import type { DoorDeps } from './door.ts';
import { admitKey, bodyOf, endpointIn } from './door.ts';
import { GATEWAY_PREFIX, protocolOf, sideOf } from './endpoint.ts';
import { DRAIN_MS } from './limits.ts';
import { answerList } from './listing.ts';
import { createOutgrown } from './outgrown.ts';
import { refuse } from './refuse.ts';
import { replyTo, type Reply } from './reply.ts';
import { createSettlements } from './settlements.ts';
import { clientError } from './translate/errors.ts';
import type { ClientError, Protocol } from './translate/protocol.ts';

export type GatewayDeps = Omit<CallDeps, 'settlements' | 'closing' | 'translating' | 'outgrown'> &
  DoorDeps & {
    ledger: Ledger;
    translating: Omit<CallDeps['translating'], 'closing'>;
    ids: Ids;
    guard: Guard;
    onAnswered: (answered: Answered) => void;
  };

export type Gateway = {
  /** Whether the request is one of the gateway's; then it is answered. */
  handle: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Ends what is under way, and waits a little for its outcomes to be written. */
  close(): Promise<void>;
};

type Deps = CallDeps & GatewayDeps;

/** One request on its way. */
type Visit = {
  request: IncomingMessage;
  reply: Reply;
  correlation: CorrelationId;
  protocol: Protocol;
  headers: Record<string, string>;
  principal: Principal | null;
  /** Whether the ledger knows of it: then the journal says what became of it. */
  journaled: boolean;
  code: string | null;
};

export function createGateway(parts: GatewayDeps): Gateway {
  const closing = new AbortController();
  const deps: Deps = {
    ...parts,
    settlements: createSettlements(parts),
    outgrown: createOutgrown(parts.log),
    closing: closing.signal,
    translating: { ...parts.translating, closing: closing.signal },
  };
  const visits = new Set<Promise<void>>();
  return {
    handle(request, response) {
      if (!(request.url ?? '').startsWith(GATEWAY_PREFIX)) return false;
      const visit = begin(deps, request, response);
      const startedMs = deps.clock.nowMs();
      response.once('close', () => tell(deps, visit, { status: response.statusCode, durationMs: deps.clock.nowMs() - startedMs }));
      const served = serve(deps, visit)
        .then(
          (error) => {
            if (error !== null) answerError(visit, error);
          },
          (thrown: unknown) => fail(deps, visit, thrown),
        )
        .finally(() => visits.delete(served));
      visits.add(served);
      return true;
    },
    async close() {
      closing.abort();
      await deps.dispatcher.destroy();
      const over = new AbortController();
      const settled = Promise.allSettled(visits).then(() => deps.settlements.written());
      await Promise.race([settled, deps.clock.sleep(DRAIN_MS, over.signal)]);
      over.abort();
    },
  };
}

function begin(deps: Deps, request: IncomingMessage, response: ServerResponse): Visit {
  const given = request.headers['x-correlation-id'];
  const correlation = typeof given === 'string' && isId('cor', given) ? given : deps.ids.next('cor');
  const headers = { 'x-correlation-id': correlation };
  const protocol = protocolOf(sideOf(request.url ?? ''));
  return { request, reply: replyTo(request, response), correlation, protocol, headers, principal: null, journaled: false, code: null };
}

/** Null when the client was answered. */
async function serve(deps: Deps, visit: Visit): Promise<ClientError | null> {
  const { request } = visit;
  deps.guard({ host: request.headers.host, origin: request.headers.origin });
  const endpoint = endpointIn(request);
  visit.protocol = endpoint.protocol;
  const { principal, own } = await admitKey(deps, request, endpoint.side);
  visit.principal = principal;
  const rate = deps.rates.admit(principal);
  Object.assign(visit.headers, rate.headers);
  if (rate.refusal !== null) throw rate.refusal;
  const { ask } = endpoint;
  if (ask.kind === 'list' || ask.kind === 'show') {
    answerList(deps.models, visit, { endpoint, principal });
    return null;
  }
  const call = {
    endpoint,
    ask: readAsk(endpoint, await bodyOf(request)),
    principal,
    own,
    correlation: visit.correlation,
    rawHeaders: request.rawHeaders,
  };
  const chain = chainFor(deps.models, call.ask.model, { side: endpoint.side, principal });
  const serving: Serving = { call, chain, reply: visit.reply, headers: visit.headers, entry: null };
  if (ask.kind === 'count') return countTokens(deps, serving);
  visit.journaled = true;
  return answer(deps, serving, request.headers[CACHE_HEADER]);
}

/** From what is kept, else by a model. */
async function answer(deps: Deps, serving: Serving, header: string | string[] | undefined): Promise<ClientError | null> {
  const entry = entryOf(serving.call, serving.chain, typeof header === 'string' ? header : undefined);
  if (entry === null) return carryOut(deps, serving);
  const again = await answerAgain(deps, serving, entry);
  if (again !== 'none') return again;
  serving.headers['x-windlass-cache'] = 'miss';
  return carryOut(deps, { ...serving, entry });
}

/** A kept answer costs nothing and is written down all the same. */
async function answerAgain(deps: Deps, { call, reply, headers }: Serving, entry: CacheEntry): Promise<ClientError | null | 'none'> {
  const kept = await deps.cache.find(entry).catch((error: unknown) => {
    deps.log('warn', 'kept answers could not be read', { error });
    return null; // the model can still be asked
  });
  if (kept === null) return 'none';
  const begun = await deps.settlements.begin({
    ...{ place: placeOf(call), model: kept.model, protocol: call.endpoint.protocol, inputTokens: 0, maxOutputTokens: 0, rehearsed: false },
    price: { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, date: '' },
    facts: { requested: call.ask.model, cache: 'hit', keptAtMs: kept.keptAtMs },
  });
  if (!begun.ok) return { status: 402, code: 'budget_exhausted', message: begun.refusal.message, retryAfterMs: begun.refusal.retryAfterMs };
  const ageSeconds = Math.max(0, Math.floor((deps.clock.nowMs() - kept.keptAtMs) / 1_000));
  const type = call.ask.stream ? 'text/event-stream; charset=utf-8' : 'application/json';
  const told = { 'x-windlass-cache': 'hit', 'x-windlass-model': headerText(kept.model), age: String(ageSeconds) };
  reply.answer(200, { 'content-type': type, ...headers, ...told }, kept.body);
  deps.settlements.settle(begun.call, {
    kind: 'replied',
    usage: NO_USAGE,
    status: 200,
    ms: 0,
    firstByteMs: 0,
    failure: null,
    facts: { cache: 'hit' },
  });
  return null;
}

function answerError(visit: Visit, error: ClientError): void {
  const { reply, protocol, headers } = visit;
  visit.code ??= error.code ?? null;
  refuse(reply, protocol, { error: { ...error, requestId: visit.correlation }, headers });
}

/** What was thrown: a refusal of ours, or a fault, of which a client learns no more than that. */
function fail(deps: Deps, visit: Visit, thrown: unknown): void {
  const error = toAppError(thrown);
  visit.code = error.code;
  const { correlation, request, reply } = visit;
  const told = clientError(thrown);
  if (told.status >= 500) deps.log('error', 'a gateway call failed', { correlation, path: pathOf(request), error });
  if (reply.begun()) reply.cut();
  else answerError(visit, told);
}

function tell({ onAnswered }: Deps, visit: Visit, { status, durationMs }: { status: number; durationMs: number }): void {
  const { request, correlation, principal, protocol, journaled, code } = visit;
  onAnswered({
    ...{ correlation, status, durationMs, code, method: request.method ?? '', path: pathOf(request), operation: `gateway.${protocol}` },
    principal: journaled ? null : principal,
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0] ?? '';
}
