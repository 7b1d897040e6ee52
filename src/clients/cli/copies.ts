/** What commands answer from the copies in the home folder when the server is out of reach, marked with their age (spec LCH-5). */
import { AppError, toAppError } from '../../kernel/errors.ts';
import { listCopies, readBriefing, readCopy } from '../launcher/briefing-copy.ts';
import { keptProjects, pickProject } from '../launcher/place.ts';
import type { Answer, Cli } from './command.ts';
import { relativeTime } from './format.ts';
import { table } from './table.ts';

/** The answer of the server, else of the copies. @throws AppError as the server does, when there is no copy either. */
export async function orCopy(work: () => Promise<Answer>, copy: (why: string) => Promise<Answer | null>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const failure = toAppError(error);
    const kept = failure.code === 'unavailable' ? await copy(failure.message) : null;
    if (kept === null) throw failure;
    return kept;
  }
}

/** Null when it cannot be told without the server. */
async function projectOf(cli: Cli, named: string | undefined): Promise<string | null> {
  const known = named ?? cli.env['WINDLASS_PROJECT'];
  if (known !== undefined) return known;
  return pickProject(cli, await keptProjects(cli), undefined).then(
    ({ code }) => code,
    () => null, // no checkout of a project that is known here
  );
}

export async function briefingCopy(cli: Cli, named: string | undefined): Promise<Answer | null> {
  const project = await projectOf(cli, named);
  const told = project === null ? null : await readBriefing(cli, null, { project });
  if (told === null) return null;
  return { value: { project, keptAtMs: told.keptAtMs, markdown: told.markdown }, lines: told.markdown.trimEnd().split('\n') };
}

function mark(cli: Cli, { atMs, why }: { atMs: number; why: string }): void {
  const age = relativeTime(atMs, cli.clock.nowMs());
  if (!cli.terminal.json) cli.terminal.err([['yellow', `${why} This is a copy from ${age}, not the present state.`]]);
}

export async function documentCopies(cli: Cli, named: string | undefined, why: string): Promise<Answer | null> {
  const project = await projectOf(cli, named);
  const kept = project === null ? null : await listCopies(cli, project);
  if (kept === null) return null;
  mark(cli, { atMs: kept.atMs, why });
  const rows = kept.items.map(({ id, name }) => [id ?? '', project ?? '', name]);
  return { value: { project, keptAtMs: kept.atMs, items: kept.items }, lines: table(['document', 'project', 'name'], rows, cli.terminal.columns) };
}

/** By name, id or the end of an id. @throws AppError `not_found` when copies were made and this is none of them. */
export async function documentCopy(cli: Cli, wanted: string, why: string): Promise<Answer | null> {
  const project = await projectOf(cli, undefined);
  const kept = project === null ? null : await listCopies(cli, project);
  if (project === null || kept === null) return null;
  const found = kept.items.find(({ id, name }) => name === wanted || (id?.endsWith(wanted) ?? false));
  const content = found === undefined ? null : await readCopy(cli, project, found.name);
  if (found === undefined || content === null)
    throw new AppError('not_found', `${why} Among the ${kept.items.length} copies of ${project}'s documents is no ${wanted}.`, {
      next: '`windlass doc list` shows those there are.',
    });
  mark(cli, { atMs: kept.atMs, why });
  return { value: { project, keptAtMs: kept.atMs, ...found, content }, lines: [[['bold', found.name]], '', content] };
}
