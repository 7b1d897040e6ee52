/**
 * The gateway on a port of its own before a scripted provider, with a ledger in memory that shows what was begun and ended. Keys, kept answers
 * and models are the real ones; the whole server with the real ledger is `server.ts`.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { Agent } from 'undici';
import { systemClock } from '../../src/kernel/clock.ts';
import type { BudgetRefusal } from '../../src/platform/budgets/budget.ts';
import type { CallOutcome, Ledger, PlannedCall } from '../../src/platform/budgets/ledger.ts';
import { createKeyCache } from '../../src/platform/identity/key-cache.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { AliasSettings } from '../../src/runtime/models/aliases.ts';
import { createModels } from '../../src/runtime/models/models.ts';
import { createGuard } from '../../src/surfaces/http/guard.ts';
import type { Answered } from '../../src/surfaces/http/app.ts';
import { createRateLimiter } from '../../src/surfaces/http/rate-limit.ts';
import { createAnswerCache } from '../../src/surfaces/gateway/answer-cache.ts';
import { createHolds } from '../../src/surfaces/gateway/choose.ts';
import { createGateway } from '../../src/surfaces/gateway/gateway.ts';
import { createRates, type RateSettings } from '../../src/surfaces/gateway/rates.ts';
import { testDatabase } from './database.ts';
import { callerOf, testIdentity, testIds, testOwner } from './identity.ts';
import { startProviderServer, type ProviderServer } from './provider-server.ts';

export type LedgerCall = { planned: PlannedCall; granted: number; outcome: CallOutcome | null };
export type MemoryLedger = Ledger & {
  calls: LedgerCall[];
  /** The next call is refused. */
  refuse(refusal: BudgetRefusal): void;
  /** No call gets more output tokens than this. */
  grantAtMost(tokens: number): void;
  /** Outcomes so far. */
  outcomes(): CallOutcome[];
};

export function memoryLedger(): MemoryLedger {
  const calls: LedgerCall[] = [];
  const refusals: BudgetRefusal[] = [];
  let most = Infinity;
  return {
    calls,
    refuse: (refusal) => void refusals.push(refusal),
    grantAtMost: (tokens) => {
      most = tokens;
    },
    outcomes: () => calls.flatMap(({ outcome }) => (outcome === null ? [] : [outcome])),
    async begin(planned) {
      const refusal = refusals.shift();
      if (refusal !== undefined) return { ok: false, refusal };
      const granted = Math.min(most, planned.maxOutputTokens);
      calls.push({ planned, granted, outcome: null });
      return { ok: true, call: String(calls.length - 1), maxOutputTokens: granted };
    },
    async end(call, outcome) {
      const found = calls[Number(call)];
      if (found !== undefined) found.outcome ??= outcome;
      return { costMicroUsd: null };
    },
  };
}

export type WantedKey = {
  models?: string[];
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  cacheSeconds?: number;
  scopes?: Principal['scopes'][number][];
};
export type TestGateway = AsyncDisposable & {
  /** Ends before `/gateway`. */
  url: string;
  upstream: ProviderServer;
  ledger: MemoryLedger;
  answered: Answered[];
  secret: string;
  key(wanted: WantedKey): Promise<{ secret: string; id: string }>;
  revoke(id: string): Promise<unknown>;
  /** With the gateway's own key as `x-api-key`, `x-goog-api-key` and bearer, unless headers say otherwise. */
  post(path: string, body: unknown, options?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<Response>;
  get(path: string): Promise<Response>;
};

/** In place of a provider's key: the providers are `anthropic`, `openai`, `google` and `lab`, an OpenAI-compatible one. */
export const PROVIDER_KEY = 'provider-key-0123456789';

export async function testGateway(
  options: {
    aliases?: Readonly<Record<string, AliasSettings>>;
    timeouts?: { firstByteMs: number; idleMs: number };
    rates?: Partial<RateSettings>;
    random?: () => number;
    scripts?: ReadonlyMap<string, unknown>;
    prices?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<TestGateway> {
  const db = await testDatabase();
  const identity = testIdentity(db);
  const { owner } = await testOwner(identity);
  const upstream = await startProviderServer();
  const ledger = memoryLedger();
  const answered: Answered[] = [];
  const clock = systemClock;
  const at = (kind: 'anthropic' | 'openai' | 'google' | 'openai-compatible', path: string) => ({
    kind,
    baseUrl: upstream.url + path,
    keyEnv: 'TEST_KEY',
  });
  const models = createModels({
    ...{
      clock,
      fetch: globalThis.fetch,
      credential: (name) => (name === 'TEST_KEY' ? PROVIDER_KEY : undefined),
      generateId: () => testIds.next('call'),
    },
    providers: {
      anthropic: at('anthropic', '/v1'),
      openai: at('openai', '/v1'),
      google: at('google', '/v1beta'),
      lab: at('openai-compatible', '/v1'),
      away: { kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' },
      keyless: { kind: 'openai-compatible', baseUrl: `${upstream.url}/v1`, keyEnv: 'NO_SUCH_KEY' },
    },
    ...(options.aliases === undefined ? {} : { aliases: options.aliases }),
    random: options.random ?? (() => 0),
    rehearsal: { folders: [], scripts: options.scripts ?? new Map<string, unknown>() },
    prices: options.prices ?? {},
  });
  const timeouts = options.timeouts ?? { firstByteMs: 5_000, idleMs: 5_000 };
  const dispatcher = new Agent({ connections: 32 });
  const gateway = createGateway({
    ...{ clock, models, ledger, dispatcher, timeouts, ids: testIds, log: () => undefined },
    keys: createKeyCache({ identity, nowMs: () => clock.nowMs() }),
    limiter: createRateLimiter({ nowMs: () => clock.nowMs() }),
    guard: createGuard({ hosts: [] }),
    holds: createHolds({ models, clock }),
    rates: createRates({
      nowMs: () => clock.nowMs(),
      settings: {
        actorRequestsPerMinute: options.rates?.actorRequestsPerMinute ?? null,
        actorTokensPerMinute: options.rates?.actorTokensPerMinute ?? null,
      },
    }),
    cache: createAnswerCache({ db, log: () => undefined }),
    translating: {
      ...{ clock, timeouts, fetch: globalThis.fetch, rehearsal: models.rehearsal, tellWarnings: models.tellWarnings },
      newId: () => randomUUID().replaceAll('-', ''),
    },
    onAnswered: (each) => void answered.push(each),
  });
  const server = createServer((request, response) => {
    if (!gateway.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = async ({ scopes = ['gateway'], ...wanted }: WantedKey) => {
    const made = await identity.handlers.createKey(callerOf(owner), { name: 'k', role: 'member', scopes, ...wanted });
    return { secret: made.secret, id: made.key.id };
  };
  const { secret } = await key({});
  const credentials = { 'x-api-key': secret, 'x-goog-api-key': secret, authorization: `Bearer ${secret}` };
  return {
    ...{ url, upstream, ledger, answered, secret, key },
    revoke: (id) => identity.handlers.revokeKey(callerOf(owner), { id }),
    post: (path, body, { headers = credentials, signal } = {}) =>
      fetch(`${url}/gateway${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      }),
    get: (path) => fetch(`${url}/gateway${path}`, { headers: credentials }),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await upstream[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}
