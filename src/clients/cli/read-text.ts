/** Text given on the command line: as it is, from a file (`@FILE`), or from standard input (`-`). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { Cli } from './command.ts';

type Json = z.core.util.JSONType;

/** @throws AppError `invalid_input` when the file cannot be read. */
export async function readText(cli: Pick<Cli, 'cwd' | 'readStdin'>, given: string): Promise<string> {
  if (given === '-') return cli.readStdin();
  if (!given.startsWith('@')) return given;
  const path = resolve(cli.cwd, given.slice(1));
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('invalid_input', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
}

/** The text as JSON. @throws AppError `invalid_input` when it is none; `what` names it. */
export function parseJson(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new AppError('invalid_input', `${what} is no JSON: ${error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error)}.`, {
      next: 'Mend it there, or give it as @FILE so that the shell changes nothing of it.',
      cause: error,
    });
  }
}

/** A JSON object or array as such, everything else as text: a person's sentence needs no quotes. */
export function jsonOrText(text: string): Json {
  const words = text.replace(/\n$/, '');
  if (!/^\s*[{[]/.test(words)) return words;
  try {
    return JSON.parse(words) as Json;
  } catch {
    return words; // a sentence that begins with a bracket
  }
}
