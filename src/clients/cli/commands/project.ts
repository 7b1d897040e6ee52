/** `windlass project`: products with their checkouts on the server's machine. */
import { resolve } from 'node:path';
import { projectSetupOperations } from '../../../work/project-setup/contract.ts';
import type { SetupView, VerifyView } from '../../../work/project-setup/contract.ts';
import { projectOperations } from '../../../work/projects/contract.ts';
import type { ProjectView } from '../../../work/projects/contract.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { timestamp } from '../format.ts';
import { makeRepository } from '../template-repository.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists projects by code.',
  options: [
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['project list', 'project list --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const page = await connection.call(projectOperations.list, given({ limit: option(input, 'limit'), cursor: option(input, 'cursor') }));
    const rows = page.items.map((each) => [each.code, each.name, each.path ?? 'no checkout', each.remote ?? '']);
    const lines = pageLines(page, {
      table: () => table(['code', 'name', 'path', 'remote'], rows, cli.terminal.columns),
      nothing: 'No projects. Add the repository you stand in: windlass project add .',
      more: 'windlass project list',
    });
    return { value: page, lines };
  },
};

const show: Command = {
  name: 'show',
  summary: 'Shows one project.',
  args: [['<code>', 'code of the project']],
  examples: ['project show windmill'],
  async run(cli, input) {
    const project = await (await cli.connect()).call(projectOperations.get, { code: argument(input, 0) });
    return { value: project, lines: projectLines(project) };
  },
};

const add: Command = {
  name: 'add',
  summary: 'Registers the git repository at a path of the server as a project, and sets it up.',
  args: [['[path]', 'a folder inside the checkout; the one you stand in when left out']],
  options: [
    ['--code <code>', "short name; from the repository's when left out"],
    ['--name <name>', 'name for people'],
    ['--template <owner/name>', 'where there is no checkout yet: a private repository made from this one by gh, cloned to the path'],
  ],
  examples: ['project add', 'project add ~/src/windmill --code windmill', 'project add ~/src/mill --template acme/service-template'],
  async run(cli, input) {
    const path = resolve(cli.cwd, input.args[0] ?? '.');
    const template = option(input, 'template');
    const connection = await cli.connect();
    const made = template === undefined ? [] : [repositoryStep(template, await makeRepository(cli, { path, template }))];
    const { code } = await connection.call(projectOperations.add, { path, ...given({ code: option(input, 'code'), name: option(input, 'name') }) });
    const done = await connection.call(projectSetupOperations.setup, { code });
    const steps = [...made, ...done.steps];
    const project = await connection.call(projectOperations.get, { code });
    return { value: { ...project, steps }, lines: [...projectLines(project), '', ...stateLines(cli, steps)] };
  },
};

function repositoryStep(template: string, state: 'there' | 'done'): SetupView['steps'][number] {
  const detail = state === 'done' ? `made from ${template}, private, cloned` : 'a checkout was there, nothing was made';
  return { name: 'repository', state, detail, next: '' };
}

const set: Command = {
  name: 'set',
  summary: 'Changes what is known of a project; what is left out stays.',
  args: [['<code>', 'code of the project']],
  options: [
    ['--name <name>', 'name for people'],
    ['--status <status>', 'idea, active, maintained, paused or ended'],
    ['--capabilities <list>', 'what it has, as in has_api,has_database; "" for nothing'],
    ['--repositories <list>', 'git remotes, the main one first'],
    ['--secrets-path <path>', 'where its secrets are kept'],
    ['--design-spec <path>', 'its design specification'],
    ['--platform', 'it is the project of the platform itself'],
  ],
  examples: ['project set windmill --status maintained', 'project set windmill --capabilities has_api,has_database'],
  async run(cli, input) {
    const listOf = (name: string): string[] | undefined =>
      option(input, name)
        ?.split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '');
    const facts = given({
      name: option(input, 'name'),
      status: option(input, 'status') as ProjectView['status'] | undefined,
      capabilities: listOf('capabilities'),
      repositories: listOf('repositories'),
      secretsPath: option(input, 'secretsPath'),
      designSpec: option(input, 'designSpec'),
      platform: input.options['platform'] === true ? true : undefined,
    });
    const project = await (await cli.connect()).call(projectOperations.update, { code: argument(input, 0), ...facts });
    return { value: project, lines: projectLines(project) };
  },
};

