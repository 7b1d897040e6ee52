/** What surfaces can ask of recurring duties (spec CAD-1). */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';

const Id = z.string().max(60);

export const DutyView = z.object({
  id: z.string(),
  /** Code; null for the whole organization. */
  project: z.string().nullable(),
  title: z.string(),
  /** Null for a planned event, which is once. */
  intervalDays: z.int().nullable(),
  /** Where it stands in a calendar; null when nobody said. */
  link: z.string().nullable(),
  dueAtMs: z.int(),
  overdue: z.boolean(),
  /** Null when it was never done. */
  last: z.object({ atMs: z.int(), result: z.string(), by: z.object({ actor: z.string(), name: z.string() }) }).nullable(),
});
export type DutyView = z.infer<typeof DutyView>;

export const cadenceOperations = {
  list: operation({
    name: 'cadence.list',
    permission: 'context.read',
    method: 'GET',
    path: '/duties',
    summary: 'Lists recurring duties, the one due first at the top.',
    input: PageInput.omit({ cursor: true }).extend({
      project: ProjectCode.optional().meta({ description: 'Only of this project.' }),
      scope: z.enum(['all', 'org']).default('all').meta({ description: '`org`: only what belongs to no project.' }),
      due: z.enum(['all', 'overdue']).default('all'),
    }),
    output: pageOf(DutyView),
  }),
  add: operation({
    name: 'cadence.add',
    permission: 'context.write',
    method: 'POST',
    path: '/duties',
    summary: 'Adds a duty that comes again every so many days, for the first time after as many; or an event that is planned for one time.',
    input: z.object({
      title: storableText(300),
      intervalDays: z.int().min(1).max(3_650).optional().meta({ description: 'Of a duty: how often it comes again.' }),
      at: z.iso.datetime({ offset: true }).optional().meta({ description: 'Of an event: when it is, as in 2026-12-24T09:00:00Z.' }),
      link: z
        .url({ protocol: /^https?$/ })
        .max(2_000)
        .optional()
        .meta({ description: 'Where it stands in a calendar.' }),
      project: ProjectCode.nullable().default(null),
    }),
    output: DutyView,
    status: 201,
  }),
  done: operation({
    name: 'cadence.done',
    permission: 'context.write',
    method: 'POST',
    path: '/duties/{id}/done',
    summary: 'Records that a duty was done, with what came of it: its interval begins anew, and an event is over.',
    input: z.object({ id: Id, result: storableText(2_000) }),
    output: DutyView,
  }),
  retire: operation({
    name: 'cadence.retire',
    permission: 'context.write',
    method: 'POST',
    path: '/duties/{id}/retire',
    summary: 'Ends a duty: it is listed no more, and what was done of it is kept.',
    input: z.object({ id: Id }),
    output: DutyView,
  }),
};
