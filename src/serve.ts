/**
 * Opens the surfaces of the server: HTTP with its doors, event streams, MCP, health and metrics, and what is deleted when it is old.
 * Part of the composition root; no rules.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from './config.ts';
import type { Base, Closer } from './ground.ts';
import { blobsFolder, openBlobs, repeat } from './ground.ts';
import type { Bound } from './kernel/operation.ts';
import { bind } from './kernel/operation.ts';
import type { Principal } from './platform/identity/principal.ts';
import { soloOrg } from './platform/identity/first-start.ts';
import type { Identity, IdentityDeps } from './platform/identity/service.ts';
import { signInOperations } from './platform/sign-in/contract.ts';
import type { OpenIdSignIn } from './platform/sign-in/openid.ts';
import { createOpenIdSignIn } from './platform/sign-in/openid.ts';
import { createOpenIdProvider } from './platform/sign-in/openid-provider.ts';
import type { SignIn } from './platform/sign-in/service.ts';
import { signInRetention } from './platform/sign-in/store.ts';
import { feedOperations } from './runtime/feed/contract.ts';
import { createFeed } from './runtime/feed/service.ts';
import type { Driver } from './runtime/runs/advance.ts';
import type { PreviewStore } from './runtime/runs/preview-store.ts';
import type { RunStore } from './runtime/runs/store-port.ts';
import type { WakeupHub } from './runtime/runs/wakeup.ts';
import type { Database } from './storage/database.ts';
import { telemetryOperations } from './platform/telemetry/contract.ts';
import { createRequestLog } from './platform/telemetry/request-log.ts';
import { requestRetention } from './runtime/runs/request-store.ts';
import { createWatch } from './runtime/runs/watch.ts';
import type { HttpDeps } from './surfaces/http/app.ts';
import type { Retention, RetentionClass } from './storage/retention.ts';
import { createRetention } from './storage/retention.ts';
import { createHttpApp } from './surfaces/http/app.ts';
import { mountConsole } from './surfaces/http/console.ts';
import { mountEventStream } from './surfaces/http/event-stream.ts';
import { mountFeedStream } from './surfaces/http/feed-stream.ts';
import { createGuard } from './surfaces/http/guard.ts';
import { mountHealth } from './surfaces/http/health.ts';
import { listen } from './surfaces/http/listen.ts';
import { createRateLimiter } from './surfaces/http/rate-limit.ts';
import { createAgentsToolset } from './surfaces/mcp/agents-toolset.ts';
import { CONTEXT_TOOLSET } from './surfaces/mcp/context-toolset.ts';
import { BUDGETS_TOOLSET } from './surfaces/mcp/budgets-toolset.ts';
import { KEYS_TOOLSET } from './surfaces/mcp/keys-toolset.ts';
import { createPersonasToolset, createReviewsToolset } from './surfaces/mcp/reviews-toolset.ts';
import type { Library } from './work/personas/library.ts';
import { mountMcp } from './surfaces/mcp/mount.ts';
import { answerRetention } from './runtime/models/answer-store.ts';
import { mountGateway } from './surfaces/gateway/mount.ts';
import type { Clock } from './kernel/clock.ts';
import type { Models } from './runtime/models/model.ts';
import type { ModelSources } from './runtime/models/models.ts';
import type { Spending } from './spending.ts';
import { mountWebhooks } from './surfaces/webhooks/mount.ts';
import { mountOpenId } from './surfaces/http/openid.ts';
import { mountSignIn } from './surfaces/http/sign-in.ts';
import { createWhileAllowed } from './surfaces/http/while-allowed.ts';
import { createTraffic, engineMetrics, organizationMetrics } from './surfaces/http/metrics.ts';
import { createOnceStore, onceRetention } from './surfaces/http/store.ts';
import { statusOperations } from './work/status/contract.ts';
import type { StatusDeps } from './work/status/service.ts';
import { createStatus } from './work/status/service.ts';
import type { Webhooks } from './work/webhooks/service.ts';

export type ServeDeps = Pick<Base, 'clock' | 'ids' | 'log' | 'env'> & {
  identityDeps: IdentityDeps;
  db: Database;
  /** Which database it is, for people. */
  description: string;
  hub: Pick<WakeupHub, 'onNews' | 'onAnyNews'>;
  identity: Pick<Identity, 'authenticate' | 'authenticateHash' | 'onKeyEnded'>;
  databaseClock: Clock;
  models: Models & ModelSources;
  spending: Spending;
  signIn: SignIn;
  store: Pick<RunStore, 'readEntries' | 'getRun'>;
  previews: Pick<PreviewStore, 'read'>;
  counts: Driver['counts'];
  webhooks: Pick<Webhooks, 'receive'>;
  operations: readonly Bound<Principal>[];
  library: Pick<Library, 'list'>;
  version: string;
};

/** Often enough that a laptop that is never on for a day deletes as well. */
const SWEEP_EVERY_MS = 60 * 60_000;
const CONSOLE_FOLDER = join(import.meta.dirname, '../web/dist');
/** Spec API-2. */
const REQUESTS_PER_MINUTE = { person: 1_000, other: 100 } as const;

