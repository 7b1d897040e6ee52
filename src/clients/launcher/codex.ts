/**
 * Codex: a block in the project's `.codex/config.toml`. The gateway is given on its command line, for one launch, so that the person's own
 * configuration stays what it is without us.
 */
import { parse } from 'smol-toml';
import type { Json } from '../../kernel/canonical-json.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { CodingCli, Environment, HookEvent } from './coding-cli.ts';
import { MCP_COMMAND, OWN_VARIABLES, hookCommand } from './coding-cli.ts';
import { TOML_MARKS } from './text-block.ts';

const EVENTS: readonly (readonly [name: string, event: HookEvent])[] = [
  ['SessionStart', 'start'],
  ['PreToolUse', 'before'],
  ['PostToolUse', 'tool'],
  ['PreCompact', 'compact'],
  ['Stop', 'stop'],
];
const TIMEOUT_S = 15;
const KEY_VARIABLE = 'WINDLASS_GATEWAY_KEY';

export const codex: CodingCli = {
  name: 'codex',
  title: 'Codex',
  program: 'codex',
  install: 'npm install -g @openai/codex',
  files: () => [{ kind: 'block', path: '.codex/config.toml', body: block(), marks: TOML_MARKS, check: checkToml }],
  args: ({ checkout, gateway, passed, trust }) => [
    ...(gateway === null
      ? []
      : Object.entries({
          model_provider: 'windlass',
          'model_providers.windlass.name': 'Windlass',
          'model_providers.windlass.base_url': `${gateway.url}/openai/v1`,
          'model_providers.windlass.wire_api': 'responses',
          'model_providers.windlass.env_key': KEY_VARIABLE,
          'model_providers.windlass.supports_websockets': false,
        }).flatMap(([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`])),
    // its shell, too, may be told to leave out what is named like a credential
    ...(passed.length === 0 ? [] : ['-c', 'shell_environment_policy.ignore_default_excludes=true']),
    ...(trust ? ['-c', `projects={${JSON.stringify(checkout)}={trust_level="trusted"}}`, '--dangerously-bypass-hook-trust'] : []),
  ],
  isUnattended: (args) => args.some((each) => each === 'exec' || each === 'e'),
  environment: ({ gateway }): Environment => ({ set: gateway === null ? {} : { [KEY_VARIABLE]: gateway.key }, without: [] }),
  probeArgs: (setup) => ['exec', ...codex.args(setup), '--ephemeral', '--skip-git-repo-check', '-m', 'windlass-probe', 'Say that you are done.'],
  userFiles: ['.codex/config.toml'],
  mcpGetsAll: false,
  hints: ({ trust }) =>
    trust ? [] : ['Codex reads configuration of a project, and runs hooks of it, once you have trusted them: answer its question, then /hooks.'],
  signIn: 'run `codex login --device-auth`, or set OPENAI_API_KEY and run `codex login --with-api-key`',
};

function block(): string {
  const text = (value: string): string => JSON.stringify(value);
  const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;
  return [
    '[mcp_servers.windlass]',
    `command = ${text(MCP_COMMAND.command)}`,
    `args = ${list(MCP_COMMAND.args)}`,
    `env_vars = ${list(OWN_VARIABLES)}`,
    'default_tools_approval_mode = "approve"',
    ...EVENTS.flatMap(([name, event]) => [
      '',
      `[[hooks.${name}]]`,
      `[[hooks.${name}.hooks]]`,
      'type = "command"',
      `command = ${text(hookCommand(event, 'codex'))}`,
      `timeout = ${TIMEOUT_S}`,
    ]),
  ].join('\n');
}

type Table = { readonly [key: string]: unknown };

/** @throws AppError `invalid_input` when the file is broken, or our block would not add to it alone. */
export function checkToml(before: string, after: string): void {
  const theirs = read(before);
  if (table(theirs['mcp_servers'])['windlass'] !== undefined) {
    throw new AppError('invalid_input', 'it has a server called windlass of its own', {
      next: 'Rename or remove [mcp_servers.windlass] there, and launch again.',
    });
  }
  const both = read(after);
  const servers = Object.fromEntries(Object.entries(table(both['mcp_servers'])).filter(([name]) => name !== 'windlass'));
  const hooks = Object.entries(table(both['hooks'])).map(([name, groups]): [string, unknown] => [
    name,
    Array.isArray(groups) ? groups.filter((group) => !isOurs(group)) : groups,
  ]);
  const rest = { ...both, mcp_servers: servers, hooks: Object.fromEntries(hooks) };
  if (plain(withoutEmpty(rest)) !== plain(withoutEmpty({ ...theirs })))
    throw new AppError('invalid_input', 'our block would change the meaning of what stands there');
}

function read(text: string): Table {
  try {
    return parse(text);
  } catch (error) {
    // smol-toml's message carries an excerpt of the file, which may hold a secret: only the place is passed on
    const line = error instanceof Error && 'line' in error ? `line ${String(error.line)}` : 'it';
    throw new AppError('invalid_input', `${line} is no TOML, or defines something twice`, { cause: error });
  }
}

function table(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

function isOurs(group: unknown): boolean {
  return JSON.stringify(group).includes('windlass hook ');
}

/** Tables and lists that only held ours are nothing of theirs. */
function withoutEmpty(value: Table): Table {
  const hooks = Object.fromEntries(Object.entries(table(value['hooks'])).filter(([, groups]) => !Array.isArray(groups) || groups.length > 0));
  const kept = { ...value, hooks, mcp_servers: table(value['mcp_servers']) };
  return Object.fromEntries(
    Object.entries(kept).filter(([key, each]) => !(['hooks', 'mcp_servers'].includes(key) && Object.keys(table(each)).length === 0)),
  );
}

function plain(value: Table): string {
  return canonicalJson(JSON.parse(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))) as Json);
}
