/** `windlass mcp`: the server's MCP surface over standard input and output, for clients that start a program. */
import { createInterface } from 'node:readline';
import type { Environment } from '../../config.ts';
import type { Clock } from '../../kernel/clock.ts';
import { launchedOn, locate } from '../cli/connection.ts';
import { createBridge } from './bridge.ts';

export type McpStdioOptions = {
  env: Environment;
  /** The home folder, absolute. */
  home: string;
  version: string;
  clock: Clock;
  fetch: typeof globalThis.fetch;
  /** Which tools of the server; its usual ones when left out. */
  toolset?: string | undefined;
  stdin: NodeJS.ReadableStream;
  stdout: { write(text: string): unknown };
  warn: (line: string) => void;
};

/** How long answers under way may still take once the client has closed its end. */
const LAST_ANSWERS_MS = 60_000;

/** Resolves when the client has closed its end and was answered. Throws nothing: failures are answers. */
export async function runMcpStdio(options: McpStdioOptions): Promise<void> {
  const { env, home, clock, fetch, toolset, version, stdin, stdout, warn } = options;
  const bridge = createBridge({
    ...{ clock, fetch, toolset, project: launchedOn(env), version, warn, unattended: (env['WINDLASS_UNATTENDED'] ?? '') !== '' },
    locate: () => locate({ env, home }),
    write: (message) => void stdout.write(`${JSON.stringify(message)}\n`),
  });
  const underWay = new Set<Promise<void>>();
  for await (const line of createInterface({ input: stdin, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const taken = bridge.take(line);
    underWay.add(taken);
    void taken.then(() => underWay.delete(taken));
  }
  const answered = new AbortController();
  void Promise.all(underWay).then(() => answered.abort());
  await clock.sleep(LAST_ANSWERS_MS, answered.signal);
  await bridge.close();
}
