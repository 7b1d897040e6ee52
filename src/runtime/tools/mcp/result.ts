/** An MCP tool's result or failure as an outcome of ours. Pure. What is not text is described, not passed on: the model reads text. */
import { ProtocolError, SdkError, SdkErrorCode, SdkHttpError, type CallToolResult } from '@modelcontextprotocol/client';
import type { Json } from '../../../kernel/canonical-json.ts';
import { sha256Hex } from '../../../kernel/canonical-json.ts';
import type { ToolOutcome } from '../tool.ts';

type Content = CallToolResult['content'][number];

export function outcomeOfResult(result: CallToolResult): ToolOutcome {
  const parts = result.content.map(textOf).join('\n');
  const structured = result.structuredContent as Json | undefined;
  const text = parts === '' && structured !== undefined ? JSON.stringify(structured) : parts;
  if (result.isError) return { ok: false, class: 'tool_error', message: text === '' ? 'The tool says that it failed, without a reason.' : text };
  return structured === undefined ? { ok: true, text } : { ok: true, text, structured };
}

function textOf(part: Content): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
    case 'audio':
      return described(part.type, part.mimeType, part.data);
    case 'resource_link':
      return `[link: ${part.title ?? part.name} ${part.uri}]`;
    case 'resource':
      return 'text' in part.resource
        ? part.resource.text
        : described(`resource ${part.resource.uri}`, part.resource.mimeType ?? 'unknown type', part.resource.blob);
    default:
      return '[a kind of content that is not known here]';
  }
}

function described(what: string, mediaType: string, base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  return `[${what}: ${mediaType}, ${bytes.length} bytes, SHA-256 ${sha256Hex(bytes)}]`;
}

/** JSON-RPC faults that come before anything is done. */
const REFUSALS: ReadonlySet<number> = new Set([-32600, -32601, -32602, -32700]);

/** `lastWords`: what a stdio server said on its way out. */
export function outcomeOfFault(server: string, thrown: unknown, lastWords: string): ToolOutcome {
  const stage = `Server "${server}", call`;
  const failed = (message: string): ToolOutcome => ({ ok: false, class: 'tool_error', message: `${stage}: ${message}` });
  const unsure = (kind: 'tool_error' | 'timeout', message: string): ToolOutcome => ({
    ok: false,
    class: kind,
    message: `${stage}: ${message}`,
    mayHaveHappened: true,
  });
  if (ProtocolError.isInstance(thrown)) return REFUSALS.has(thrown.code) ? failed(thrown.message) : unsure('tool_error', thrown.message);
  if (SdkHttpError.isInstance(thrown)) {
    if (thrown.status === 401 || thrown.status === 403) {
      return { ok: false, class: 'missing_credential', message: `${stage}: it answered ${thrown.status}. Check the credential in its headers.` };
    }
    return thrown.status >= 500 ? unsure('tool_error', `it answered ${thrown.status}`) : failed(`it answered ${thrown.status}`);
  }
  if (SdkError.isInstance(thrown)) {
    switch (thrown.code) {
      case SdkErrorCode.RequestTimeout:
        return unsure('timeout', 'no answer in time');
      case SdkErrorCode.ConnectionClosed:
        return unsure('tool_error', `it ended in the middle of the call${lastWords === '' ? '' : `: ${lastWords}`}`);
      case SdkErrorCode.UnsupportedResultType:
        return failed('it asks for input that cannot be given here');
      default:
        return unsure('tool_error', thrown.message);
    }
  }
  if (neverSent(thrown)) return failed('it cannot be reached');
  return unsure('tool_error', thrown instanceof Error ? thrown.message : String(thrown));
}

const UNREACHED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
const CAUSES_MAX = 5;

/** fetch wraps what the network said, and the SDK what fetch said. */
export function neverSent(thrown: unknown): boolean {
  let at: unknown = thrown;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth += 1) {
    if ('code' in at && UNREACHED.has(at.code)) return true;
    const data: unknown = 'data' in at ? at.data : undefined;
    at = at.cause ?? (typeof data === 'object' && data !== null && 'cause' in data ? data.cause : undefined);
  }
  return false;
}
