/**
 * One way to an identity provider and back, pure: what is sent along is derived from a token in a cookie, so that only the browser that
 * began can end it; and what the configuration makes of what the provider says (OpenID Connect Core 1.0; RFC 7636; RFC 9700).
 */
import { z } from 'zod';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { Email, Role } from '../identity/contract.ts';
import type { Provided } from '../identity/person.ts';
import type { SignInProblem } from './contract.ts';

const LEAST_FIRST = Role.options;

export type OpenIdSettings = {
  /** As the sign-in page names it. */
  name: string;
  issuer: string;
  clientId: string;
  /** Name of the secret; null for a client without one, which PKCE alone protects. */
  clientSecret: string | null;
  /** Origin of the console as browsers reach it, without a path; known when the server listens. */
  origin: () => string;
  /** Lower case; null lets in any domain. */
  emailDomains: readonly string[] | null;
  /** Whose values say what somebody is here. */
  roles: { claim: string; values: Readonly<Record<string, Role>> } | null;
  /** Lets in whom nobody has added, as that. */
  newPeople: Role | null;
};

export const CALLBACK_PATH = '/sign-in/callback';
export const redirectUri = (settings: Pick<OpenIdSettings, 'origin'>): string => settings.origin() + CALLBACK_PATH;

export type Flow = { state: string; nonce: string; verifier: string };

/** The verifier has 64 characters of those that RFC 7636 allows. */
export function flowOf(token: string): Flow {
  const part = (name: string): string => sha256Hex(`${name} ${token}`);
  return { state: part('state'), nonce: part('nonce'), verifier: part('verifier') };
}

/** Asymmetric ones: with `none` or HS256 whoever knows the client could sign. */
export const ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** Of an ID token whose signature, issuer, audience, times and nonce were found right. */
const Claims = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1).max(255),
  email: Email,
  email_verified: z.literal(true),
  name: z.string().optional(),
});

/** What is made of the claims of a token that is believed. */
export function readClaims(claims: unknown, settings: OpenIdSettings): { ok: true; provided: Provided } | { ok: false; why: SignInProblem } {
  const parsed = Claims.safeParse(claims);
  if (!parsed.success) return { ok: false, why: whyNot(parsed.error) };
  const { iss: issuer, sub: subject, email, name } = parsed.data;
  if (settings.emailDomains !== null && !settings.emailDomains.includes(email.slice(email.lastIndexOf('@') + 1))) {
    return { ok: false, why: 'email_domain' };
  }
  const role = roleOf(parsed.data, settings);
  if (settings.roles !== null && role === null) return { ok: false, why: 'no_role' };
  const shown = name === undefined || name.trim() === '' ? email : name.trim().toWellFormed().replaceAll('\u0000', '');
  return { ok: true, provided: { issuer, subject, email, name: shown, role } };
}

function whyNot(error: z.ZodError): SignInProblem {
  const missing = error.issues.map(({ path }) => path[0]);
  if (missing.includes('sub') || missing.includes('iss')) return 'not_believed';
  return missing.includes('email') ? 'email_missing' : 'email_unverified';
}

/** The highest of those the claim gives; null where the configuration names no claim, or none of its values stands there. */
function roleOf(claims: Readonly<Record<string, unknown>>, { roles, newPeople }: OpenIdSettings): Role | null {
  if (roles === null) return null;
  const said = Object.hasOwn(claims, roles.claim) ? claims[roles.claim] : [];
  const values = (Array.isArray(said) ? said : [said]).filter((value) => typeof value === 'string');
  const given = values.flatMap((value) => (Object.hasOwn(roles.values, value) ? [roles.values[value]] : []));
  return LEAST_FIRST.findLast((role) => given.includes(role)) ?? newPeople;
}
