/** `windlass mcp`: what an MCP client starts. Its standard output belongs to the protocol, so it prints nothing of its own there. */
import process from 'node:process';
import type { Command } from '../command.ts';
import { option } from '../command.ts';

export const mcp: Command = {
  name: 'mcp',
  summary: 'Serves MCP on standard input and output, for clients that start a program.',
  options: [['--toolset <name>', "which of the server's tools: agents or context; those for agents when left out"]],
  examples: ['mcp', 'mcp --toolset context', 'mcp   # in a client: {"command": "npx", "args": ["windlass", "mcp"]}'],
  async run({ env, home, version, clock, fetch, terminal }, input) {
    const { runMcpStdio } = await import('../../mcp-stdio/main.ts');
    const streams = { stdin: process.stdin, stdout: process.stdout, warn: (line: string) => terminal.err(line) };
    await runMcpStdio({ env, home, version, clock, fetch, toolset: option(input, 'toolset'), ...streams });
    return { value: {}, lines: [] };
  },
};
