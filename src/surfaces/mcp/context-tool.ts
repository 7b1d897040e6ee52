/**
 * A tool of toolset `context`: it knows the session it is called from and counts as its heartbeat (spec SES-3). The session is the argument, or
 * the one that was started over the same MCP session.
 */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AppError, toAppError } from '../../kernel/errors.ts';
import { sessionOperations } from '../../work/sessions/contract.ts';
import type { McpCall, Tool, ToolAnswer, ToolBrief } from './toolset.ts';
import { SESSION_WORD, tool } from './toolset.ts';

const Session = z
  .string()
  .max(60)
  .optional()
  .meta({ description: 'Id of your session; known already when session_start was called over this connection.' });

type ContextBrief<I extends z.ZodObject> = Omit<ToolBrief<I>, 'run'> & {
  run(args: z.output<I>, call: McpCall, session: string | null): Promise<ToolAnswer>;
};

export function contextTool<I extends z.ZodObject>(brief: ContextBrief<I>): Tool {
  return tool({
    ...brief,
    input: z.strictObject({ ...brief.input.shape, session: Session }),
    async run({ session: named, ...args }, call) {
      const session = named ?? call.memory.get(SESSION_WORD) ?? null;
      const over = session === null ? null : await beat(call, session);
      const from = named === undefined ? call : { ...call, invoke: call.invokeFrom(named) };
      const found = await brief.run(args as unknown as z.output<I>, from, session);
      return over === null || !isResult(found) ? found : { ...found, content: [...found.content, { type: 'text', text: over }] };
    },
  });
}

function isResult(found: ToolAnswer): found is CallToolResult {
  return Array.isArray(found['content']);
}

export function remember(call: McpCall, session: string | null): void {
  if (session === null) call.memory.delete(SESSION_WORD);
  else call.memory.set(SESSION_WORD, session);
}

/** @throws AppError `invalid_input` */
export function needed(session: string | null): string {
  if (session !== null) return session;
  throw new AppError('invalid_input', 'No session is known here.', { next: 'Call session_start, or name yours as `session`.' });
}

export type Settled<T> = { value: T } | { error: AppError };

/** Where a part of an answer may be missing: what went wrong is a value. */
export async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: toAppError(error) }; // what is missing is said in the answer
  }
}

/** Null when the session lives, else what to tell its agent. A failed heartbeat fails no tool: what it asked for is done all the same. */
async function beat(call: McpCall, session: string): Promise<string | null> {
  try {
    await call.invoke(sessionOperations.heartbeat, { id: session });
    return null;
  } catch (error) {
    const { code, message } = error instanceof AppError ? error : { code: 'internal', message: '' };
    return code === 'conflict' || code === 'not_found' ? `Your session is not alive: ${message} Call session_start to go on in one.` : null;
  }
}
