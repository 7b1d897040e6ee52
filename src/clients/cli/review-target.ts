/** What `windlass review` is asked to look at: standard input, files, commits, or what is not committed; of a registered checkout or read here. */
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import { projectOperations } from '../../work/projects/contract.ts';
import type { Target } from '../../work/reviews/contract.ts';
import type { Cli } from './command.ts';
import type { Connection } from './connection.ts';
import { projectHere } from './here.ts';

export type Asked = { words: readonly string[]; project: string | undefined; pullRequest: number | undefined; name: string | undefined };
export type Resolved = Target & { project?: string };

/** @throws AppError `invalid_input` for what is neither here nor there */
export async function reviewTarget(cli: Cli, connection: Connection, asked: Asked): Promise<Resolved> {
  const { words, name } = asked;
  const project = asked.project ?? (await projectHere(cli, connection));
  const named = project === undefined ? {} : { project };
  if (asked.pullRequest !== undefined) return { ...named, pullRequest: asked.pullRequest };
  const [first] = words;
  if (first === '-') return { ...named, text: await cli.readStdin(), ...(name === undefined ? {} : { name }) };
  const areFiles = words.length > 1 || (first !== undefined && !first.includes('..') && existsSync(resolve(cli.cwd, first)));
  if (project === undefined) return readHere(cli, { words, areFiles });
  if (areFiles) return { ...named, files: await insideOf(cli, connection, { project, words }) };
  return first === undefined ? { ...named, worktree: true } : { ...named, range: first };
}

/** Paths as the server knows them: relative to the top of the checkout. */
async function insideOf(cli: Cli, connection: Connection, { project, words }: { project: string; words: readonly string[] }): Promise<string[]> {
  const { path: top } = await connection.call(projectOperations.get, { code: project });
  if (top === null)
    throw new AppError('invalid_input', `Project ${project} has no checkout to read files from.`, {
      next: 'Send one file with -: windlass review - < FILE',
    });
  const here = await realpath(cli.cwd);
  return words.map((word) => {
    const path = relative(top, resolve(here, word)).split(sep).join('/');
    return path === '' ? '.' : path;
  });
}

/** A folder of no registered project: git is asked here, and its diff is sent. */
async function readHere(cli: Cli, { words, areFiles }: { words: readonly string[]; areFiles: boolean }): Promise<Target> {
  const [first] = words;
  if (areFiles) {
    if (words.length > 1 || first === undefined) {
      throw new AppError('invalid_input', 'Several files can be reviewed only in a registered project.', {
        next: 'Register it: windlass project add .',
      });
    }
    return { text: await readFile(resolve(cli.cwd, first), 'utf8'), name: first };
  }
  const range = first === undefined ? ['HEAD'] : first.includes('..') ? [first.replace(/\.{2,3}/, '...')] : [`${first}...HEAD`];
  const text = await cli
    .execute('git', ['-C', cli.cwd, 'diff', '--no-ext-diff', '--no-textconv', '--no-color', '-U5', ...range, '--'])
    .catch((cause: unknown) => {
      throw new AppError('invalid_input', `git cannot show ${range.join(' ')} in ${cli.cwd}.`, {
        next: 'Name commits that are here, or send text with -.',
        cause,
      });
    });
  if (text.trim() === '') throw new AppError('invalid_input', `Nothing differs in ${range.join(' ')}.`, { next: 'Name a range, as in main..HEAD.' });
  return { text, name: first ?? 'uncommitted changes' };
}
