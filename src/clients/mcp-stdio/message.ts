/** JSON-RPC messages as far as a bridge must know them: whose they are, what HTTP wants said of them, how a refusal is put. Pure. */
import { z } from 'zod';
import type { AppError } from '../../kernel/errors.ts';
import { ERROR_CODES } from '../../kernel/errors.ts';

const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const SERVER_INFO_KEY = 'io.modelcontextprotocol/serverInfo';

const ServerInfo = z.looseObject({ version: z.string() });

export const Message = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]).nullish(),
  method: z.string().optional(),
  params: z.looseObject({ _meta: z.looseObject({}).optional() }).optional(),
  result: z
    .looseObject({
      _meta: z.looseObject({ [SERVER_INFO_KEY]: ServerInfo.optional() }).optional(),
      serverInfo: ServerInfo.optional(),
      protocolVersion: z.string().optional(),
      content: z.array(z.unknown()).optional(),
    })
    .optional(),
});
export type Message = z.infer<typeof Message>;
export type RequestId = string | number;

/** The revision a message names for itself; null for the ones before 2026-07-28, which name it once in `initialize`. */
export function revisionOf({ params }: Message): string | null {
  const version = params?._meta?.[VERSION_KEY];
  return typeof version === 'string' ? version : null;
}

const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

/** Without the client's word that it can ask a person: where nobody is there, it would refuse in their name. */
export function withoutAsking(message: Message): Message {
  const { params } = message;
  const without = (capabilities: unknown): unknown => {
    if (typeof capabilities !== 'object' || capabilities === null) return capabilities;
    return Object.fromEntries(Object.entries(capabilities).filter(([name]) => name !== 'elicitation'));
  };
  if (message.method === 'initialize') return { ...message, params: { ...params, capabilities: without(params?.['capabilities']) } };
  const meta = params?._meta;
  if (meta === undefined || !(CAPABILITIES_KEY in meta)) return message;
  return { ...message, params: { ...params, _meta: { ...meta, [CAPABILITIES_KEY]: without(meta[CAPABILITIES_KEY]) } } };
}

/** Which member of the parameters the `Mcp-Name` header repeats (SEP-2243, SEP-2663). */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** The headers that revision 2026-07-28 wants beside the body. */
export function routingHeaders(message: Message, revision: string): Record<string, string> {
  const name = message.params?.[NAMED_BY[message.method ?? ''] ?? ''];
  return {
    'mcp-protocol-version': revision,
    ...(message.method === undefined ? {} : { 'mcp-method': message.method }),
    ...(typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
  };
}

/** What a header cannot carry as it is goes in base64 (SEP-2243). */
function headerText(text: string): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?')
    ? text
    : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

export function refusalOf(id: RequestId, error: AppError): object {
  const said = error.next === undefined ? error.message : `${error.message} ${error.next}`;
  return { jsonrpc: '2.0', id, error: { code: ERROR_CODES[error.code].rpc, message: said, data: { code: error.code, next: error.next } } };
}

/** The version the server gives for itself, in whichever place its revision has. */
export function serverVersionOf({ result }: Message): string | null {
  return result?.serverInfo?.version ?? result?._meta?.[SERVER_INFO_KEY]?.version ?? null;
}
