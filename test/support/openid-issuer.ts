/**
 * An identity provider on loopback (OpenID Connect Core 1.0, RFC 6749, RFC 7636, RFC 9207): honest unless a test has it lie. It checks
 * what a client owes it: the secret, PKCE, the exact redirect address, a code good once.
 */
import { createHash, createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const CLIENT_ID = 'windlass-test';
export const CLIENT_SECRET = 'a secret: of the client/1';

export type Json = Record<string, unknown>;
/** What a token is made of, before it is signed. */
export type Token = { header: Json; claims: Json };
/** What the token endpoint would answer; a lie answers something else in place of it. */
export type Lie = {
  /** Changes header and claims before they are signed. */
  token?: (honest: Token) => Token;
  /** Makes the ID token itself. */
  make?: (token: Token, keys: IssuerKeys) => string;
  /** Changes the whole answer. */
  answer?: (honest: Json) => Json;
  /** Changes the document of the provider. */
  document?: (honest: Json) => Json;
};
export type IssuerKeys = { own: KeyObject; ownPublic: KeyObject; other: KeyObject; elliptic: KeyObject };

export type Issuer = AsyncDisposable & {
  url: string;
  keys: IssuerKeys;
  /** Who signs in next: claims beside those of the protocol. */
  user: Json;
  lie: Lie;
  /** What clients did wrong. */
  faults: string[];
  asked: string[];
  /** Where the browser is sent back to by the page at `address`, without a browser. */
  visit(address: string): Promise<URL>;
};

type Grant = { redirectUri: string; challenge: string; nonce: string | null; user: Json };

const base64 = (value: string | Buffer): string => Buffer.from(value).toString('base64url');

/** `alg` says how it is signed, whatever the header says. */
export function signToken({ header, claims }: Token, key: KeyObject | string, alg = 'RS256'): string {
  const input = `${base64(JSON.stringify(header))}.${base64(JSON.stringify(claims))}`;
  if (typeof key === 'string') return `${input}.${createHmac(alg.replace('HS', 'sha'), key).update(input).digest('base64url')}`;
  const how = alg.startsWith('ES') ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;
  return `${input}.${base64(sign('sha256', Buffer.from(input), how))}`;
}

export async function startIssuer(): Promise<Issuer> {
  const [own, other] = [0, 1].map(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (own === undefined || other === undefined) throw new Error('no keys');
  const grants = new Map<string, Grant>();
  const issuer: Issuer = {
    url: '',
    keys: { own: own.privateKey, ownPublic: own.publicKey, other: other.privateKey, elliptic: elliptic.privateKey },
    user: { sub: 'ana-1', email: 'ana@example.com', email_verified: true, name: 'Ana' },
    lie: {},
    faults: [],
    asked: [],
    async visit(address) {
      const page = await (await fetch(address)).text();
      const link = /href="([^"]+)"/.exec(page)?.[1] ?? '';
      return new URL((await fetch(link.replaceAll('&amp;', '&'), { redirect: 'manual' })).headers.get('location') ?? '');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((request, response) => {
    void answer({ issuer, grants }, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return issuer;
}

type State = { issuer: Issuer; grants: Map<string, Grant> };

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { issuer } = state;
  const url = new URL(request.url ?? '/', issuer.url);
  issuer.asked.push(url.pathname);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const json = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (url.pathname === '/.well-known/openid-configuration') return json(200, (issuer.lie.document ?? ((same) => same))(documentOf(issuer.url)));
  if (url.pathname === '/jwks')
    return json(200, { keys: [{ ...issuer.keys.ownPublic.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' }] });
  if (url.pathname === '/authorize') return authorizePage(url, response);
  if (url.pathname === '/allow') return allow(state, url, response);
  if (url.pathname === '/token') {
    const body = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    const refused = refusal(state, request, body);
    if (refused !== null) {
      issuer.faults.push(refused.why);
      return json(refused.error === 'invalid_client' ? 401 : 400, { error: refused.error, error_description: 'secret-of-the-provider' });
    }
    return json(200, tokensFor(state, body.get('code') ?? ''));
  }
  return json(404, {});
}

function documentOf(url: string): Json {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    // What a careless provider lists: that must not make it acceptable.
    id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'HS512', 'none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

function authorizePage(url: URL, response: ServerResponse): void {
  const link = `/allow${url.search}`.replaceAll('&', '&amp;');
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(`<!doctype html><title>Provider</title><h1>Who are you?</h1><a href="${url.origin}${link}">Continue as Ana</a>`);
}

function allow({ issuer, grants }: State, url: URL, response: ServerResponse): void {
  const asked = url.searchParams;
  const wrong = [
    ['client_id', CLIENT_ID],
    ['response_type', 'code'],
    ['code_challenge_method', 'S256'],
  ].filter(([name = '', value]) => asked.get(name) !== value);
  if (wrong.length > 0 || !(asked.get('scope') ?? '').split(' ').includes('openid')) issuer.faults.push(`authorize: ${String(wrong)}`);
  const code = randomUUID();
  const redirectUri = asked.get('redirect_uri') ?? '';
  grants.set(code, { redirectUri, challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce'), user: { ...issuer.user } });
  const back = new URL(redirectUri);
  for (const [name, value] of Object.entries({ code, state: asked.get('state') ?? '', iss: issuer.url })) back.searchParams.set(name, value);
  response.writeHead(302, { location: back.href });
  response.end();
}

function refusal({ grants }: State, request: IncomingMessage, body: URLSearchParams): { error: string; why: string } | null {
  const basic = Buffer.from(request.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');
  const [id = '', secret = ''] = basic.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
  if (id !== CLIENT_ID || secret !== CLIENT_SECRET) return { error: 'invalid_client', why: 'another client' };
  const grant = grants.get(body.get('code') ?? '');
  if (grant === undefined) return { error: 'invalid_grant', why: 'a code that was used, or never given' };
  if (body.get('redirect_uri') !== grant.redirectUri) return { error: 'invalid_grant', why: 'another redirect address' };
  const challenge = createHash('sha256')
    .update(body.get('code_verifier') ?? '')
    .digest('base64url');
  return challenge === grant.challenge ? null : { error: 'invalid_grant', why: 'a code of another browser' };
}

function tokensFor({ issuer, grants }: State, code: string): Json {
  const grant = grants.get(code);
  grants.delete(code);
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const protocol = { iss: issuer.url, aud: CLIENT_ID, iat: nowSeconds, exp: nowSeconds + 300, nonce: grant?.nonce };
  const honest: Token = { header: { alg: 'RS256', kid: 'own', typ: 'JWT' }, claims: { ...protocol, ...grant?.user } };
  const token = (issuer.lie.token ?? ((same) => same))(honest);
  const made = issuer.lie.make?.(token, issuer.keys) ?? signToken(token, issuer.keys.own);
  const all = { access_token: 'access-token-of-ana', token_type: 'Bearer', expires_in: 300, id_token: made };
  return (issuer.lie.answer ?? ((same) => same))(all);
}
