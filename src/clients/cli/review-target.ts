/** What `windlass review` is asked to look at: standard input, files, commits, or what is not committed; of a registered checkout or read here. */
import { existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import { projectOperations } from '../../work/projects/contract.ts';
import type { Target } from '../../work/reviews/contract.ts';
import type { Cli } from './command.ts';
import type { Connection } from './connection.ts';
import { projectHere } from './here.ts';

export type Asked = { words: readonly string[]; project: string | undefined; pullRequest: number | undefined; name: string | undefined };
/** `project` null: of none, so that what was read here is not taken for a part of another one. */
export type Resolved = Target & { project?: string | null };

/** @throws AppError `invalid_input` for what is neither here nor there */
export async function reviewTarget(cli: Cli, connection: Connection, asked: Asked): Promise<Resolved> {
  const { words, name } = asked;
  const project = asked.project ?? (await projectHere(cli, connection));
  const named = project === undefined ? {} : { project };
  if (asked.pullRequest !== undefined) {
    if (project === undefined) throw unregistered('A pull request');
    return { ...named, pullRequest: asked.pullRequest };
  }
  const [first] = words;
  if (first === '-') return { project: project ?? null, text: await cli.readStdin(), ...(name === undefined ? {} : { name }) };
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

function unregistered(what: string): AppError {
  return new AppError('invalid_input', `${what} can be reviewed only in a registered project, and this folder belongs to none.`, {
    next: "Register it with an operator's key: windlass project add . Or name one with --project.",
  });
}

/** A folder of no registered project: one file is read here, or git is asked here and its diff is sent. */
async function readHere(cli: Cli, { words, areFiles }: { words: readonly string[]; areFiles: boolean }): Promise<Resolved> {
  const [first] = words;
  if (areFiles) {
    if (words.length > 1 || first === undefined) throw unregistered('Several files');
    const path = resolve(cli.cwd, first);
    if ((await stat(path)).isDirectory()) throw unregistered('A folder');
    return { project: null, text: await readFile(path, 'utf8'), name: first };
  }
  const range = first === undefined ? 'HEAD' : first.includes('..') ? first.replace(/\.{2,3}/, '...') : `${first}...HEAD`;
  const text = await cli
    .execute('git', ['-C', cli.cwd, 'diff', '--no-ext-diff', '--no-textconv', '--no-color', '-U5', range, '--'])
    .catch((cause: unknown) => {
      const what =
        first === undefined ? `${cli.cwd} is in no git repository with a commit.` : `There is no file ${first} here, and git knows no such commits.`;
      throw new AppError('invalid_input', what, { next: 'Name a file or commits that are here, as in main..HEAD, or send text with -.', cause });
    });
  if (text.trim() === '') {
    const where =
      first === undefined
        ? 'Nothing is changed here that is not committed; files that git does not track are not looked at.'
        : `Nothing differs in ${first}.`;
    throw new AppError('invalid_input', where, { next: 'Name a range, as in main..HEAD.' });
  }
  return { project: null, text, name: first ?? 'uncommitted changes' };
}
