/** What surfaces can ask of webhook sources: who may send events here, each with a secret of its own. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { ProjectCode } from '../../kernel/project.ts';

export const SourceKind = z.enum(['github', 'generic']);
export type SourceKind = z.infer<typeof SourceKind>;

export const SourceView = z.object({
  id: z.string(),
  kind: SourceKind,
  name: z.string(),
  /** Code; null: alerts find their project by their repository. */
  project: z.string().nullable(),
  /** Who answers for security alerts that come from it. */
  owner: z.object({ actor: z.string(), name: z.string() }),
  /** Below the server's address. */
  path: z.string(),
  state: z.enum(['active', 'revoked']),
  createdAtMs: z.int(),
  revokedAtMs: z.int().nullable(),
  /** Of a delivery whose signature was right. */
  lastDeliveryAtMs: z.int().nullable(),
  lastRedAtMs: z.int().nullable(),
  lastGreenAtMs: z.int().nullable(),
});
export type SourceView = z.infer<typeof SourceView>;

const IdInput = z.object({ id: z.string().max(60).meta({ description: 'Source id, as in whs_01jd…' }) });

export const webhookOperations = {
  list: operation({
    name: 'webhook_sources.list',
    permission: 'projects.read',
    method: 'GET',
    path: '/webhook-sources',
    summary: 'Lists who may send events here, newest first; never their secrets.',
    input: PageInput.omit({ cursor: true }).extend({ all: z.stringbool().optional().meta({ description: 'Also those that are revoked.' }) }),
    output: pageOf(SourceView),
  }),
  create: operation({
    name: 'webhook_sources.create',
    permission: 'webhooks.write',
    method: 'POST',
    path: '/webhook-sources',
    summary: 'Lets GitHub or another sender of signed events in, and shows its secret once.',
    input: z.object({
      kind: SourceKind,
      name: z
        .string()
        .trim()
        .min(1)
        .max(200)
        .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'must be one line of plain text'),
      project: ProjectCode.nullable().default(null).meta({ description: 'Everything from it belongs to this project; by repository when left out.' }),
      owner: z.string().max(60).optional().meta({ description: 'Actor who answers for its security alerts; yourself when left out.' }),
    }),
    output: z.object({ source: SourceView, secret: z.string().meta({ description: 'Shown once.' }), message: z.string() }),
    status: 201,
    showsSecret: true,
  }),
  revoke: operation({
    name: 'webhook_sources.revoke',
    permission: 'webhooks.write',
    method: 'POST',
    path: '/webhook-sources/{id}/revoke',
    summary: 'Takes nothing more from a source; its alerts stay.',
    input: IdInput,
    output: SourceView,
    effect: 'destructive',
  }),
};
