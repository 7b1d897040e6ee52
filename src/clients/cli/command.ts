/**
 * What a command is: how it is called, and what it answers. A command prints nothing by itself but what it shows while it goes on;
 * its answer is one value for `--json` and lines for people.
 */
import type { Environment } from '../../config.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Connection } from './connection.ts';
import type { Line, Terminal } from './terminal.ts';

export type Cli = {
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly cwd: string;
  /** Absolute. */
  readonly home: string;
  /** Of this code. */
  readonly version: string;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly machine: Machine;
  readonly fetch: typeof globalThis.fetch;
  /** @throws AppError `unavailable`, `unauthenticated` or `denied` with the next step. */
  connect(): Promise<Connection>;
  readStdin(): Promise<string>;
  /** Asks a person yes or no; null when nobody can be asked. */
  confirm(question: string): Promise<boolean | null>;
  /** Aborted by Ctrl-C or SIGTERM, the first of which from then on no longer ends the process. */
  interrupt(): AbortSignal;
  /** A secret typed without being shown; null when nobody can be asked. */
  askHidden(question: string): Promise<string | null>;
  /** Runs a program on this terminal to its end; answers its exit code. Rejects when it cannot be started. */
  start(program: string, args: readonly string[], options: { cwd: string; env: Environment }): Promise<number>;
  /** What a program prints on standard output, with nothing on its standard input. Rejects when it cannot be started or fails. */
  execute(program: string, args: readonly string[], options?: { cwd?: string; env?: Environment; timeoutMs?: number }): Promise<string>;
};

/** The computer and this process on it. */
export type Machine = {
  readonly name: string;
  readonly platform: NodeJS.Platform;
  readonly pid: number;
  readonly kill: (pid: number, signal: 0) => unknown;
};

export type Options = Readonly<Record<string, string | boolean | undefined>>;
export type Input = { readonly args: readonly string[]; readonly options: Options };
export type Answer = {
  /** Undefined when the command has printed its value already. */
  readonly value: unknown;
  readonly lines: readonly Line[];
  /** 0 when left out. */
  readonly exit?: number;
};

export type Command = {
  readonly name: string;
  /** One sentence, ending in a full stop. */
  readonly summary: string;
  /** `<id>` must be given, `[id]` may be left out, with a trailing `...` takes all that is left. */
  readonly args?: readonly (readonly [form: string, description: string])[];
  readonly options?: readonly (readonly [flags: string, description: string])[];
  /** Without the leading `windlass`. */
  readonly examples: readonly string[];
  run(cli: Cli, input: Input): Promise<Answer>;
};

/** A noun with its verbs; the first that has no argument it must be given is meant when none is named. */
export type Noun = {
  readonly verbs: readonly Command[];
  readonly usual: string | null;
  /** A word that is no verb is an argument of the usual one. */
  readonly usualTakesWords?: boolean;
};

export function argument(input: Input, index: number): string {
  const text = input.args[index];
  if (text === undefined) throw new AppError('internal', `Argument ${index + 1} is missing although the parser asks for it.`);
  return text;
}

/** The value of `--name VALUE`, undefined without it. */
export function option(input: Input, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(input: Input, name: string): boolean {
  return input.options[name] === true;
}

/** @throws AppError `invalid_input` when it is given and no number. */
export function numberOption(input: Input, name: string): number | undefined {
  const text = option(input, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  const flagName = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new AppError('invalid_input', `--${flagName} takes a number, not "${text}".`);
}

/** Members that are undefined are left out, as the contracts have it. */
export function given<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
