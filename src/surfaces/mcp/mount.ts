/**
 * `/mcp`: who calls, which toolset, which era. Revision 2026-07-28 is served without any state, earlier ones in sessions; both from one
 * factory of each toolset. Host and Origin are checked on every route of the app before this.
 */
import type { AuthInfo, McpHttpHandler } from '@modelcontextprotocol/server';
import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpDeps } from '../http/app.ts';
import type { HttpApp, HttpContext } from '../http/context.ts';
import { admit } from '../http/admit.ts';
import { withinOf } from '../http/within.ts';
import type { McpServerDeps } from './server.ts';
import { authInfoOf, createServerFactory } from './server.ts';
import { createSessionLeg } from './sessions.ts';
import type { Toolset } from './toolset.ts';

export const MCP_PATH = '/mcp';
const TOOLSET_HEADER = 'x-windlass-toolset';
/** How long a key that was just checked is taken as good by what asks the SDK. */
const AUTH_MS = 60_000;

export type McpDeps = McpServerDeps &
  Pick<HttpDeps, 'authenticate' | 'limiter' | 'requestsPerMinute'> & {
    /** The first is served when none is named. */
    toolsets: readonly [Toolset, ...Toolset[]];
    clock: Clock;
    /** Of sessions: long and not to be guessed. */
    newSessionId: () => string;
  };

/** Answers what closes open sessions and streams. */
export function mountMcp(app: HttpApp, deps: McpDeps): { close(): Promise<void> } {
  const onFault = (error: unknown): void => deps.log('debug', 'an MCP request was refused', { error });
  const served = new Map(deps.toolsets.map((toolset) => [toolset.name, serve(deps, toolset, onFault)]));
  const sessions = createSessionLeg({ clock: deps.clock, newId: deps.newSessionId, onFault });
  app.use(MCP_PATH, admit(deps));
  app.all(MCP_PATH, async (c) => {
    const { create, modern } = toolsetOf(c, served, deps.toolsets[0].name);
    const caller = { principal: c.get('principal'), correlation: c.get('correlation'), surface: 'mcp', ...withinOf(c) } as const;
    const auth: AuthInfo = authInfoOf(caller, deps.clock.nowMs() + AUTH_MS);
    const request = c.req.raw;
    const response = (await isLegacyRequest(request))
      ? await sessions.handle(request, { auth, key: caller.principal.key, create: () => create('legacy') })
      : await modern.fetch(request, { authInfo: auth });
    // Made anew with the headers that the door has set: correlation and rate.
    return c.newResponse(response.body, response);
  });
  return {
    async close() {
      await Promise.all([sessions.close(), ...[...served.values()].map(({ modern }) => modern.close())]);
    },
  };
}

type Served = { create: ReturnType<typeof createServerFactory>; modern: McpHttpHandler };

function serve(deps: McpDeps, toolset: Toolset, onerror: (error: unknown) => void): Served {
  const create = createServerFactory(deps, toolset);
  const bus = toolset.bus === undefined ? {} : { bus: toolset.bus };
  return { create, modern: createMcpHandler(() => create('modern'), { legacy: 'reject', onerror, ...bus }) };
}

function toolsetOf(c: HttpContext, served: ReadonlyMap<string, Served>, usual: string): Served {
  const name = c.req.query('toolset') ?? c.req.header(TOOLSET_HEADER) ?? usual;
  const found = served.get(name);
  if (found !== undefined) return found;
  throw new AppError('not_found', `There is no toolset "${name.slice(0, 60)}".`, { next: `There is: ${[...served.keys()].join(', ')}.` });
}
