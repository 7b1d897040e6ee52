/** `windlass agent template`: the agents that ship with Windlass, as files to start from. */
import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import type { Command } from '../command.ts';
import { table } from '../table.ts';

const TEMPLATES = new URL('../../../../templates/', import.meta.url);
const Head = z.object({ name: z.string(), description: z.string().default('') });

type Template = { name: string; description: string; text: string };

async function readTemplates(): Promise<Template[]> {
  const folders = await readdir(TEMPLATES, { withFileTypes: true });
  const names = folders.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(`${name}/agent.yaml`, TEMPLATES), 'utf8');
      return { ...Head.parse(parse(text)), text };
    }),
  );
}

export const template: Command = {
  name: 'template',
  summary: 'Lists the agents that ship with Windlass, or prints the file of one to start from.',
  args: [['[name]', 'the template to print']],
  examples: ['agent template', 'agent template repo-digest > agents/my-digest.yaml'],
  async run(cli, input) {
    const templates = await readTemplates();
    const [name] = input.args;
    if (name === undefined) {
      const rows = templates.map((each) => [each.name, each.description]);
      return { value: templates, lines: table(['name', 'description'], rows, cli.terminal.columns) };
    }
    const found = templates.find((each) => each.name === name);
    if (found === undefined) {
      throw new AppError('not_found', `No template is named ${name}.`, { next: `There are ${templates.map((each) => each.name).join(', ')}.` });
    }
    return { value: found, lines: [found.text.trimEnd()] };
  },
};
