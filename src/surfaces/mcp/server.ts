/**
 * One protocol instance over a toolset: what the SDK asks for each request (2026-07-28) or session (earlier revisions). Lists are made
 * with the toolset, not here. No transport and no key: that is `mount.ts`.
 */
import type { AuthInfo, ServerContext } from '@modelcontextprotocol/server';
import {
  McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AppError, ERROR_CODES, toAppError } from '../../kernel/errors.ts';
import type { Bound, Caller } from '../../kernel/operation.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { parseInput } from '../http/parse.ts';
import { protocolFailure, toolFailure } from './failure.ts';
import type { Invoke, McpCall, Prompt, Tool, Toolset } from './toolset.ts';
import { SESSION_WORD } from './toolset.ts';

export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';
/** Lists are the same for everybody until the server is a newer one. */
const LIST_TTL_MS = 300_000;
const MAX_COMPLETIONS = 100;
const MAX_SUBSCRIPTIONS = 20;

export type McpServerDeps = {
  operations: readonly Bound<Principal>[];
  log: Log;
  version: string;
};

/** What the SDK carries from the door to the handlers. */
export function authInfoOf(caller: Caller<Principal>, expiresAtMs: number): AuthInfo {
  const { principal } = caller;
  return {
    token: principal.fingerprint,
    clientId: principal.actor,
    scopes: [...principal.scopes],
    expiresAt: Math.floor(expiresAtMs / 1000),
    extra: { caller },
  };
}

/** Makes the instances of one toolset. A session's is told of changes to resources it subscribed to. */
export function createServerFactory(deps: McpServerDeps, toolset: Toolset): (era: 'modern' | 'legacy') => McpServer {
  const bound = new Map(deps.operations.map((each) => [each.operation.name, each]));
  const tools = new Map(toolset.tools.map((each) => [each.listed.name, each]));
  const prompts = new Map(toolset.prompts.map((each) => [each.listed.name, each]));
  const lists = { tools: toolset.tools.map((each) => each.listed), prompts: toolset.prompts.map((each) => each.listed) };
  const hint = { ttlMs: LIST_TTL_MS, cacheScope: 'private' } as const;
  return (era) => {
    const mcp = new McpServer(
      { name: 'windlass', title: 'Windlass', version: deps.version },
      {
        instructions: toolset.instructions,
        cacheHints: { 'tools/list': hint, 'prompts/list': hint, 'resources/templates/list': hint, 'server/discover': hint },
        ...toolset.sdk,
        capabilities: { tools: {}, resources: {}, prompts: {}, completions: {}, extensions: { [TASKS_EXTENSION]: {} }, ...toolset.sdk?.capabilities },
      },
    );
    const { server } = mcp;
    const memory = new Map<string, string>();
    const callOf = (sdk: ServerContext): McpCall => {
      const caller = callerOf(sdk);
      const declared = server.getClientCapabilities();
      return {
        ...{ caller, sdk, memory },
        invoke: invoker(bound, () => from(caller, memory.get(SESSION_WORD))),
        invokeFrom: (session) => invoker(bound, () => from(caller, session)),
        canElicit: declared?.elicitation !== undefined,
        followsTasks: sdk.mcpReq.envelope !== undefined && declared?.extensions?.[TASKS_EXTENSION] !== undefined,
      };
    };
    server.setRequestHandler('tools/list', () => ({ tools: lists.tools }));
    server.setRequestHandler('tools/call', (request, sdk) => callTool(deps, tools.get(request.params.name), { request, call: callOf(sdk) }));
    server.setRequestHandler('prompts/list', () => ({ prompts: lists.prompts }));
    server.setRequestHandler('prompts/get', (request, sdk) => getPrompt(prompts.get(request.params.name), { request, call: callOf(sdk) }));
    server.setRequestHandler('resources/list', async (_request, sdk) => ({
      resources: await guarded(sdk, () => toolset.resources.list(callOf(sdk))),
    }));
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [...toolset.resources.templates] }));
    server.setRequestHandler('resources/read', async ({ params }, sdk) => {
      const found = await guarded(sdk, () => readResource(toolset, params.uri, callOf(sdk)));
      if (found === null) throw new ResourceNotFoundError(params.uri);
      return found;
    });
    server.setRequestHandler('completion/complete', async ({ params }, sdk) => {
      const values = await guarded(sdk, () => toolset.complete(params.argument, callOf(sdk)));
      return { completion: { values: values.slice(0, MAX_COMPLETIONS), total: values.length, hasMore: values.length > MAX_COMPLETIONS } };
    });
    if (era === 'legacy') setSubscriptionHandlers(mcp, { toolset, callOf, log: deps.log });
    setTaskHandlers(mcp, toolset, callOf);
    return mcp;
  };
}

function callerOf(sdk: ServerContext): Caller<Principal> {
  const caller = sdk.http?.authInfo?.extra?.['caller'];
  if (caller === undefined) throw new AppError('internal', 'Broken invariant: a request without a caller passed the door');
  return caller as Caller<Principal>;
}

