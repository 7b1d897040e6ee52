/** Headers on the way to a provider and back: what goes through, what stays, whose credential is sent. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Provider } from '../../runtime/models/providers.ts';
import type { Side } from './endpoint.ts';

export const KEY_HEADER = 'x-windlass-key';
/** May carry a credential, ours or the client's own. */
const CREDENTIALS = ['authorization', 'x-api-key', 'x-goog-api-key'] as const;
/** Of the connection (RFC 9110) or of this hop. */
const HOP = [
  ...[
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ],
  ...[
    'host',
    'content-length',
    'accept-encoding',
    'content-encoding',
    'cookie',
    'origin',
    'referer',
    'forwarded',
    'via',
    'x-real-ip',
    'x-correlation-id',
  ],
];
/** Change what a request means, or leave the usage out of its answer: Google's own servers obey them. */
const OVERRIDES = ['x-goog-fieldmask', 'x-http-method-override'];
const OUR_KEY = /^(?:bearer +)?wl_/i;
const KEPT_BACK: ReadonlySet<string> = new Set([...HOP, ...CREDENTIALS, ...OVERRIDES]);
/** What a provider says to its own client's connection, or what the gateway says anew. */
const NOT_GIVEN: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'set-cookie', 'alt-svc', 'x-correlation-id'],
  ...['strict-transport-security', 'content-length', 'content-security-policy', 'access-control-allow-origin'],
]);

export type Credential =
  /** The client's own, as it sent it. */
  | { whose: 'client'; headers: readonly string[] }
  /** Of the provider, from its variable; none where it needs none. */
  | { whose: 'ours'; key: string | undefined };

/** Name and value in turn, as undici takes them. */
export function headersUpstream(rawHeaders: readonly string[], provider: Provider, credential: Credential): string[] {
  const headers: string[] = [];
  const ofConnection = namedByConnection(rawHeaders);
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (KEPT_BACK.has(name) || ofConnection?.has(name) === true || name.startsWith('x-windlass-') || name.startsWith('x-forwarded-')) continue;
    headers.push(name, rawHeaders[at + 1] ?? '');
  }
  headers.push('accept-encoding', 'identity');
  if (credential.whose === 'client') headers.push(...credential.headers);
  else if (credential.key !== undefined) headers.push(...keyHeader(provider, credential.key));
  return headers;
}

/** Headers that a client's `Connection` names are of that connection alone (RFC 9110, 7.6.1). */
function namedByConnection(rawHeaders: readonly string[]): ReadonlySet<string> | null {
  const said = rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'connection');
  return said.length === 0 ? null : tokensOf(said.join(','));
}

function tokensOf(connection: string): ReadonlySet<string> {
  return new Set(
    connection
      .toLowerCase()
      .split(',')
      .map((token) => token.trim()),
  );
}

function keyHeader(provider: Provider, key: string): [string, string] {
  switch (provider.kind) {
    case 'anthropic':
      return ['x-api-key', key];
    case 'google':
      return ['x-goog-api-key', key];
    default:
      return ['authorization', `Bearer ${key}`];
  }
}

/** What goes back to the client of a provider's headers. */
export function headersBack(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const back: Record<string, string | string[]> = {};
  const ofConnection = headers.connection === undefined ? null : tokensOf(headers.connection);
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !NOT_GIVEN.has(name) && ofConnection?.has(name) !== true) back[name] = value;
  return back;
}

/** The virtual key of a request, and the client's own credential where the key came beside it. */
export function credentialsOf(side: Side, headers: IncomingHttpHeaders, inQuery: string | null): { key: string | null; own: readonly string[] } {
  const beside = headers[KEY_HEADER];
  if (typeof beside === 'string') {
    // a virtual key that came twice is nobody's at the provider, and must not be told there
    const own = CREDENTIALS.flatMap((name) => ((value) => (typeof value === 'string' && !OUR_KEY.test(value) ? [name, value] : []))(headers[name]));
    return { key: beside.trim(), own };
  }
  const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
  const plain = side === 'google' ? headers['x-goog-api-key'] : headers['x-api-key'];
  const first = typeof plain === 'string' && plain !== '' ? plain.trim() : null;
  return { key: first ?? bearer ?? inQuery, own: [] };
}