const setup: Command = {
  name: 'setup',
  summary: 'Sets a project up step by step; asking again does only what is missing.',
  args: [['<code>', 'code of the project']],
  options: [['--forge', 'also what is made for the forge: labels, issue templates, a board']],
  examples: ['project setup windmill', 'project setup windmill --forge'],
  async run(cli, input) {
    const forge = input.options['forge'] === true;
    const done = await (await cli.connect()).call(projectSetupOperations.setup, { code: argument(input, 0), forge });
    return { value: done, lines: stateLines(cli, done.steps), exit: done.steps.some(({ state }) => state === 'failed') ? 1 : 0 };
  },
};

const verify: Command = {
  name: 'verify',
  summary: 'Proves that a project works by doing what its agents do.',
  args: [['<code>', 'code of the project']],
  options: [['--forge', 'also by a test issue that is opened on the forge, read back and closed']],
  examples: ['project verify windmill', 'project verify windmill --forge --json'],
  async run(cli, input) {
    const found = await (
      await cli.connect()
    ).call(projectSetupOperations.verify, { code: argument(input, 0), forge: input.options['forge'] === true });
    const unknown = found.unknown === 0 ? '' : `, ${found.unknown} unknown`;
    const head: Line = [`${found.project}: `, [found.overall === 'failed' ? 'red' : 'green', found.overall], unknown];
    return { value: found, lines: [head, ...stateLines(cli, found.checks)], exit: found.overall === 'failed' ? 1 : 0 };
  },
};

function stateLines({ terminal }: Pick<Cli, 'terminal'>, all: SetupView['steps'] | VerifyView['checks']): Line[] {
  const rows = all.map(({ name, state, detail, next }): Line[] => [
    name,
    [[state === 'failed' ? 'red' : state === 'skipped' || state === 'unknown' ? 'yellow' : 'green', state]],
    next === '' ? detail : `${detail} ${next}`,
  ]);
  return table(['step', 'state', 'what'], rows, terminal.columns);
}

const scan: Command = {
  name: 'scan',
  summary: 'Finds the clones below a folder, matched to projects by their git remote, and says which are missing.',
  args: [['[folder]', 'the one you stand in when left out']],
  examples: ['project scan ~/src', 'project scan ~/src --json'],
  async run(cli, input) {
    const found = await (await cli.connect()).call(projectOperations.scan, { folder: resolve(cli.cwd, input.args[0] ?? '.') });
    const rows = found.clones.map((each) => [each.project ?? 'no project', each.branch ?? 'detached', each.path, each.remote ?? 'no remote']);
    const missing = found.missing.map(({ project, command }): Line => [['yellow', `${project} has no clone here: ${command}`]]);
    return {
      value: found,
      lines: [
        ...(rows.length === 0 ? ['No git repositories here.'] : table(['project', 'branch', 'path', 'remote'], rows, cli.terminal.columns)),
        ...missing,
        ...(found.cut ? ['There are more folders than are looked at: name one below.'] : []),
        [['dim', `${found.clones.length} clones in ${Math.round(found.tookMs)} ms`]],
      ],
    };
  },
};

function projectLines(project: ProjectView): Line[] {
  return fields([
    ['project', `${project.code} (${project.id})`],
    ['name', project.name],
    ['path', project.path ?? 'no checkout'],
    ['remote', project.repositories.join(', ') || null],
    ['status', project.platform ? `${project.status}, the platform project` : project.status],
    ['has', project.capabilities.join(', ') || null],
    ['secrets', project.secretsPath],
    ['design', project.designSpec],
    ['runs at', project.environments.map(({ name, url }) => (url === null ? name : `${name} (${url})`)).join(', ') || null],
    ['kept in', project.declared ? 'windlass.yaml' : null],
    ['added', timestamp(project.createdAtMs)],
  ]);
}

export const project: Noun = { verbs: [list, show, add, set, setup, verify, scan], usual: 'list' };
