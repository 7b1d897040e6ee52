/**
 * Failures as MCP carries them: a tool's as an ordinary result that the model reads, everything else as a JSON-RPC error. Both say
 * what happened and the next step, with the correlation id, never internals (spec API-3).
 */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { ProtocolError } from '@modelcontextprotocol/server';
import { ERROR_CODES, toAppError } from '../../kernel/errors.ts';
import { problemOf } from '../http/problem.ts';

export function toolFailure(thrown: unknown, correlationId: string): CallToolResult {
  const { title, code, detail, next, faults, retryAfterMs } = problemOf(thrown, correlationId);
  const lines = [
    `**${title}.** ${detail}`,
    ...(next === undefined ? [] : [`Next: ${next}`]),
    ...(retryAfterMs === undefined ? [] : [`Try again in ${Math.ceil(retryAfterMs / 1000)} s.`]),
    `(${code}, ${correlationId})`,
  ];
  return {
    content: [{ type: 'text', text: lines.join('\n\n') }],
    isError: true,
    _meta: { 'windlass/error': { code, ...(next === undefined ? {} : { next }), ...(faults === undefined ? {} : { faults }), correlationId } },
  };
}

export function protocolFailure(thrown: unknown, correlationId: string): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const { code, detail, next } = problemOf(thrown, correlationId);
  const said = next === undefined ? detail : `${detail} ${next}`;
  return new ProtocolError(ERROR_CODES[toAppError(thrown).code].rpc, said, { code, ...(next === undefined ? {} : { next }), correlationId });
}
