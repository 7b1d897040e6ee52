/**
 * One HTTP exchange under the address rules (spec TOL-10): every address that a host name resolves to is checked, the connection
 * goes to the very address that was checked, and each redirect starts over. Bodies are bounded after decompression.
 * It keeps no connection: what one agent may reach is not what the next may.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { buildConnector, Client } from 'undici';
import { AppError } from '../../../kernel/errors.ts';
import { mayConnect, mayUsePort, plainHost, whyForbidden, type Target } from './network-address.ts';

export const HTTP_LIMITS = {
  redirects: 5,
  /** Bytes of a body, decompressed. */
  bodyBytes: 2_000_000,
  headerBytes: 32_768,
  connectMs: 10_000,
  /** Addresses of one host that are tried. */
  addresses: 4,
  urlChars: 8_192,
} as const;

/** The usual ones; others must be on the allowlist. */
export const USUAL_PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

/** All addresses of a host name. Throws when there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export type HttpRequest = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | null;
  /** Followed for reads only: a write must not reach another target than the one that was approved. */
  follow: boolean;
  allow: readonly string[];
  signal: AbortSignal;
};

export type HttpResponse = {
  status: number;
  url: string;
  headers: Record<string, string>;
  body: Buffer;
  /** The body is longer than what is here. */
  cut: boolean;
  redirects: string[];
  /** Reached by the word of the allowlist: what it holds is not public. */
  private: boolean;
};

/** `sent` is false when nothing left this machine. */
export type HttpResult =
  | { ok: true; response: HttpResponse }
  | { ok: false; kind: 'denied' | 'invalid_input' | 'tool_error'; why: string; sent: boolean };

export type HttpClient = (request: HttpRequest) => Promise<HttpResult>;

export function createHttpClient(deps: { resolve: Resolve; ports: ReadonlySet<number> }): HttpClient {
  return async (request) => {
    const redirects: string[] = [];
    let url = request.url;
    let wasPrivate = false;
    for (;;) {
      const hop = await oneHop(deps, request, { url, headers: redirects.length === 0 ? request.headers : withoutCredentials(request, url) });
      if (!hop.ok) return { ...hop, sent: hop.sent || redirects.length > 0 };
      wasPrivate ||= hop.response.private;
      const location = hop.response.headers['location'];
      if (!request.follow || location === undefined || ![301, 302, 303, 307, 308].includes(hop.response.status)) {
        return { ok: true, response: { ...hop.response, redirects, private: wasPrivate } };
      }
      if (redirects.length === HTTP_LIMITS.redirects) {
        return { ok: false, kind: 'tool_error', why: `More than ${HTTP_LIMITS.redirects} redirects.`, sent: true };
      }
      if (!URL.canParse(location, url)) return { ok: false, kind: 'tool_error', why: 'It redirects to something that is no address.', sent: true };
      redirects.push(url);
      url = new URL(location, url).href;
    }
  };
}

/** What was given for one origin is not for another. */
function withoutCredentials(request: HttpRequest, url: string): Record<string, string> {
  const same = new URL(request.url).origin === new URL(url).origin;
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => same || name === 'accept' || name === 'accept-language'));
}

type Checked = { url: URL; target: Target; addresses: string[]; private: boolean };

