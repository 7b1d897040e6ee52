/**
 * What the launcher knows of a coding CLI: how it is found, which of its files are ours in part, how it is pointed at the gateway. One
 * file for each CLI; nothing here starts or writes anything.
 */
import type { OwnedFile } from './owned.ts';

export const CLI_NAMES = ['claude', 'codex', 'gemini'] as const;
export type CliName = (typeof CLI_NAMES)[number];

export const HOOK_EVENTS = ['start', 'before', 'tool', 'compact', 'stop'] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** The model gateway of our server, and the virtual key that pays there. */
export type Gateway = { url: string; key: string };

export type Setup = {
  /** Absolute. */
  checkout: string;
  /** Variables that its children must see although their names look like credentials. */
  passed: readonly string[];
  gateway: Gateway | null;
  /** Whether a person said that this checkout is trusted, for this launch. */
  trust: boolean;
};

export type Environment = { set: Readonly<Record<string, string>>; without: readonly string[] };

export type CodingCli = {
  readonly name: CliName;
  readonly title: string;
  /** The program on PATH. */
  readonly program: string;
  readonly install: string;
  /** Its configuration in the project. */
  files(setup: Setup): readonly OwnedFile[];
  /** Before the person's own arguments. No value of a secret stands among them. */
  args(setup: Setup): readonly string[];
  /** Whether it is started to work alone: then nobody can answer its questions, and it would refuse in their name. */
  isUnattended(args: readonly string[]): boolean;
  /** Variables to set, and those of the shell that would win over them and are left out. */
  environment(setup: Setup): Environment;
  /** One turn without a person in which its shell may run the command, for the proof that variables reach its children; nothing of it is kept. */
  probeArgs(setup: Setup, command: string): readonly string[];
  /** Configuration outside the project, relative to the person's folder. */
  readonly userFiles: readonly string[];
  /** Whether every MCP server gets every variable; else only those that its entry names. */
  readonly mcpGetsAll: boolean;
  /** What to say before it starts, when something takes a person's hand. */
  hints(setup: Setup): readonly string[];
  /** How it is signed in without a browser, over SSH. */
  readonly signIn: string;
};

/** How its MCP client starts ours: the launcher puts `windlass` on PATH. */
export const MCP_COMMAND = { command: 'windlass', args: ['mcp', '--toolset', 'context'] } as const;

/** Variables that say which server, project and session our own programs belong to. */
export const OWN_VARIABLES = [
  'WINDLASS_HOME',
  'WINDLASS_URL',
  'WINDLASS_PORT',
  'WINDLASS_KEY',
  'WINDLASS_PROJECT',
  'WINDLASS_AGENT',
  'WINDLASS_ENVIRONMENT',
  'WINDLASS_UNATTENDED',
  'WINDLASS_PROBE',
] as const;

/** Silent where there is no windlass on PATH, so that a CLI started without the launcher is not disturbed. */
export function hookCommand(event: HookEvent, cli: CliName): string {
  return `command -v windlass >/dev/null 2>&1 && exec windlass hook ${event} --cli ${cli} || exit 0`;
}
