/** `windlass mcp`: what an MCP client starts. Its standard output belongs to the protocol, so it prints nothing of its own there. */
import process from 'node:process';
import { REPORT_PATH } from '../../launcher/probe-model.ts';
import type { Probe } from '../../launcher/probe-report.ts';
import { probeOf, reportLines } from '../../launcher/probe-report.ts';
import type { Cli, Command } from '../command.ts';
import { option } from '../command.ts';
import { isLoopback } from '../connection.ts';

/** In a proof that variables reach the servers of a coding CLI, says which did. */
async function reportTo(probe: Probe | null, { env, fetch }: Pick<Cli, 'env' | 'fetch'>): Promise<void> {
  if (probe === null || !isLoopback(probe.url)) return;
  await fetch(probe.url + REPORT_PATH, { method: 'POST', body: reportLines(probe, env).join('\n') }).catch(() => null); // the proof has ended
}

export const mcp: Command = {
  name: 'mcp',
  summary: 'Serves MCP on standard input and output, for clients that start a program.',
  options: [['--toolset <name>', "which of the server's tools: agents, context, reviews or personas; those for agents when left out"]],
  examples: ['mcp', 'mcp --toolset context', 'mcp   # in a client: {"command": "npx", "args": ["windlass", "mcp"]}'],
  async run({ env, home, version, clock, fetch, terminal }, input) {
    await reportTo(probeOf(env), { env, fetch });
    const { runMcpStdio } = await import('../../mcp-stdio/main.ts');
    const streams = { stdin: process.stdin, stdout: process.stdout, warn: (line: string) => terminal.err(line) };
    await runMcpStdio({ env, home, version, clock, fetch, toolset: option(input, 'toolset'), ...streams });
    return { value: {}, lines: [] };
  },
};
