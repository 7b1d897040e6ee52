/** What a path asks for: one of the endpoints that clients know from the providers themselves (spec GTW-2). Pure. */
import type { ChatProtocol, Protocol } from './translate/protocol.ts';

export const GATEWAY_PREFIX = '/gateway/';

/** The provider whose address a client has put the gateway's in place of. */
export type Side = 'anthropic' | 'openai' | 'google';

export type Endpoint = {
  side: Side;
  /** In which errors are written, whatever is asked for. */
  protocol: Protocol;
  /** Below the provider's own address, with its query but without a key; `{model}` stands for the model where the path names it. */
  path: string;
  query: string;
  ask:
    | { kind: 'answer'; protocol: ChatProtocol; model: string | null; stream: boolean | null }
    | { kind: 'embed' }
    | { kind: 'count'; protocol: 'anthropic' | 'google'; model: string | null }
    | { kind: 'list' }
    | { kind: 'show'; model: string };
};

const PROTOCOLS = { anthropic: 'anthropic', openai: 'openai_chat', google: 'google' } as const satisfies Record<Side, ChatProtocol>;
const GOOGLE_METHODS = { generateContent: false, streamGenerateContent: true } as const;

/** In whose form a stranger to every endpoint is answered. */
export function sideOf(path: string): Side {
  const side = /^\/gateway\/(anthropic|openai|google)(?:\/|$)/.exec(path)?.[1];
  return side === 'openai' || side === 'google' ? side : 'anthropic';
}

export function protocolOf(side: Side): (typeof PROTOCOLS)[Side] {
  return PROTOCOLS[side];
}

/** Null for what is no endpoint. `url` is the request's own, with its query. */
export function endpointOf(method: string, url: string): Endpoint | null {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : withoutKey(url.slice(mark));
  const side = sideOf(path);
  const rest = path.slice(GATEWAY_PREFIX.length + side.length);
  if (!path.startsWith(`${GATEWAY_PREFIX}${side}/`)) return null;
  const found = method === 'POST' ? posted(side, rest) : method === 'GET' ? read(side, rest) : null;
  return found === null ? null : { side, query, ...found };
}

type Found = Omit<Endpoint, 'side' | 'query'>;

function posted(side: Side, path: string): Found | null {
  if (side === 'google') return postedToGoogle(path);
  const answer = (protocol: ChatProtocol, of: string): Found => ({
    protocol,
    path: of,
    ask: { kind: 'answer', protocol, model: null, stream: null },
  });
  switch (`${side} ${path}`) {
    case 'anthropic /v1/messages':
      return answer('anthropic', '/messages');
    case 'anthropic /v1/messages/count_tokens':
      return { protocol: 'anthropic', path: '/messages/count_tokens', ask: { kind: 'count', protocol: 'anthropic', model: null } };
    case 'openai /v1/chat/completions':
      return answer('openai_chat', '/chat/completions');
    case 'openai /v1/responses':
      return answer('openai_responses', '/responses');
    case 'openai /v1/embeddings':
      return { protocol: 'openai_embeddings', path: '/embeddings', ask: { kind: 'embed' } };
    default:
      return null;
  }
}

function postedToGoogle(path: string): Found | null {
  const [, name, method] = /^\/v1(?:beta)?\/models\/([^:]{1,300}):([A-Za-z]{1,40})$/.exec(path) ?? [];
  const model = name === undefined ? null : decoded(name);
  if (model === null || method === undefined) return null;
  const at = `/models/{model}:${method}`;
  if (method === 'countTokens') return { protocol: 'google', path: at, ask: { kind: 'count', protocol: 'google', model } };
  if (method !== 'generateContent' && method !== 'streamGenerateContent') return null;
  return { protocol: 'google', path: at, ask: { kind: 'answer', protocol: 'google', model, stream: GOOGLE_METHODS[method] } };
}

function read(side: Side, path: string): Found | null {
  const models = side === 'google' ? /^\/v1(?:beta)?\/models(?:\/([^:]{1,300}))?$/ : /^\/v1\/models(?:\/(.{1,300}))?$/;
  const match = models.exec(path);
  if (match === null) return null;
  const protocol = protocolOf(side);
  if (match[1] === undefined) return { protocol, path: '/models', ask: { kind: 'list' } };
  const model = decoded(match[1]);
  return model === null ? null : { protocol, path: '/models/{model}', ask: { kind: 'show', model } };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // half an escape names nothing
  }
}

/** Google's clients may carry their key in the query; it is ours and goes no further. */
function withoutKey(query: string): string {
  if (!query.includes('key=')) return query === '?' ? '' : query;
  const kept = query
    .slice(1)
    .split('&')
    .filter((pair) => !pair.startsWith('key='));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

/** The key in the query of a request; null without one. */
export function keyInQuery(url: string): string | null {
  return /[?&]key=([^&]*)/.exec(url)?.[1] ?? null;
}
