/**
 * `windlass render`: instructions, skills and commands of `.windlass/` into each CLI's format, in one checkout, in all of them, or for
 * yourself everywhere (spec LCH-3). Copies changed by hand are reported and stay.
 */
import { join } from 'node:path';
import { homedir } from 'node:os';
import { AppError, toAppError } from '../../../kernel/errors.ts';
import { changeLines, changeValues } from '../../launcher/file-lines.ts';
import { topOf } from '../../launcher/find-checkout.ts';
import { SOURCE_FOLDER } from '../../launcher/launch-file.ts';
import type { FileChange } from '../../launcher/owned.ts';
import { installOwned, removeOwned } from '../../launcher/owned.ts';
import { findClone, knownProjects } from '../../launcher/place.ts';
import type { Layout } from '../../launcher/render.ts';
import { PROJECT_LAYOUT, RENDER_GROUP, USER_LAYOUT, renderAll } from '../../launcher/render.ts';
import { readSource } from '../../launcher/source-folder.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { flag, option } from '../command.ts';
import { plural } from '../format.ts';
import type { Line } from '../terminal.ts';

export const render: Command = {
  name: 'render',
  summary: 'Renders .windlass/ into AGENTS.md, CLAUDE.md, GEMINI.md, skills and commands; exit 1 when a copy was changed by hand.',
  options: [
    ['--all', 'in the checkouts of all projects on this machine'],
    ['--exclude <codes>', 'with --all: not in these projects, separated by commas'],
    ['--from <folder>', 'with --all: from this source instead of the own one of each'],
    ['--user', 'for yourself, from .windlass/ in your home folder into ~/.claude, ~/.codex and ~/.gemini'],
    ['--dry-run', 'count and show what would change, and write nothing'],
    ['--remove', 'take the rendered parts out again'],
  ],
  examples: ['render', 'render --dry-run', 'render --all --exclude legacy,site --dry-run', 'render --user'],
  async run(cli, input) {
    const targets = flag(input, 'user') ? [userTarget(cli)] : flag(input, 'all') ? await allTargets(cli, input) : [await hereTarget(cli)];
    const done: Rendered[] = [];
    for (const target of targets) done.push(await renderOne(cli, input, target));
    return answer(done, flag(input, 'dryRun'));
  },
};

type Target = { name: string; root: string; source: string; layout: Layout };
type Rendered = { name: string; root: string; changes: readonly FileChange[]; fault: AppError | null };

function userTarget({ env }: Cli): Target {
  const own = env['HOME'] ?? homedir();
  return { name: 'you', root: own, source: join(own, SOURCE_FOLDER), layout: USER_LAYOUT };
}

async function hereTarget({ cwd }: Cli): Promise<Target> {
  const top = await topOf(cwd);
  if (top === null) throw new AppError('not_found', `${cwd} is in no git repository.`, { next: 'Go into a checkout, or use --all or --user.' });
  return { name: top, root: top, source: join(top, SOURCE_FOLDER), layout: PROJECT_LAYOUT };
}

/** Projects without a checkout here are left out. @throws AppError `invalid_input` for a code that no project has. */
async function allTargets(cli: Cli, input: Input): Promise<Target[]> {
  const { projects } = await knownProjects(cli);
  const excluded = (option(input, 'exclude') ?? '')
    .split(',')
    .map((code) => code.trim())
    .filter(Boolean);
  const unknown = excluded.filter((code) => !projects.some((project) => project.code === code));
  if (unknown.length > 0)
    throw new AppError('invalid_input', `There is no project ${unknown.join(', ')} to exclude.`, {
      next: '`windlass project list` shows what there is.',
    });
  const from = option(input, 'from');
  const found: Target[] = [];
  for (const project of projects.filter(({ code }) => !excluded.includes(code))) {
    const checkout = await findClone(cli, project).catch(() => null); // not on this machine
    if (checkout !== null)
      found.push({ name: project.code, root: checkout.top, source: from ?? join(checkout.top, SOURCE_FOLDER), layout: PROJECT_LAYOUT });
  }
  return found;
}

async function renderOne({ home, clock, machine }: Cli, input: Input, { name, root, source, layout }: Target): Promise<Rendered> {
  const deps = { home, clock, pid: machine.pid, kill: machine.kill };
  const options = { dryRun: flag(input, 'dryRun') };
  try {
    const changes = flag(input, 'remove')
      ? await removeOwned(deps, { root, group: RENDER_GROUP }, options)
      : await installOwned(deps, { root, group: RENDER_GROUP, files: renderAll(await readSource(source), layout) }, options);
    return { name, root, changes, fault: null };
  } catch (error) {
    return { name, root, changes: [], fault: toAppError(error) }; // the other checkouts are rendered all the same
  }
}

function answer(done: readonly Rendered[], dryRun: boolean): Answer {
  const changes = done.flatMap((each) => each.changes);
  const written = changes.filter(({ state }) => state === 'created' || state === 'changed' || state === 'removed').length;
  const kept = changes.filter(({ state }) => state === 'kept').length;
  const faults = done.filter(({ fault }) => fault !== null).length;
  const lines: Line[] = done.flatMap(({ name, changes: own, fault }): Line[] => {
    const shown =
      fault === null ? changeLines(own, { differences: dryRun }) : [[['red', 'failed  '], `  ${fault.message} ${fault.next ?? ''}`] satisfies Line];
    return shown.length === 0 ? [] : [[['bold', name]], ...shown];
  });
  const summary = `${plural(written, 'file')} ${dryRun ? 'would be written' : 'written'} in ${plural(done.length, 'place')}${kept === 0 ? '' : `, ${kept} kept as changed by hand: bring the change into .windlass/, then remove the copy`}${faults === 0 ? '' : `, ${faults} failed`}.`;
  const places = done.map(({ name, root, changes: own, fault }) => ({
    name,
    root,
    files: changeValues(own),
    fault: fault === null ? null : { message: fault.message, next: fault.next ?? null },
  }));
  return { value: { places, written, kept, faults }, lines: [...lines, summary], exit: kept + faults > 0 ? 1 : 0 };
}
