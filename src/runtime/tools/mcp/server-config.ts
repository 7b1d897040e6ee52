/**
 * What the configuration says of one MCP server, and putting secrets in place at the edge (spec TOL-5, SEC-6): `${secret:NAME}` in an
 * environment value or a header. Never in arguments: every user of the machine reads those in a process list.
 */
import { AppError } from '../../../kernel/errors.ts';
import type { ToolChoice } from '../registry.ts';

type Choices = Readonly<Record<string, ToolChoice>>;
export type StdioServerConfig = {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd?: string | undefined;
  tools: Choices;
};
export type HttpServerConfig = { url: string; headers: Readonly<Record<string, string>>; tools: Choices };
export type McpServerConfig = StdioServerConfig | HttpServerConfig;

/** A secret's value by name; null when there is none. */
export type Secrets = (name: string) => Promise<string | null>;

const HANDLE = /\$\{secret:([A-Za-z0-9_./-]{1,200})\}/g;

/** @throws AppError `unavailable` naming the secret that is missing, never a value. */
export async function withSecrets(values: Readonly<Record<string, string>>, secrets: Secrets): Promise<Record<string, string>> {
  const names = new Set(Object.values(values).flatMap((value) => [...value.matchAll(HANDLE)].map((match) => match[1] ?? '')));
  const found = new Map<string, string>();
  for (const name of names) {
    const value = await secrets(name);
    if (value === null) throw new AppError('unavailable', `the secret ${name} is not there`, { next: `Store it, then try again.` });
    found.set(name, value);
  }
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, value.replaceAll(HANDLE, (_handle, name: string) => found.get(name) ?? '')]),
  );
}

/** @throws AppError `configuration`. */
export function checkArguments(config: StdioServerConfig): void {
  if ([config.command, ...config.args].some((arg) => arg.includes('${secret:'))) {
    throw new AppError('configuration', 'a secret stands in its arguments, where a process list shows it', {
      next: 'Move it to env, as in "TOKEN: ${secret:TOKEN}".',
    });
  }
}
