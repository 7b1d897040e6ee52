/** Which project a launch is for and where its checkout is (spec PRJ-2, LCH-1, LCH-5): from the server, else as it was known last. */
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, toAppError } from '../../kernel/errors.ts';
import { ProjectView, projectOperations } from '../../work/projects/contract.ts';
import type { Cli } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import type { Checkout } from './find-checkout.ts';
import { isCheckoutOf, readCheckout, scanFolders, topOf } from './find-checkout.ts';
import { keep, readKept } from './kept-file.ts';

const PROJECTS_READ = 200;
/** Below the person's own folder; WINDLASS_DEV names others. */
const USUAL_FOLDERS = ['src', 'code', 'dev', 'git', 'projects', 'Projects', 'repos', 'work'];

const Kept = z.object({ atMs: z.int(), projects: z.array(ProjectView) });

/** `keptAtMs`: when the server was last heard, if it does not answer now. */
export type KnownProjects = { projects: readonly ProjectView[]; connection: Connection | null; keptAtMs: number | null; why: string | null };

/** As the server was last heard, for what may not wait for it. */
export async function keptProjects({ home }: Pick<Cli, 'home'>): Promise<readonly ProjectView[]> {
  return (await readKept(join(home, 'launcher', 'projects.json'), Kept))?.projects ?? [];
}

/** @throws AppError when the server does not answer and nothing of it is kept; what it refuses is thrown as it is. */
export async function knownProjects(cli: Cli): Promise<KnownProjects> {
  const file = join(cli.home, 'launcher', 'projects.json');
  try {
    const connection = await cli.connect();
    const { items } = await connection.call(projectOperations.list, { limit: PROJECTS_READ });
    await keep(file, { atMs: cli.clock.nowMs(), projects: items });
    return { projects: items, connection, keptAtMs: null, why: null };
  } catch (error) {
    const failure = toAppError(error);
    const kept = failure.code === 'unavailable' ? await readKept(file, Kept) : null;
    if (kept === null) throw failure;
    return { projects: kept.projects, connection: null, keptAtMs: kept.atMs, why: failure.message };
  }
}

/** @throws AppError `not_found`, or `invalid_input` when two projects have the remote of this checkout. */
export async function pickProject(cli: Pick<Cli, 'cwd'>, projects: readonly ProjectView[], code: string | undefined): Promise<ProjectView> {
  if (code !== undefined && code !== '.') {
    const named = projects.find((each) => each.code === code || each.id === code);
    if (named !== undefined) return named;
    const codes = projects.map((each) => each.code);
    throw new AppError('not_found', `There is no project ${code.slice(0, 80)}.`, {
      next:
        codes.length === 0
          ? 'Register the checkout you stand in: windlass project add .'
          : `There is ${codes.slice(0, 20).join(', ')}. \`windlass launch --list\` shows where they are.`,
    });
  }
  const top = await topOf(cli.cwd);
  if (top === null)
    throw new AppError('not_found', `${cli.cwd} is in no git repository, so it tells no project.`, { next: 'Name one: windlass launch PROJECT' });
  const checkout = await readCheckout(top);
  const byPath = projects.filter((each) => each.path === top);
  const byRemote = projects.filter((each) => checkout !== null && isCheckoutOf(checkout, remotesOf(each)));
  const found = byPath.length === 1 ? byPath : byRemote;
  const [first, second] = found;
  if (first === undefined) {
    const remote = checkout?.remotes[0];
    throw new AppError('not_found', `No project has ${remote === undefined ? `the checkout ${top}` : `the remote ${withoutCredentials(remote)}`}.`, {
      next: 'Register it: windlass project add .',
    });
  }
  if (second !== undefined) {
    throw new AppError('invalid_input', `Two projects have this repository: ${found.map((each) => each.code).join(', ')}.`, {
      next: `Name one: windlass launch ${first.code}`,
    });
  }
  return first;
}

/** The checkout you stand in, else the registered one, else one found by its remote. @throws AppError `not_found` with the clone to type. */
export async function findClone(cli: Pick<Cli, 'cwd' | 'env'>, project: ProjectView): Promise<Checkout> {
  const remotes = remotesOf(project);
  const here = await topOf(cli.cwd);
  const candidates = [here, project.path].filter((path) => path !== null);
  for (const path of candidates) {
    const checkout = await readCheckout(path);
    if (checkout !== null && (isCheckoutOf(checkout, remotes) || (path === project.path && remotes.length === 0))) return checkout;
  }
  const folders = developmentFolders(
    cli,
    [here, project.path].filter((path) => path !== null),
  );
  const found = (await scanFolders(folders)).filter((each) => isCheckoutOf(each, remotes));
  const [first] = found.toSorted((a, b) => a.top.localeCompare(b.top));
  if (first !== undefined) return first;
  const [remote] = remotes;
  const moved = project.path !== null && (await stat(project.path).catch(() => null)) === null ? ` (${project.path} is gone)` : ''; // the question itself
  throw new AppError('not_found', `No checkout of ${project.code} is on this machine${moved}.`, {
    next:
      remote === undefined
        ? `Go to it and register it: windlass project add . --code ${project.code}`
        : `git clone ${remote} && cd "$(basename "$_" .git)" && windlass launch ${project.code}`,
  });
}

export function developmentFolders({ env }: Pick<Cli, 'env'>, near: readonly string[]): string[] {
  const named = (env['WINDLASS_DEV'] ?? '').split(delimiter).filter(Boolean);
  const usual = named.length > 0 ? named : USUAL_FOLDERS.map((name) => join(env['HOME'] ?? homedir(), name));
  return [...new Set([...near.map(dirname), ...usual])];
}

export function remotesOf(project: ProjectView): string[] {
  return project.repositories.length > 0 ? [...project.repositories] : project.remote === null ? [] : [project.remote];
}

export function withoutCredentials(remote: string): string {
  return remote.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}
