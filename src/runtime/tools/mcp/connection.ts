/**
 * One living connection to an MCP server: handshake in named stages, the tool list, calls. It ends once and is not revived; starting
 * anew, backoff and idling are `server.ts`.
 */
import {
  Client,
  type FetchLike,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Tool as ListedTool,
  type Transport,
} from '@modelcontextprotocol/client';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError } from '../../../kernel/errors.ts';
import type { Spawn } from '../child-process.ts';
import type { ChildRecords } from '../child-records.ts';
import { checkArguments, withSecrets, type McpServerConfig, type Secrets } from './server-config.ts';
import { createStdioTransport, type StdioTransport } from './stdio-transport.ts';
import { neverSent, outcomeOfFault, outcomeOfResult } from './result.ts';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { ToolOutcome } from '../tool.ts';

export const MCP_LIMITS = {
  /** The whole handshake, and the probe for the newest revision within it. */
  handshakeMs: 20_000,
  probeMs: 5_000,
  endSessionMs: 1_000,
  tools: 500,
  pages: 20,
  descriptionChars: 8_000,
} as const;

export type ConnectionDeps = {
  spawn: Spawn;
  clock: Clock;
  records: ChildRecords;
  secrets: Secrets;
  /** In [0, 1). */
  random: () => number;
  fetch: FetchLike;
  /** Where programs are looked for. */
  path: string;
  /** A folder that is the server's home; made when missing. */
  makeHome: (server: string) => Promise<string>;
  version: string;
};

export type CallOptions = { signal: AbortSignal; timeoutMs: number };

export type Connection = {
  tools: () => readonly ListedTool[];
  call(tool: ListedTool, args: JsonObject, options: CallOptions): Promise<{ outcome: ToolOutcome; lost: boolean }>;
  /** Resolves when it has ended, by whomever, with how. */
  ended: Promise<string>;
  close(): Promise<void>;
};

export type Stage = 'credentials' | 'spawn' | 'connect' | 'initialize' | 'list tools';

type Opening = { name: string; config: McpServerConfig; deps: ConnectionDeps; at: (stage: Stage) => void };

/** @throws AppError `unavailable` whose message names the stage; nothing is left running then. */
export async function connect(name: string, config: McpServerConfig, deps: ConnectionDeps): Promise<Connection> {
  let stage: Stage = 'credentials';
  let listed: readonly ListedTool[] = [];
  let transport: Transport | StdioTransport | null = null;
  const client = createClient(deps.version, (tools) => (listed = tools));
  const lastWords = (): string => (transport !== null && 'lastWords' in transport ? transport.lastWords() : '');
  const close = async (): Promise<void> => {
    if (transport instanceof StreamableHTTPClientTransport) await endSession(transport, deps.clock);
    await closeQuietly(client);
    await transport?.close();
  };
  const ended = new Promise<string>((resolve) => {
    // the SDK has callbacks, no events
    Object.assign(client, { onclose: () => resolve(lastWords() || 'the connection was closed') });
  });
  try {
    transport = await openTransport({ name, config, deps, at: (reached) => (stage = reached) });
    await client.connect(transport, { timeout: MCP_LIMITS.handshakeMs, maxTotalTimeout: MCP_LIMITS.handshakeMs });
    stage = 'list tools';
    listed = (await client.listTools(undefined, { timeout: MCP_LIMITS.handshakeMs })).tools;
    return { tools: () => listed, ended, close, call: (tool, args, options) => callTool({ name, client, lastWords }, { tool, args }, options) };
  } catch (thrown) {
    await close();
    throw new AppError('unavailable', `Server "${name}" is not usable, stage "${stage}": ${reasonOf(thrown, lastWords())}`, { cause: thrown });
  }
}

function createClient(version: string, onTools: (tools: readonly ListedTool[]) => void): Client {
  return new Client(
    { name: 'windlass', version },
    {
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: MCP_LIMITS.probeMs } },
      inputRequired: { autoFulfill: false },
      listMaxPages: MCP_LIMITS.pages,
      // outputs are checked in call.ts, which knows that a write has happened whatever its answer looks like
      jsonSchemaValidator: { getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }) },
      listChanged: { tools: { onChanged: (_error, tools) => tools && onTools(tools) } },
    },
  );
}

async function openTransport({ name, config, deps, at }: Opening): Promise<Transport | StdioTransport> {
  if ('url' in config) {
    const headers = await withSecrets(config.headers, deps.secrets);
    at('connect');
    let answered = false;
    return new StreamableHTTPClientTransport(new URL(config.url), {
      requestInit: { headers },
      fetch: async (url, init) => {
        const response = await deps.fetch(url, init);
        if (!answered) at('initialize');
        answered = true;
        return response;
      },
    });
  }
  checkArguments(config);
  const home = await deps.makeHome(name);
  const env = { PATH: deps.path, HOME: home, LANG: 'C.UTF-8', ...(await withSecrets(config.env, deps.secrets)) };
  const mark = `mcp/${name}/${Math.floor(deps.random() * 2 ** 48)}`;
  at('spawn');
  return createStdioTransport(
    { argv: [config.command, ...config.args], cwd: config.cwd ?? home, env, mark, name, onSpawned: () => at('initialize') },
    deps,
  );
}

type Callee = { name: string; client: Client; lastWords: () => string };

async function callTool(
  { name, client, lastWords }: Callee,
  { tool, args }: { tool: ListedTool; args: JsonObject },
  { signal, timeoutMs }: CallOptions,
): Promise<{ outcome: ToolOutcome; lost: boolean }> {
  try {
    const result = await client.callTool(
      { name: tool.name, arguments: args },
      { signal, timeout: timeoutMs, maxTotalTimeout: timeoutMs, toolDefinition: tool },
    );
    return { outcome: outcomeOfResult(result), lost: false };
  } catch (thrown) {
    // an HTTP server that restarted knows the session no more: nothing was done, and a new handshake helps
    const lost = SdkHttpError.isInstance(thrown) && thrown.status === 404;
    return { outcome: outcomeOfFault(name, thrown, lastWords()), lost };
  }
}

function reasonOf(thrown: unknown, lastWords: string): string {
  const said = lastWords === '' ? '' : `; ${lastWords}`;
  if (thrown instanceof AppError) return `${thrown.message}${thrown.next === undefined ? '' : `. ${thrown.next}`}`;
  if (SdkHttpError.isInstance(thrown)) {
    return `it answered HTTP ${thrown.status}${thrown.status === 401 || thrown.status === 403 ? '; check the credential in its headers' : ''}`;
  }
  if (neverSent(thrown)) return 'nothing listens at its address';
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && thrown.code === 'ENOENT') return 'there is no such program; install it or give its full path';
  return `${thrown.message}${said}`;
}

/** An older server keeps a session until it is told; one that does not answer is not waited for. */
async function endSession(transport: StreamableHTTPClientTransport, clock: Clock): Promise<void> {
  const enough = new AbortController();
  // a server that is gone has no session either
  const ended = transport.terminateSession().catch(() => undefined);
  await Promise.race([ended, clock.sleep(MCP_LIMITS.endSessionMs, enough.signal)]);
  enough.abort();
}

async function closeQuietly(client: Client): Promise<void> {
  try {
    await client.close();
  } catch {
    // it is closed one way or the other; what matters is that the process is gone, which the transport sees to
  }
}
