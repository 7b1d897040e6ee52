/**
 * Speaks OpenID Connect with one identity provider, by `openid-client`, which is loaded when somebody first signs in so: most servers
 * never need it. It answers claims that are believed, or why they are not; who that is here belongs to `openid.ts`.
 */
import type { Configuration } from 'openid-client';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { SignInProblem } from './contract.ts';
import type { Flow, OpenIdSettings } from './openid-flow.ts';
import { ALGORITHMS, redirectUri } from './openid-flow.ts';

/** How long what the provider says of itself is taken for true. Its keys are looked up anew every five minutes, and when one is missing. */
const DISCOVERY_MS = 60 * 60_000;
const TIMEOUT_SECONDS = 10;
const CLOCK_TOLERANCE_SECONDS = 30;
/** Claims beyond these are the provider's own choice of what a client gets. */
const SCOPE = 'openid email profile';

export type ProviderDeps = {
  settings: OpenIdSettings;
  fetch: typeof globalThis.fetch;
  secret: (name: string) => Promise<string | null>;
  clock: Clock;
  log: Log;
};

export type Heard<T> = { ok: true; value: T } | { ok: false; why: SignInProblem };

export type OpenIdProvider = {
  /** Where the browser goes. */
  address: (flow: Flow) => Promise<Heard<URL>>;
  /** Claims of who came back with `query`, believed. */
  claims: (query: string, flow: Flow) => Promise<Heard<Readonly<Record<string, unknown>>>>;
};

export function createOpenIdProvider(deps: ProviderDeps): OpenIdProvider {
  const { settings, clock, log } = deps;
  let known: { configuration: Configuration; atMs: number } | null = null;
  const discovered = async (): Promise<Configuration> => {
    if (known === null || clock.nowMs() - known.atMs > DISCOVERY_MS) known = { configuration: await discover(deps), atMs: clock.nowMs() };
    return known.configuration;
  };
  const heard = async <T>(ask: () => Promise<T>): Promise<Heard<T>> => {
    try {
      return { ok: true, value: await ask() };
    } catch (error) {
      const { why, told } = explain(error);
      // Never the error itself: its cause may hold what the provider answered, tokens and all.
      log(why === 'cancelled' ? 'info' : 'warn', 'signing in with the identity provider failed', { issuer: settings.issuer, why, told });
      return { ok: false, why };
    }
  };
  return {
    address: (flow) =>
      heard(async () => {
        const [configuration, { buildAuthorizationUrl, calculatePKCECodeChallenge }] = [await discovered(), await import('openid-client')];
        return buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri(settings),
          scope: SCOPE,
          state: flow.state,
          nonce: flow.nonce,
          code_challenge: await calculatePKCECodeChallenge(flow.verifier),
          code_challenge_method: 'S256',
        });
      }),
    claims: (query, flow) =>
      heard(async () => {
        const [configuration, { authorizationCodeGrant }] = [await discovered(), await import('openid-client')];
        const answer = await authorizationCodeGrant(configuration, new URL(redirectUri(settings) + query), {
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          pkceCodeVerifier: flow.verifier,
          idTokenExpected: true,
        });
        return believed(answer.id_token, answer.claims());
      }),
  };
}

/** @throws whatever is wrong with the provider's address, certificate or document */
async function discover({ settings, secret, fetch }: ProviderDeps): Promise<Configuration> {
  const client = await import('openid-client');
  const value = settings.clientSecret === null ? null : await secret(settings.clientSecret);
  if (value === null && settings.clientSecret !== null) throw notSetUp(`the secret ${settings.clientSecret} is not in the environment of the server`);
  const { protocol } = new URL(settings.issuer);
  const configuration = await client.discovery(
    new URL(settings.issuer),
    settings.clientId,
    { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
    // RFC 8414: a provider that does not say takes the secret in the header
    (...request) => {
      const posts = request[0].token_endpoint_auth_methods_supported?.includes('client_secret_basic') === false;
      const withSecret = posts ? client.ClientSecretPost : client.ClientSecretBasic;
      return (value === null ? client.None() : withSecret(value))(...request);
    },
    {
      [client.customFetch]: (url, options) => fetch(url, options),
      timeout: TIMEOUT_SECONDS,
      // The configuration takes http only on loopback. Signatures are checked even where TLS alone would do.
      execute: [client.enableNonRepudiationChecks, ...(protocol === 'http:' ? [client.allowInsecureRequests] : [])],
    },
  );
  const { issuer } = configuration.serverMetadata();
  // The library lets some providers answer for every tenant under one address; then anybody's tenant could name our people.
  if (new URL(issuer).href !== new URL(settings.issuer).href) throw notSetUp(`the provider calls itself ${issuer}`);
  return configuration;
}

function believed(token: string | undefined, claims: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const [header = ''] = (token ?? '').split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8') || '{}') as { alg?: unknown };
  if (claims !== undefined && typeof alg === 'string' && ALGORITHMS.includes(alg)) return claims;
  throw new AppError('unauthenticated', `the ID token is signed by ${String(alg).slice(0, 20)}`);
}

function notSetUp(message: string): AppError {
  return new AppError('configuration', message);
}

/** `told` is for the log of the server. */
function explain(thrown: unknown): { why: SignInProblem; told: string } {
  if (!(thrown instanceof Error)) return { why: 'not_believed', told: 'no error' };
  const { code, error } = thrown as Error & { code?: unknown; error?: unknown };
  const told = [thrown.name, code, error, thrown.message]
    .filter((part) => typeof part === 'string')
    .join(': ')
    .slice(0, TOLD_CHARS);
  if (thrown instanceof AppError) return { why: thrown.code === 'configuration' ? 'not_set_up' : 'not_believed', told };
  if (thrown.name === 'AuthorizationResponseError' && error === 'access_denied') return { why: 'cancelled', told };
  if (thrown.name === 'ResponseBodyError' && (error === 'invalid_client' || error === 'unauthorized_client')) return { why: 'not_set_up', told };
  const away = thrown.message === 'fetch failed' || UNREACHABLE.has(String(code));
  return { why: away ? 'unreachable' : 'not_believed', told };
}

const TOLD_CHARS = 300;
const UNREACHABLE = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON']);
