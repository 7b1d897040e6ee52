/** The coding CLIs there are, and which of them stand on this machine in which version. */
import { access, constants, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../../config.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Cli } from '../cli/command.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import type { CliName, CodingCli } from './coding-cli.ts';
import { CLI_NAMES } from './coding-cli.ts';
import { gemini } from './gemini.ts';
import { keep, readKept } from './kept-file.ts';

export const CLIS: Readonly<Record<CliName, CodingCli>> = { claude, codex, gemini };

export type Installed = { program: string; version: string };

const Known = z.record(z.string(), z.object({ version: z.string(), mark: z.string() }));

/** @throws AppError `invalid_input` */
export function cliNamed(text: string): CodingCli {
  const name = CLI_NAMES.find((each) => each === text);
  if (name === undefined)
    throw new AppError('invalid_input', `There is no coding CLI "${text.slice(0, 40)}" here.`, { next: `One of ${CLI_NAMES.join(', ')}.` });
  return CLIS[name];
}

/** The program's whole path and version; null when it is not on PATH. Asking one for its version can take seconds, so it is remembered. */
export async function findInstalled(cli: Pick<Cli, 'env' | 'home' | 'execute'>, { program }: CodingCli): Promise<Installed | null> {
  const found = await onPath(cli.env, program);
  if (found === null) return null;
  const target = await realpath(found);
  const { mtimeMs, size } = await stat(target);
  const mark = `${target} ${mtimeMs} ${size}`;
  const file = join(cli.home, 'launcher', 'clis.json');
  const known = (await readKept(file, Known)) ?? {};
  const remembered = known[found];
  if (remembered?.mark === mark) return { program: found, version: remembered.version };
  const said = await cli.execute(found, ['--version']).catch(() => ''); // it starts or not: the launch itself will say
  const version = /\d+\.\d+\.\d+\S*/.exec(said)?.[0] ?? 'unknown';
  // a memory only: losing a write to another launch costs one question more
  await keep(file, { ...known, [found]: { version, mark } });
  return { program: found, version };
}

export async function onPath(env: Environment, program: string): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    const path = join(folder, program);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs && (await stat(path)).isFile()) return path;
  }
  return null;
}