async function oneHop(
  deps: { resolve: Resolve; ports: ReadonlySet<number> },
  request: HttpRequest,
  hop: { url: string; headers: Readonly<Record<string, string>> },
): Promise<HttpResult> {
  const checked = await check(deps, hop.url, request.allow);
  if ('why' in checked) return { ok: false, sent: false, ...checked };
  let sent = false;
  const client = new Client(checked.url.origin, {
    connect: pinned(checked, () => (sent = true)),
    maxHeaderSize: HTTP_LIMITS.headerBytes,
    allowH2: false,
    // the call's own deadline rules; these would only cut off slow but living answers
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const answer = await client.request({
      method: request.method,
      path: checked.url.pathname + checked.url.search,
      headers: { 'user-agent': 'windlass', 'accept-encoding': 'gzip, deflate, br', ...hop.headers },
      body: request.body,
      signal: request.signal,
    });
    const headers = plainHeaders(answer.headers);
    const { body, cut } = await readBody(answer.body, headers['content-encoding']);
    return { ok: true, response: { status: answer.statusCode, url: checked.url.href, headers, body, cut, redirects: [], private: checked.private } };
  } catch (thrown) {
    // whatever broke the exchange is the tool's answer, in words that hold no internals
    return { ok: false, kind: 'tool_error', why: wording(thrown, checked.target.hostname), sent };
  } finally {
    await client.destroy();
  }
}

type Refused = { kind: 'denied' | 'invalid_input' | 'tool_error'; why: string };

async function check(deps: { resolve: Resolve; ports: ReadonlySet<number> }, text: string, allow: readonly string[]): Promise<Checked | Refused> {
  if (text.length > HTTP_LIMITS.urlChars || !URL.canParse(text)) {
    return { kind: 'invalid_input', why: 'This is no address of the form https://host/path.' };
  }
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { kind: 'denied', why: `Only http and https are reached, not ${url.protocol}` };
  if (url.username !== '' || url.password !== '') return { kind: 'denied', why: 'An address with a user or password in it is not used.' };
  const hostname = plainHost(url.hostname);
  const target = { hostname, port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port) };
  if (!mayUsePort(target, { ports: deps.ports, allow })) {
    return {
      kind: 'denied',
      why: `Port ${target.port} of ${hostname} is not one of ${[...deps.ports].join(', ')}. An operator can add "${hostname}:${target.port}" to the agent's network allowlist.`,
    };
  }
  let addresses: readonly string[];
  try {
    addresses = isIP(hostname) > 0 ? [hostname] : await deps.resolve(hostname);
  } catch {
    // the resolver's own words name servers of this machine's network
    return { kind: 'tool_error', why: `There is no host ${hostname}, or its name cannot be resolved now.` };
  }
  if (addresses.length === 0) return { kind: 'tool_error', why: `There is no host ${hostname}.` };
  const refused = addresses.find((address) => !mayConnect(address, { target, allow }));
  if (refused !== undefined) {
    return {
      kind: 'denied',
      why: `${hostname} leads to an address that is not public (${whyForbidden(refused) ?? 'unknown'}). An operator can add "${hostname}" to the agent's network allowlist.`,
    };
  }
  const sorted = addresses.toSorted((a, b) => isIP(a) - isIP(b)).slice(0, HTTP_LIMITS.addresses);
  return { url, target, addresses: sorted, private: addresses.some((address) => whyForbidden(address) !== null) };
}

/** Connects to the checked addresses in turn and to nothing else, whatever the name resolves to by now. */
function pinned({ url, addresses }: Checked, onConnected: () => void): buildConnector.connector {
  const connect = buildConnector({ timeout: HTTP_LIMITS.connectMs, allowH2: false });
  const name = plainHost(url.hostname);
  return (options, callback) => {
    const attempt = (at: number): void => {
      const address = addresses[at] ?? '';
      const secure = url.protocol === 'https:' && isIP(name) === 0;
      const { servername: _given, ...rest } = options;
      connect({ ...rest, hostname: address, ...(secure ? { servername: name } : {}) }, (error, socket) => {
        if (error !== null && at + 1 < addresses.length) return attempt(at + 1);
        if (error !== null) return callback(error, null);
        onConnected();
        callback(null, socket satisfies Socket);
      });
    };
    attempt(0);
  };
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

/** Stops reading at the limit, so that a bomb never unfolds. One encoding only: nobody honest needs two. */
async function readBody(raw: Readable, encoding: string | undefined): Promise<{ body: Buffer; cut: boolean }> {
  const decoder = decoderFor(encoding?.trim().toLowerCase());
  const stream = decoder === null ? raw : raw.on('error', (error) => decoder.destroy(error)).pipe(decoder);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const room = HTTP_LIMITS.bodyBytes - size;
      chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
      size += chunk.length;
      if (size > HTTP_LIMITS.bodyBytes) break;
    }
  } finally {
    raw.destroy();
    decoder?.destroy();
  }
  return { body: Buffer.concat(chunks), cut: size > HTTP_LIMITS.bodyBytes };
}

function decoderFor(encoding: string | undefined): ReturnType<typeof createGunzip> | ReturnType<typeof createBrotliDecompress> | null {
  switch (encoding) {
    case undefined:
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new AppError('unsupported', `It answers in an encoding that is not read here (${encoding.slice(0, 40)}).`);
  }
}

function wording(thrown: unknown, hostname: string): string {
  if (thrown instanceof AppError) return thrown.message;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (thrown instanceof Error && thrown.name === 'AbortError') return `The exchange with ${hostname} was stopped before its end.`;
  switch (code) {
    case 'ECONNREFUSED':
      return `${hostname} refuses the connection.`;
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${hostname} cannot be reached.`;
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return `${hostname} answers with more than ${HTTP_LIMITS.headerBytes} bytes of headers.`;
    default:
      return `The exchange with ${hostname} failed${code === '' ? '' : ` (${code})`}.`;
  }
}
