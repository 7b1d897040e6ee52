/** `windlass mcp`: what an MCP client starts. Its standard output belongs to the protocol, so it prints nothing of its own there. */
import process from 'node:process';
import type { Command } from '../command.ts';

export const mcp: Command = {
  name: 'mcp',
  summary: 'Serves MCP on standard input and output, for clients that start a program.',
  examples: ['mcp', 'mcp   # in a client: {"command": "npx", "args": ["windlass", "mcp"]}'],
  async run({ env, home, version, clock, fetch, terminal }) {
    const { runMcpStdio } = await import('../../mcp-stdio/main.ts');
    await runMcpStdio({ env, home, version, clock, fetch, stdin: process.stdin, stdout: process.stdout, warn: (line) => terminal.err(line) });
    return { value: {}, lines: [] };
  },
};
