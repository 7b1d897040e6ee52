/**
 * Signing in with an identity provider: a browser goes there with what only it can bring back, once, and comes back as a person who gets a
 * session like any other. The protocol is `openid-provider.ts`, who people are is `platform/identity`.
 */
import type { OrgId } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import type { IdentityDeps } from '../identity/service.ts';
import { admitPerson } from '../identity/person.ts';
import type { Principal } from '../identity/principal.ts';
import type { Log } from '../telemetry/log.ts';
import type { SignInProblem } from './contract.ts';
import type { OpenIdSettings } from './openid-flow.ts';
import { flowOf, readClaims } from './openid-flow.ts';
import type { OpenIdProvider } from './openid-provider.ts';
import type { Session } from './service.ts';
import { begin } from './service.ts';
import * as store from './store.ts';
import { ATTEMPT_MS, hashOfToken, makeToken } from './token.ts';

export type OpenIdDeps = IdentityDeps & {
  db: Database;
  settings: OpenIdSettings;
  provider: OpenIdProvider;
  authenticateHash: (hash: string) => Promise<Principal | null>;
  /** The organization whose people these are. */
  org: () => Promise<OrgId>;
  log: Log;
};

export type Attempt = { address: string; token: string; lifetimeMs: number };
type Answer<T> = ({ ok: true } & T) | { ok: false; why: SignInProblem };

export type OpenIdSignIn = {
  name: string;
  origin: () => string;
  /** Where the browser goes, and what it keeps in a cookie until it is back. */
  begin: () => Promise<Answer<Attempt>>;
  /** `token` is from the cookie, `query` what the provider sent back, as in `?code=…&state=…`. Each attempt ends once. */
  finish: (token: string | null, query: string, browser: string) => Promise<Answer<{ session: Session }>>;
};

export function createOpenIdSignIn(deps: OpenIdDeps): OpenIdSignIn {
  const { db, provider, settings, log } = deps;
  return {
    name: settings.name,
    origin: settings.origin,
    async begin() {
      const { token, hash } = makeToken('attempt', deps.randomBytes);
      const address = await provider.address(flowOf(token));
      if (!address.ok) return address;
      const org = await deps.org();
      await db.asOrg(org, (tx) => store.insertAttempt(tx, org, { hash, lifetimeMs: ATTEMPT_MS }));
      return { ok: true, address: address.value.href, token, lifetimeMs: ATTEMPT_MS };
    },
    async finish(token, query, browser) {
      const hash = token === null ? null : hashOfToken('attempt', token);
      const org = await deps.org();
      if (token === null || hash === null || !(await db.asOrg(org, (tx) => store.useAttempt(tx, org, hash)))) return { ok: false, why: 'expired' };
      const claims = await provider.claims(query, flowOf(token));
      if (!claims.ok) return claims;
      const read = readClaims(claims.value, settings);
      const admission = { newPeople: settings.newPeople, provider: settings.name };
      const admitted = read.ok ? await admitPerson(deps, org, { provided: read.provided, admission }) : read;
      if (!admitted.ok) {
        log('warn', 'somebody from the identity provider was not let in', {
          issuer: settings.issuer,
          why: admitted.why,
          email: claims.value['email'],
        });
        return admitted;
      }
      const principal = await deps.authenticateHash(admitted.keyHash);
      if (principal === null) return { ok: false, why: 'unknown_person' };
      return { ok: true, session: await db.asOrg(org, (tx) => begin(deps, tx, { principal, browser })) };
    },
  };
}
