/** Gemini CLI: the project's `.gemini/settings.json`. */
import type { CodingCli, HookEvent } from './coding-cli.ts';
import { MCP_COMMAND, hookCommand } from './coding-cli.ts';
import type { JsonEdit } from './json-edit.ts';

/** `matcher`: of which tools; null for an event that is of none. */
const EVENTS: readonly (readonly [name: string, event: HookEvent, matcher: string | null])[] = [
  ['SessionStart', 'start', null],
  ['BeforeTool', 'before', 'run_shell_command|write_file|replace|.*session_end'],
  ['AfterTool', 'tool', '*'],
  ['PreCompress', 'compact', null],
  ['AfterAgent', 'stop', null],
];
const TIMEOUT_MS = 15_000;

function hook([name, event, matcher]: (typeof EVENTS)[number]): JsonEdit {
  const hooks = [{ name: `windlass-${event}`, type: 'command', command: hookCommand(event, 'gemini'), timeout: TIMEOUT_MS }];
  return { kind: 'item', path: ['hooks', name], value: matcher === null ? { hooks } : { matcher, hooks } };
}

const KEY_SIGN_IN: JsonEdit = { kind: 'member', path: ['security', 'auth', 'selectedType'], value: 'gemini-api-key' };

export const gemini: CodingCli = {
  name: 'gemini',
  title: 'Gemini CLI',
  program: 'gemini',
  install: 'npm install -g @google/gemini-cli',
  files: ({ gateway, passed }) => [
    {
      kind: 'json',
      path: '.gemini/settings.json',
      edits: [
        { kind: 'member', path: ['mcpServers', 'windlass'], value: { ...MCP_COMMAND, args: [...MCP_COMMAND.args], trust: true } },
        // it takes variables named like credentials from its children, and these are to reach them
        ...[...new Set(['WINDLASS_KEY', ...passed])].map((name): JsonEdit => ({
          kind: 'item',
          path: ['security', 'environmentVariableRedaction', 'allowed'],
          value: name,
        })),
        // with a base URL and no choice in any settings it takes a way of signing in that it then refuses
        ...(gateway === null ? [] : [KEY_SIGN_IN]),
        ...EVENTS.map(hook),
      ],
    },
  ],
  args: () => [],
  isUnattended: (args) => args.some((each) => each === '-p' || each === '--prompt'),
  environment: ({ gateway, trust }) => ({
    set: {
      ...(gateway === null ? {} : { GOOGLE_GEMINI_BASE_URL: `${gateway.url}/google`, GEMINI_API_KEY: gateway.key }),
      ...(trust ? { GEMINI_CLI_TRUST_WORKSPACE: 'true' } : {}),
    },
    without: gateway === null ? [] : ['GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_GENAI_USE_GCA'],
  }),
  probeArgs: () => ['-m', 'windlass-probe', '--approval-mode', 'yolo', '-o', 'json', '-p', 'Say that you are done.'],
  userFiles: ['.gemini/settings.json'],
  mcpGetsAll: true,
  hints: ({ trust }) =>
    trust ? [] : ['Gemini CLI reads the settings of a folder once you have trusted it: answer its question, or launch with --trust.'],
  signIn: 'set GEMINI_API_KEY, or NO_BROWSER=true to sign in by copying an address',
};
