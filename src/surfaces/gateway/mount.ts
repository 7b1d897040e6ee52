/** Puts the gateway together for the server: its connections to providers, what it remembers, what it takes from the configuration. */
import { Agent } from 'undici';
import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Ledger } from '../../platform/budgets/ledger.ts';
import { createKeyCache } from '../../platform/identity/key-cache.ts';
import type { Identity } from '../../platform/identity/service.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Fetch } from '../../runtime/models/http.ts';
import type { Models } from '../../runtime/models/model.ts';
import type { ModelSources } from '../../runtime/models/models.ts';
import type { Database } from '../../storage/database.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import { createAnswerCache } from './answer-cache.ts';
import { createHolds } from './choose.ts';
import { createGateway, type Gateway, type GatewayDeps } from './gateway.ts';
import { CONNECTIONS, CONNECT_MS, FIRST_BYTE_MS, IDLE_MS } from './limits.ts';
import { createRates } from './rates.ts';

export type GatewaySettings = {
  firstByteSeconds?: number | undefined;
  idleSeconds?: number | undefined;
  actorRequestsPerMinute?: number | undefined;
  actorTokensPerMinute?: number | undefined;
};

export type MountDeps = Pick<GatewayDeps, 'guard' | 'onAnswered'> & {
  db: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  models: Models & ModelSources;
  ledger: Ledger;
  identity: Pick<Identity, 'authenticate' | 'onKeyEnded'>;
  limiter: RateLimiter;
  fetch: Fetch;
  settings: GatewaySettings;
};

export function mountGateway(deps: MountDeps): Gateway {
  const { db, clock, ids, log, models, ledger, identity, limiter, guard, onAnswered, settings } = deps;
  const nowMs = (): number => clock.nowMs();
  const timeouts = {
    firstByteMs: settings.firstByteSeconds === undefined ? FIRST_BYTE_MS : Math.ceil(settings.firstByteSeconds * 1_000),
    idleMs: settings.idleSeconds === undefined ? IDLE_MS : Math.ceil(settings.idleSeconds * 1_000),
  };
  return createGateway({
    ...{ clock, ids, log, models, ledger, limiter, guard, onAnswered, timeouts },
    dispatcher: new Agent({ connections: CONNECTIONS, connect: { timeout: CONNECT_MS } }),
    keys: createKeyCache({ identity, nowMs }),
    holds: createHolds({ models, clock }),
    rates: createRates({
      nowMs,
      settings: { actorRequestsPerMinute: settings.actorRequestsPerMinute ?? null, actorTokensPerMinute: settings.actorTokensPerMinute ?? null },
    }),
    cache: createAnswerCache({ db, log }),
    translating: {
      clock,
      timeouts,
      fetch: deps.fetch,
      rehearsal: models.rehearsal,
      tellWarnings: models.tellWarnings,
      newId: () => ids.next('call').slice('call_'.length),
    },
  });
}
