/** Claude Code: `.mcp.json`, and `.claude/settings.local.json`, which is one person's own. */
import type { CodingCli, Environment, HookEvent } from './coding-cli.ts';
import { MCP_COMMAND, hookCommand } from './coding-cli.ts';
import type { JsonEdit } from './json-edit.ts';

/** `matcher`: of which tools; null for an event that is of none. */
const EVENTS: readonly (readonly [name: string, event: HookEvent, matcher: string | null])[] = [
  ['SessionStart', 'start', null],
  ['PreToolUse', 'before', 'Bash|Edit|Write|MultiEdit|NotebookEdit|mcp__windlass__session_end'],
  ['PostToolUse', 'tool', '*'],
  ['PostToolUseFailure', 'tool', '*'],
  ['PreCompact', 'compact', null],
  ['Stop', 'stop', null],
];
const TIMEOUT_S = 15;

function hook([name, event, matcher]: (typeof EVENTS)[number]): JsonEdit {
  const hooks = [{ type: 'command', command: hookCommand(event, 'claude'), timeout: TIMEOUT_S }];
  return { kind: 'item', path: ['hooks', name], value: matcher === null ? { hooks } : { matcher, hooks } };
}

/** Without alwaysLoad its tools hide behind a search, and no session would be started. */
const SERVER = { command: MCP_COMMAND.command, args: [...MCP_COMMAND.args], alwaysLoad: true };

export const claude: CodingCli = {
  name: 'claude',
  title: 'Claude Code',
  program: 'claude',
  install: 'npm install -g @anthropic-ai/claude-code',
  files: () => [
    { kind: 'json', path: '.mcp.json', edits: [{ kind: 'member', path: ['mcpServers', 'windlass'], value: SERVER }] },
    {
      kind: 'json',
      path: '.claude/settings.local.json',
      edits: [
        { kind: 'item', path: ['enabledMcpjsonServers'], value: 'windlass' },
        { kind: 'item', path: ['permissions', 'allow'], value: 'mcp__windlass' },
        ...EVENTS.map(hook),
      ],
    },
  ],
  // it heeds permissions of a project only once the folder is trusted in its own dialog; with = no prompt is taken for one more tool
  args: ({ trust }) => (trust ? ['--allowedTools=mcp__windlass'] : []),
  isUnattended: (args) => args.some((each) => each === '-p' || each === '--print'),
  environment: ({ gateway }): Environment =>
    gateway === null
      ? { set: {}, without: [] }
      : { set: { ANTHROPIC_BASE_URL: `${gateway.url}/anthropic`, ANTHROPIC_AUTH_TOKEN: gateway.key }, without: ['ANTHROPIC_API_KEY'] },
  probeArgs: (_setup, command) => [
    ...['-p', 'Say that you are done.', '--output-format', 'json', '--no-session-persistence', `--allowedTools=Bash(${command})`],
    // only what is ours: a repository that nobody has trusted yet runs nothing of its own here
    ...['--setting-sources', 'user', '--strict-mcp-config', '--mcp-config', JSON.stringify({ mcpServers: { windlass: SERVER } })],
  ],
  userFiles: ['.claude/settings.json'],
  mcpGetsAll: true,
  hints: () => [],
  signIn: 'run `claude setup-token` where there is a browser, and set CLAUDE_CODE_OAUTH_TOKEN here; or set ANTHROPIC_API_KEY',
};