/** Answers the address; what it opened is added to `closers`. @throws AppError `unavailable` for an address that cannot be had. */
export async function serve(config: Config, deps: ServeDeps, closers: Closer[]): Promise<string> {
  const { clock, ids, log, db, hub, identity, signIn, store, previews, counts, version } = deps;
  const watch = createWatch({ store, clock, onNews: (org, run, on) => hub.onNews(org, run, on), preview: (org, run) => previews.read(org, run) });
  const requests = createRequestLog({ db, clock, log });
  closers.push({ what: 'request log', close: () => requests.close() });
  const retention = retentionOf(deps, requests.retention);
  closers.push(repeat({ clock, everyMs: SWEEP_EVERY_MS, log, what: 'deleting what is old' }, () => retention.sweep()));
  const closing = new AbortController();
  const startedAtMs = clock.nowMs();
  const status = createStatus({ db, clock, version, startedAtMs, storage: storageOf(config, { description: deps.description, retention }) });
  const traffic = createTraffic(requests);
  const feed = createFeed({ db, clock, onAnyNews: hub.onAnyNews });
  const door = {
    ...{ ids, log, version },
    operations: [
      ...deps.operations,
      ...bind(telemetryOperations, requests.handlers),
      ...bind(statusOperations, status.handlers),
      ...bind(signInOperations, signIn.handlers),
      ...bind(feedOperations, feed.handlers),
    ],
    authenticate: (secret: string) => identity.authenticate(secret),
    limiter: createRateLimiter({ nowMs: () => clock.nowMs() }),
    requestsPerMinute: ({ kind }: Principal) => (kind === 'user' || kind === 'cli' ? REQUESTS_PER_MINUTE.person : REQUESTS_PER_MINUTE.other),
  } satisfies Partial<HttpDeps>;
  const guard = createGuard({ hosts: config.allowedHosts });
  const place = { url: '' };
  const openId = openIdOf(config, deps, () => place.url);
  const streams = { closing: closing.signal, whileAllowed: createWhileAllowed(clock), log };
  const app = createHttpApp({
    ...door,
    authenticateSession: (token) => signIn.authenticate(token),
    guard,
    once: createOnceStore(db),
    nowMs: () => clock.nowMs(),
    onAnswered: traffic.answered,
    first: (http) => {
      mountEventStream(http, { ...streams, watch, exists: async (org, run) => (await store.getRun(org, run)) !== null });
      mountFeedStream(http, { ...streams, feed });
      mountSignIn(http, { limiter: door.limiter, signIn });
      mountOpenId(http, { limiter: door.limiter, openId });
    },
  });
  const personas = (await deps.library.list(null)).found.map(({ persona }) => persona);
  const agentTools = createAgentsToolset({ watch, clock });
  const toolsets = [agentTools, CONTEXT_TOOLSET, createReviewsToolset(), createPersonasToolset(personas), KEYS_TOOLSET, BUDGETS_TOOLSET] as const;
  const mcp = mountMcp(app, { ...door, clock, toolsets, newSessionId: randomUUID });
  mountWebhooks(app, { webhooks: deps.webhooks, limiter: door.limiter });
  mountHealth(app, {
    version,
    startedAtMs,
    door,
    organization: async (org) => organizationMetrics(await status.figures(org)),
    health: () => db.health(),
    ready: () => !closing.signal.aborted,
    metrics: async () => [...traffic.metrics(), ...engineMetrics(counts())],
  });
  mountConsole(app, { folder: CONSOLE_FOLDER });
  const gateway = mountGateway({
    ...{ db, ids, log, identity, models: deps.models, ledger: deps.spending.ledger, clock: deps.databaseClock, limiter: door.limiter },
    ...{ guard, fetch: globalThis.fetch, settings: config.gateway, onAnswered: traffic.answered },
  });
  closers.push({ what: 'model gateway', close: () => gateway.close() });
  const listening = await listen(app, { host: config.host, port: config.port, clock, first: gateway.handle });
  place.url = listening.url;
  closers.push({ what: 'HTTP', close: () => listening.close() }, { what: 'MCP', close: () => mcp.close() });
  closers.push({ what: 'event streams', close: async () => closing.abort() });
  return listening.url;
}

/** What is kept where, for who operates the server. */
function storageOf(config: Config, { description, retention }: { description: string; retention: Pick<Retention, 'list'> }): StatusDeps['storage'] {
  return {
    embedded: config.databaseUrl === null,
    description,
    blobs: { ...openBlobs(config), place: config.blobs === 'none' ? null : blobsFolder(config) },
    retention: () => [{ class: 'reviews', days: config.reviews.keepDays }, ...retention.list()],
  };
}

function retentionOf({ db, clock }: ServeDeps, ofRequests: RetentionClass): Retention {
  return createRetention({ clock, classes: [ofRequests, onceRetention(db), requestRetention(db), signInRetention(db), answerRetention(db)] });
}

/** Null where no identity provider is configured. */
function openIdOf(config: Config, deps: ServeDeps, listensAt: () => string): OpenIdSignIn | null {
  if (config.openId === null) return null;
  const { identityDeps, identity, clock, log, env } = deps;
  const { origin } = config.openId;
  const settings = { ...config.openId, origin: () => origin ?? listensAt() };
  return createOpenIdSignIn({
    ...identityDeps,
    ...{ settings, log },
    provider: createOpenIdProvider({ settings, clock, log, fetch: globalThis.fetch, secret: async (name) => env[name] ?? null }),
    authenticateHash: identity.authenticateHash,
    org: () => soloOrg(identityDeps),
  });
}