function from(caller: Caller<Principal>, session: string | undefined): Caller<Principal> {
  return session === undefined ? caller : { ...caller, within: { ...caller.within, session } };
}

function invoker(bound: ReadonlyMap<string, Bound<Principal>>, who: () => Caller<Principal>): Invoke {
  return async (operation, input) => {
    const caller = who();
    const found = bound.get(operation.name);
    if (found === undefined) throw new AppError('internal', `Broken invariant: ${operation.name} has no handler`);
    authorise(caller.principal, operation.permission);
    const output = await found.handle(caller, parseInput(operation, input));
    return operation.output.parse(output) as z.output<(typeof operation)['output']>;
  };
}

type Asked<P> = { request: { params: P }; call: McpCall };

async function callTool(
  deps: McpServerDeps,
  tool: Tool | undefined,
  { request, call }: Asked<{ name: string; arguments?: Record<string, unknown> | undefined }>,
) {
  if (tool === undefined) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no tool ${request.params.name.slice(0, 100)} here. tools/list says what there is.`,
    );
  }
  try {
    return await tool.run(request.params.arguments, call);
  } catch (error) {
    // The model reads what went wrong and what to do; a fault of ours is in the log as well.
    if (error instanceof ProtocolError) throw error;
    const { correlation } = call.caller;
    if (ERROR_CODES[toAppError(error).code].http >= 500) deps.log('error', 'tool call failed', { correlation, tool: request.params.name, error });
    return toolFailure(error, correlation);
  }
}

async function getPrompt(prompt: Prompt | undefined, { request, call }: Asked<{ name: string; arguments?: Record<string, string> | undefined }>) {
  if (prompt === undefined) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `There is no prompt ${request.params.name.slice(0, 100)} here. prompts/list says what there is.`,
    );
  }
  const args = request.params.arguments ?? {};
  const missing = (prompt.listed.arguments ?? []).filter((each) => each.required && (args[each.name] ?? '') === '');
  if (missing.length > 0) {
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `The prompt ${prompt.listed.name} needs ${missing.map((each) => each.name).join(' and ')}.`,
    );
  }
  return guarded(call.sdk, () => prompt.get(args, call));
}

/** Null when there is nothing at this address, be it foreign, unknown or another organization's. */
async function readResource(toolset: Toolset, uri: string, call: McpCall) {
  try {
    return await toolset.resources.read(uri, call);
  } catch (error) {
    // An id of the wrong form names nothing either.
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'invalid_input')) return null;
    throw error;
  }
}

/** Outside tools there is only the JSON-RPC error. */
async function guarded<T>(sdk: ServerContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw protocolFailure(error, callerOf(sdk).correlation);
  }
}

type Subscribing = { toolset: Toolset; callOf: (sdk: ServerContext) => McpCall; log: Log };

function setSubscriptionHandlers({ server }: McpServer, { toolset, callOf, log }: Subscribing): void {
  const open = new Map<string, AbortController>();
  const tell = async (uri: string, changes: AsyncIterable<unknown>): Promise<void> => {
    for await (const _change of changes) await server.sendResourceUpdated({ uri });
  };
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, sdk) => {
    if (open.has(uri)) return {};
    if (open.size >= MAX_SUBSCRIPTIONS)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `A session follows ${MAX_SUBSCRIPTIONS} resources at most.`);
    const over = new AbortController();
    const changes = await guarded(sdk, () => toolset.resources.follow(uri, callOf(sdk), over.signal));
    open.set(uri, over);
    tell(uri, changes)
      .catch((error: unknown) => log('debug', 'a subscription ended early', { error })) // the client went away
      .finally(() => open.delete(uri));
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    open.get(uri)?.abort();
    return {};
  });
  const onclose = (): void => {
    for (const over of open.values()) over.abort();
  };
  Object.assign(server, { onclose });
}

const TaskParams = z.object({ taskId: z.string() });

/** SEP-2663, of revision 2026-07-28 on: get, update, cancel; there is no list. */
function setTaskHandlers({ server }: McpServer, toolset: Toolset, callOf: (sdk: ServerContext) => McpCall): void {
  const serve = async <T>(sdk: ServerContext, work: (call: McpCall) => Promise<T>): Promise<T> => {
    const call = callOf(sdk);
    if (!call.followsTasks) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } });
    try {
      return await work(call);
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code === 'not_found' || code === 'invalid_input') throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
      throw protocolFailure(error, call.caller.correlation);
    }
  };
  server.setRequestHandler('tasks/get', { params: TaskParams }, ({ taskId }, sdk) => serve(sdk, (call) => toolset.tasks.get(taskId, call)));
  // The SDK lifts `inputResponses` out of the parameters.
  server.setRequestHandler('tasks/update', { params: TaskParams }, ({ taskId }, sdk) =>
    serve(sdk, async (call) => {
      await toolset.tasks.update(taskId, sdk.mcpReq.inputResponses ?? {}, call);
      return {};
    }),
  );
  server.setRequestHandler('tasks/cancel', { params: TaskParams }, ({ taskId }, sdk) =>
    serve(sdk, async (call) => {
      await toolset.tasks.cancel(taskId, call);
      return {};
    }),
  );
}
