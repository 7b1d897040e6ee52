/** What surfaces can ask of the audit log: what people and programs changed of an organization itself, and whether the record is whole. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

export const AuditEntry = z.object({
  seq: z.int(),
  atMs: z.int(),
  /** As in `key.created`. */
  type: z.string(),
  /** Id of what was changed; null once the text was deleted on request. */
  subject: z.string().nullable(),
  by: z.object({ actor: z.string(), name: z.string() }),
  /** What else was written of it; null once deleted. */
  detail: z.record(z.string(), z.json()).nullable(),
  hash: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** A name such as `key` or `agent`. */
const Kind = z
  .string()
  .regex(/^[a-z_]{1,40}$/)
  .meta({ description: 'Only changes of this, by the first word of their type, as in key or agent.' });

export const auditOperations = {
  list: operation({
    name: 'audit.list',
    permission: 'audit.read',
    method: 'GET',
    path: '/audit',
    summary: 'Lists what was changed of the organization itself (keys, agents, budgets, standards) and by whom, newest first.',
    input: PageInput.extend({
      kind: Kind.optional(),
      actor: z.string().max(60).optional().meta({ description: 'Only what this actor changed, by id.' }),
    }),
    output: pageOf(AuditEntry),
  }),
  verify: operation({
    name: 'audit.verify',
    permission: 'audit.read',
    method: 'GET',
    path: '/audit/verify',
    summary: 'Walks the chain of the audit log from its first entry and says whether it is unbroken.',
    input: z.object({}),
    output: z.object({ ok: z.boolean(), entries: z.int(), firstBad: z.int().nullable(), why: z.string() }),
  }),
};
