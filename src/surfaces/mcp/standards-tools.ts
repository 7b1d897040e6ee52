/** Tools for standards, part of toolset `reviews`: searched, proposed, written with the approval of a person (spec STD-5). */
import { z } from 'zod';
import { ProjectCode } from '../../kernel/project.ts';
import { standardOperations } from '../../work/standards/contract.ts';
import type { StandardMatch } from '../../work/standards/contract.ts';
import { renderCount } from '../../kernel/page.ts';
import type { Tool } from './toolset.ts';
import { operationTool } from './toolset.ts';

const { domain, topic, tags, content, why } = standardOperations.propose.input.shape;

export const STANDARDS_TOOLS: readonly Tool[] = [
  operationTool({
    name: 'standards_search',
    title: 'Search standards',
    description: 'Finds passages of the standards that hold here, best first, each with its file and line. Search before you judge or write code.',
    input: z.strictObject({
      query: z.string().min(1).max(300).meta({ description: 'What it is about, in a few words.' }),
      project: ProjectCode.optional(),
      limit: z.int().min(1).max(20).default(5),
    }),
    use: standardOperations.search,
    show(found) {
      const none = 'No standard speaks of this. When you see a pattern repeat, propose one with standard_propose.';
      const alike = found.how === 'likeness' ? 'No standard has these words; these have names like them.\n\n' : '';
      const total = `${found.shown} of ${renderCount(found.total)} passages.`;
      return found.shown === 0 ? none : `${alike}${found.items.map(passage).join('\n\n')}\n\n${total}`;
    },
  }),
  operationTool({
    name: 'standard_propose',
    title: 'Propose a standard',
    description: 'Proposes a standard for a pattern that repeats. Nothing is written: a person approves, edits or refuses exactly this text.',
    input: z.strictObject({ domain, topic, tags, content, why, project: ProjectCode.optional() }),
    use: standardOperations.propose,
    idempotent: true,
    show: ({ id, path, state }) =>
      `Proposal ${id} for ${path}: ${state}.\n\nA person answers it: \`windlass standard approve ${id}\`. Do not wait for it; go on.`,
  }),
  operationTool({
    name: 'standard_create',
    title: 'Write an approved standard',
    description:
      'Writes a standard whose very text a person has approved; makes its folder. Refused without that approval, for another text, and for a path that exists.',
    input: z.strictObject({
      domain,
      topic,
      content,
      approval: z.string().max(60).meta({ description: 'Id of the approval, as the proposal shows it once it is approved.' }),
    }),
    use: standardOperations.create,
    idempotent: true,
    show: ({ path, place }) => `Written: ${path} (${place === 'folder' ? 'in the repository' : 'kept in the store'}).`,
  }),
];

function passage({ path, line, heading, passage: text, project }: StandardMatch): string {
  const quoted = text
    .split('\n')
    .map((each) => `> ${each}`)
    .join('\n');
  return `**${path}:${line}** ${heading}${project === null ? '' : ` (${project})`}\n${quoted}`;
}
