/**
 * All tools of one process put together: built-ins, MCP servers, commands, with what they share. The composition root's one call into
 * this domain; no rules of its own.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchLike } from '@modelcontextprotocol/client';
import type { Clock } from '../../kernel/clock.ts';
import type { Scrubber } from '../../platform/secrets/scrub.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Database } from '../../storage/database.ts';
import { createAskHuman } from './builtin/ask-human.ts';
import { createCheckpointTools } from './builtin/checkpoint-tools.ts';
import { createFileTools } from './builtin/file-tools.ts';
import { createFileWriteTools } from './builtin/file-write-tools.ts';
import { createGit, type Git } from './builtin/git-process.ts';
import { createGitTools } from './builtin/git-tools.ts';
import { createHttpClient, type Resolve, USUAL_PORTS } from './builtin/http-client.ts';
import { createHttpTools } from './builtin/http-tools.ts';
import { createWorktrees, type Worktrees } from './builtin/worktrees.ts';
import { createProcessRunner, type RunProcess, type Spawn } from './child-process.ts';
import { createChildRecords, createIdentify } from './child-records.ts';
import { createCommandRunner, createCommandTool } from './command.ts';
import { createMcpSource } from './mcp/source.ts';
import type { McpServerConfig, Secrets } from './mcp/server-config.ts';
import { choicesOf, createTools } from './registry.ts';
import type { Tool, Tools } from './tool.ts';
import type { Check } from './validate.ts';

const IDENTIFY_MS = 5_000;

export type ToolsetDeps = {
  home: string;
  mcpServers: Readonly<Record<string, McpServerConfig>>;
  db: Pick<Database, 'asOrg'>;
  clock: Clock;
  log: Log;
  scrubber: Pick<Scrubber, 'text' | 'json'>;
  secrets: Secrets;
  check: Check;
  spawn: Spawn;
  fetch: FetchLike;
  resolve: Resolve;
  /** In [0, 1). */
  random: () => number;
  /** Tools of the domains above, such as those of reviewers. */
  more: readonly Tool[];
  /** PATH of the tools' processes. */
  path: string;
  version: string;
  process: { pid: number; platform: NodeJS.Platform };
};

export type Toolset = {
  tools: Tools;
  /** A command of a plan as a tool (spec AGT-7). */
  command: ReturnType<typeof createCommandTool>;
  worktrees: Worktrees;
  /** For what reads a repository beside the tools: git without anything of its configuration, and plain child processes. */
  git: Git;
  run: RunProcess;
  /** Ends what a killed process of this home left running. Call once at start. */
  reap(): Promise<number>;
};

export function createToolset(deps: ToolsetDeps): Toolset {
  const { clock, home, log, path, scrubber } = deps;
  const run = createProcessRunner(deps);
  const identify = createIdentify({ run, platform: deps.process.platform, deadlineMs: () => clock.nowMs() + IDENTIFY_MS });
  const records = createChildRecords({ folder: join(home, 'children'), identify, pid: deps.process.pid });
  const git = createGit({ run, path });
  const worktrees = createWorktrees({ git, folder: join(home, 'worktrees') });
  const makeHome = async (server: string): Promise<string> => {
    const folder = join(home, 'tool-homes', server);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  };
  const connection = { ...deps, records, makeHome };
  const tools = createTools({
    clock,
    check: deps.check,
    scrub: scrubber,
    onFault: (tool, error) => log('error', 'A tool failed by a fault of ours.', { tool, error }),
    builtins: [
      ...createGitTools({ git, roots: worktrees }),
      ...createFileTools({ git, roots: worktrees }),
      ...createFileWriteTools(worktrees),
      ...createHttpTools({ client: createHttpClient({ resolve: deps.resolve, ports: USUAL_PORTS }) }),
      ...createCheckpointTools(deps),
      createAskHuman(),
      ...deps.more,
    ],
    sources: Object.entries(deps.mcpServers).map(([name, config]) => createMcpSource({ name, config, deps: connection })),
    choices: choicesOf(deps.mcpServers),
  });
  const runCommand = createCommandRunner({ run, records, nowMs: () => clock.nowMs(), path, scrub: (text) => scrubber.text(text) });
  return { tools, worktrees, git, run, command: createCommandTool(runCommand), reap: () => records.reap() };
}
