/** Agents that ship with Windlass: one folder each with `agent.yaml` and, where it works without a model, `rehearsal.yaml`. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../kernel/errors.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Check } from '../../runtime/tools/validate.ts';
import { parseFiles } from '../agents/definition-file.ts';
import type { AgentDefinition } from '../agents/definition.ts';
import type { Agents } from '../agents/service.ts';
import type { templateOperations } from './contract.ts';

export type TemplatesDeps = { folder: string; check: Check; agents: Pick<Agents, 'ensure' | 'existing'> };

export type Template = { definition: AgentDefinition; rehearsed: boolean };

export type Templates = {
  handlers: Handlers<Principal, typeof templateOperations>;
  /** All that ship, by name. @throws AppError `internal` for one with faults: it is ours to mend. */
  read(): Promise<Template[]>;
};

export function createTemplates(deps: TemplatesDeps): Templates {
  const read = (): Promise<Template[]> => readTemplates(deps);
  return {
    read,
    handlers: {
      async list({ principal }) {
        const templates = await read();
        const there = await deps.agents.existing(
          principal.org,
          templates.map(({ definition }) => definition.name),
        );
        return {
          items: templates.map(({ definition, rehearsed }) => {
            const { name, description, tools } = definition;
            return { name, description, tools, rehearsed, added: there.includes(name) };
          }),
        };
      },
      async add({ principal }, { name }) {
        const templates = await read();
        const template = templates.find(({ definition }) => definition.name === name);
        if (template === undefined) {
          throw new AppError('not_found', `There is no template ${name}.`, {
            next: `There are: ${templates.map(({ definition }) => definition.name).join(', ')}.`,
          });
        }
        const [created] = await deps.agents.ensure(principal, [template.definition]);
        const message =
          created === undefined ? `Agent ${name} is there already; nothing was changed.` : `Agent ${name} is ready: windlass run ${name} --wait`;
        return { name, created: created !== undefined, message };
      },
    },
  };
}

async function readTemplates(deps: TemplatesDeps): Promise<Template[]> {
  const folders = (await readdir(deps.folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name !== 'personas');
  const names = folders.map(({ name }) => name).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(deps.folder, name, 'agent.yaml'), 'utf8');
      const { definitions, faults } = parseFiles([{ path: `templates/${name}.yaml`, text }], deps.check);
      const [file] = definitions;
      if (file === undefined)
        throw new AppError('internal', `The template ${name} has faults: ${faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ')}`);
      const script = await stat(join(deps.folder, name, 'rehearsal.yaml')).catch(() => null); // a template may need a model
      return { definition: file.definition, rehearsed: script !== null };
    }),
  );
}
