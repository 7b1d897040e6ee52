/**
 * One MCP server over time (spec TOL-6): started at first use, kept warm, stopped when idle, started again with backoff when it broke.
 * It holds at most one connection and knows nothing of tools' meaning; `source.ts` turns what is listed into tools.
 */
import type { Tool as ListedTool } from '@modelcontextprotocol/client';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { toAppError } from '../../../kernel/errors.ts';
import type { ToolOutcome } from '../tool.ts';
import { connect, type CallOptions, type Connection, type ConnectionDeps } from './connection.ts';
import { createRestarts, type Restarts } from './restarts.ts';
import type { McpServerConfig } from './server-config.ts';

/** Without use for this long, a server is stopped. */
export const IDLE_MS = 10 * 60_000;

export type McpServer = {
  /** What it offers now, after a handshake if need be. @throws AppError `unavailable` with the stage. */
  tools(): Promise<readonly ListedTool[]>;
  /** @throws AppError `unavailable` when it could not be started: then nothing was done. */
  call(tool: ListedTool, args: JsonObject, options: CallOptions): Promise<ToolOutcome>;
  close(): Promise<void>;
};

/** Calls under way, and when the last one ended. */
type Use = { calls: number; atMs: number };

type Serving = { name: string; config: McpServerConfig; deps: ConnectionDeps };

export function createMcpServer(serving: Serving): McpServer {
  const { clock, random } = serving.deps;
  const use: Use = { calls: 0, atMs: 0 };
  const restarts = createRestarts({ name: serving.name, clock, random });
  const keeper = createKeeper(serving, use, restarts);

  const callOnce = async (tool: ListedTool, args: JsonObject, options: CallOptions): Promise<{ outcome: ToolOutcome; lost: boolean }> => {
    const one = await keeper.connection();
    options.signal.throwIfAborted();
    const answer = await one.call(tool, args, options);
    if (answer.lost) await keeper.drop(one);
    return answer;
  };

  return {
    async tools() {
      const one = await keeper.connection();
      use.atMs = clock.nowMs();
      return one.tools();
    },

    async call(tool, args, options) {
      use.calls += 1;
      try {
        const first = await callOnce(tool, args, options);
        const { outcome } = first.lost ? await callOnce(tool, args, options) : first;
        if (outcome.ok) restarts.worked();
        return outcome;
      } finally {
        use.calls -= 1;
        use.atMs = clock.nowMs();
      }
    },

    close: () => keeper.close(),
  };
}

type Keeper = { connection(): Promise<Connection>; drop(one: Connection): Promise<void>; close(): Promise<void> };

/** Holds the one connection there is, or is about to be. */
function createKeeper({ name, config, deps }: Serving, use: Use, restarts: Restarts): Keeper {
  const { clock } = deps;
  const stopped = new AbortController();
  let current: Promise<Connection> | null = null;

  const launch = async (): Promise<Connection> => {
    await restarts.turn(stopped.signal);
    try {
      return await connect(name, config, deps);
    } catch (thrown) {
      restarts.broke(toAppError(thrown).message, 0);
      throw thrown;
    }
  };
  const drop = async (one: Connection): Promise<void> => {
    current = null;
    await one.close();
  };
  const watch = async (one: Connection, started: Promise<Connection>): Promise<void> => {
    const startedAtMs = (use.atMs = clock.nowMs());
    const over = new AbortController();
    const idle = stopWhenIdle(use, { clock, signal: AbortSignal.any([over.signal, stopped.signal]) });
    void idle.then(async (stop) => {
      if (stop) await drop(one);
    });
    const how = await one.ended;
    over.abort();
    // when it is no more the current one, it was us who ended it
    if (current !== started) return;
    current = null;
    restarts.broke(`Server "${name}" ended: ${how}.`, clock.nowMs() - startedAtMs);
  };

  return {
    drop,
    connection() {
      if (current !== null) return current;
      const starting = launch();
      current = starting;
      starting.then(
        (one) => void watch(one, starting),
        () => {
          if (current === starting) current = null;
        },
      );
      return starting;
    },
    async close() {
      stopped.abort();
      const last = current;
      current = null;
      try {
        await (await last)?.close();
      } catch {
        // it never came up: nothing to close
      }
    },
  };
}

/** True when it was idle for long enough, false when the signal came first. */
async function stopWhenIdle(use: Use, { clock, signal }: { clock: Clock; signal: AbortSignal }): Promise<boolean> {
  while (!signal.aborted) {
    const leftMs = use.calls > 0 ? IDLE_MS : use.atMs + IDLE_MS - clock.nowMs();
    if (leftMs <= 0) return true;
    await clock.sleep(leftMs, signal);
  }
  return false;
}
