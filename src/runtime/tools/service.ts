/** Use cases of tools as surfaces call them: listings only. Calling a tool is the harness's. */
import { AppError } from '../../kernel/errors.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { toolOperations } from './contract.ts';
import type { Tools } from './tool.ts';

export function toolHandlers(tools: Pick<Tools, 'list'>): Handlers<Principal, typeof toolOperations> {
  return {
    list: async ({ principal }, { source }) => {
      const { specs, faults } = await tools.list(principal.org);
      const items = specs.filter((spec) => source === undefined || spec.source === source).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return { items, shown: items.length, total: { kind: 'exact', value: items.length }, next: null, faults };
    },
    get: async ({ principal }, { name }) => {
      const { specs, faults } = await tools.list(principal.org);
      const found = specs.find((spec) => spec.name === name);
      if (found !== undefined) return found;
      const [fault] = faults.filter(({ tool }) => name.startsWith(tool.replace(/\.\*$/, '__')));
      throw new AppError('not_found', fault?.why ?? `There is no tool ${name}.`, { next: '`windlass tool list` shows all there are.' });
    },
  };
}
