/**
 * A tool of toolset `context`: it knows the session it is called from and counts as its heartbeat (spec SES-3). The session is the argument, or
 * the one that was started over the same MCP session.
 */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import { assertInProject } from '../../work/projects/boundary.ts';
import { sessionOperations } from '../../work/sessions/contract.ts';
import type { Invoke, McpCall, Tool, ToolAnswer, ToolBrief } from './toolset.ts';
import { tool } from './toolset.ts';

const SESSION = 'session';
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
      const session = named ?? call.memory.get(SESSION) ?? null;
      const over = session === null ? null : await beat(call, session);
      const inBounds = session === null ? call : { ...call, invoke: bounded(call, session) };
      const found = await brief.run(args as unknown as z.output<I>, inBounds, session);
      return over === null || !isResult(found) ? found : { ...found, content: [...found.content, { type: 'text', text: over }] };
    },
  });
}

/** What a session writes stays in its project (spec POL-4); a start may be of another one, and a handoff names its target on purpose. */
function bounded({ invoke }: McpCall, session: string): Invoke {
  return async (operation, input) => {
    const { project, code }: { project?: unknown; code?: unknown } = input;
    const target = project ?? code;
    if (operation.effect !== 'read' && operation.name !== sessionOperations.start.name && typeof target === 'string') {
      // a session that is gone binds to nothing, and says so by its heartbeat
      const own = await invoke(sessionOperations.get, { id: session }).catch(() => null);
      if (own !== null) assertInProject({ active: own.project, target, what: `The ${operation.name.split('.')[0] ?? ''}` });
    }
    return invoke(operation, input);
  };
}

function isResult(found: ToolAnswer): found is CallToolResult {
  return Array.isArray(found['content']);
}

export function remember(call: McpCall, session: string | null): void {
  if (session === null) call.memory.delete(SESSION);
  else call.memory.set(SESSION, session);
}

/** @throws AppError `invalid_input` */
export function needed(session: string | null): string {
  if (session !== null) return session;
  throw new AppError('invalid_input', 'No session is known here.', { next: 'Call session_start, or name yours as `session`.' });
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
