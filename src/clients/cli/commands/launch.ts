/** `windlass launch`: starts a coding CLI on a project, set up; lists what could be launched; takes out what it put in. */
import { AppError } from '../../../kernel/errors.ts';
import { changeLines, changeValues } from '../../launcher/file-lines.ts';
import { CLIS, cliNamed, findInstalled } from '../../launcher/clis.ts';
import { CLI_NAMES } from '../../launcher/coding-cli.ts';
import { isCheckoutOf, readCheckout, scanFolders, topOf } from '../../launcher/find-checkout.ts';
import type { LaunchWish } from '../../launcher/launch.ts';
import { prepare } from '../../launcher/launch.ts';
import { removeOwned } from '../../launcher/owned.ts';
import { developmentFolders, findClone, knownProjects, pickProject, remotesOf } from '../../launcher/place.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { flag } from '../command.ts';
import { relativeTime } from '../format.ts';
import { table } from '../table.ts';
import type { Line } from '../terminal.ts';

export const launch: Command = {
  name: 'launch',
  summary: 'Starts a coding CLI on a project, with its secrets, tools, hooks and instructions in place.',
  args: [
    ['[project]', 'code of the project; the one you stand in when left out, or with .'],
    ['[cli]', 'claude, codex or gemini; the first that is installed when left out'],
    ['[arguments...]', 'for the CLI itself, behind --'],
  ],
  options: [
    ['--staging', 'with the secrets of staging; production is the default'],
    ['--trust', 'this checkout is trusted for this launch: the CLI reads its configuration and runs its hooks without asking'],
    ['--dry-run', 'show what would be written and started, and do nothing'],
    ['--list', 'show projects, their checkouts and the CLIs that are installed'],
    ['--remove', 'take everything that launches put into the checkout out again'],
  ],
  examples: [
    'launch app',
    'launch app codex',
    'launch . claude -- -p "Run the tests and mend what fails."',
    'launch app --dry-run',
    'launch --list',
    'launch app --remove',
  ],
  async run(cli, input) {
    if (flag(input, 'list')) return listAll(cli);
    if (flag(input, 'remove')) return remove(cli, input);
    const wish = wishOf(input);
    const startedMs = cli.clock.nowMs();
    const prepared = await prepare(cli, wish);
    const { project, checkout, cli: coding, start } = prepared;
    if (wish.dryRun) {
      const { installed, environment, variables, gateway, changes, warnings, command } = prepared;
      const value = {
        project: project.code,
        checkout: checkout.top,
        cli: coding.name,
        version: installed.version,
        environment,
        variables,
        gateway,
        command,
        warnings,
      };
      return {
        value: { ...value, files: changeValues(changes) },
        lines: [...changeLines(changes, { differences: true }), `Would start: ${command.join(' ')}`],
      };
    }
    if (!cli.terminal.json)
      cli.terminal.err([['dim', `      starting ${coding.title} after ${((cli.clock.nowMs() - startedMs) / 1000).toFixed(1)} s`]]);
    const exit = await cli.start(prepared.installed.program, start.args, { cwd: checkout.top, env: start.env }).catch((error: unknown) => {
      throw new AppError('unavailable', `${coding.title} could not be started: ${error instanceof Error ? error.message : String(error)}.`, {
        next: coding.install,
        cause: error,
      });
    });
    return { value: undefined, lines: [], exit };
  },
};

/** @throws AppError `invalid_input` for a CLI that is none. */
function wishOf(input: Input): LaunchWish {
  const [project, ...rest] = input.args;
  // behind -- everything is the CLI's, also where ours was left out
  const named = rest[0] !== undefined && !rest[0].startsWith('-') ? cliNamed(rest[0]).name : undefined;
  return {
    project,
    cli: named,
    environment: flag(input, 'staging') ? 'staging' : 'production',
    trust: flag(input, 'trust'),
    dryRun: flag(input, 'dryRun'),
    args: named === undefined ? rest : rest.slice(1),
  };
}

async function listAll(cli: Cli): Promise<Answer> {
  const known = await knownProjects(cli);
  const here = await topOf(cli.cwd);
  const near = [here, ...known.projects.map(({ path }) => path)].filter((path) => path !== null);
  const found = await scanFolders(developmentFolders(cli, near));
  const projects = await Promise.all(
    known.projects.map(async (project) => {
      const own = project.path === null ? null : await readCheckout(project.path);
      const matching = found.filter((each) => isCheckoutOf(each, remotesOf(project))).map(({ top }) => top);
      return { project: project.code, checkouts: [...new Set([...(own === null ? [] : [own.top]), ...matching])], remote: project.remote };
    }),
  );
  const clis = await Promise.all(
    CLI_NAMES.map(async (name) => {
      const installed = await findInstalled(cli, CLIS[name]);
      return { cli: name, version: installed?.version ?? null, install: CLIS[name].install };
    }),
  );
  const rows = projects.map(({ project, checkouts, remote }) => [
    project,
    checkouts.join(', ') || `no checkout${remote === null ? '' : `: git clone ${remote}`}`,
  ]);
  const old: Line[] =
    known.keptAtMs === null
      ? []
      : [[['yellow', `The server does not answer; projects as of ${relativeTime(known.keptAtMs, cli.clock.nowMs())}.`]], ''];
  const lines: Line[] = [
    ...old,
    ...(rows.length === 0
      ? ['No projects. Register the checkout you stand in: windlass project add .']
      : table(['project', 'checkout'], rows, cli.terminal.columns)),
    '',
    ...table(
      ['cli', 'version'],
      clis.map((each) => [each.cli, each.version ?? `not installed: ${each.install}`]),
      cli.terminal.columns,
    ),
  ];
  return { value: { projects, clis, keptAtMs: known.keptAtMs }, lines };
}

/** Needs no server: where the checkout is not known to it, the one you stand in is meant. */
async function remove(cli: Cli, input: Input): Promise<Answer> {
  const [code] = input.args;
  const here = await topOf(cli.cwd);
  const root =
    code === undefined || code === '.' ? here : (await findClone(cli, await pickProject(cli, (await knownProjects(cli)).projects, code))).top;
  if (root === null)
    throw new AppError('not_found', `${cli.cwd} is in no git repository.`, { next: 'Name the project: windlass launch PROJECT --remove' });
  const { home, clock, machine } = cli;
  const changes = await removeOwned({ home, clock, pid: machine.pid, kill: machine.kill }, { root }, { dryRun: flag(input, 'dryRun') });
  const lines = changeLines(changes, { differences: flag(input, 'dryRun') });
  return { value: { checkout: root, files: changeValues(changes) }, lines: lines.length === 0 ? [`Nothing of ours is in ${root}.`] : lines };
}
