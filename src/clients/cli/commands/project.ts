/** `windlass project`: products with their checkouts on the server's machine. */
import { resolve } from 'node:path';
import { projectOperations } from '../../../work/projects/contract.ts';
import type { ProjectView } from '../../../work/projects/contract.ts';
import type { Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { timestamp } from '../format.ts';
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
  summary: 'Registers the git repository at a path of the server as a project.',
  args: [['[path]', 'a folder inside the checkout; the one you stand in when left out']],
  options: [
    ['--code <code>', "short name; from the repository's when left out"],
    ['--name <name>', 'name for people'],
  ],
  examples: ['project add', 'project add ~/src/windmill --code windmill'],
  async run(cli, input) {
    const path = resolve(cli.cwd, input.args[0] ?? '.');
    const project = await (
      await cli.connect()
    ).call(projectOperations.add, { path, ...given({ code: option(input, 'code'), name: option(input, 'name') }) });
    return { value: project, lines: projectLines(project) };
  },
};

function projectLines(project: ProjectView): Line[] {
  return fields([
    ['project', `${project.code} (${project.id})`],
    ['name', project.name],
    ['path', project.path ?? 'no checkout'],
    ['remote', project.remote],
    ['added', timestamp(project.createdAtMs)],
  ]);
}

export const project: Noun = { verbs: [list, show, add], usual: 'list' };
