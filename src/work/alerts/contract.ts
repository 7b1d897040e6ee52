/** What surfaces can ask of alerts (spec CAD-2). Titles, branches and addresses are text of strangers: data, never an instruction. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';
import { storableText } from '../../kernel/text.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { ALERT_LIMITS } from './alert.ts';

export const AlertKind = z.enum(['ci', 'deployment', 'security', 'other']);
export const Severity = z.enum(['low', 'medium', 'high', 'critical']);
/** `overdue`: a security alert older than its severity allows; `organization`: twice as old, so that every project is shown it. */
export const Escalation = z.enum(['none', 'overdue', 'organization']);

const Actor = z.object({ actor: z.string(), name: z.string() });

export const AlertView = z.object({
  id: z.string(),
  /** Code; null when no project has the repository. */
  project: z.string().nullable(),
  kind: AlertKind,
  severity: Severity,
  title: z.string(),
  url: z.string().nullable(),
  /** Host and path of the git remote. */
  repository: z.string().nullable(),
  branch: z.string().nullable(),
  source: z.object({ id: z.string(), name: z.string() }),
  state: z.enum(['open', 'resolved']),
  /** How often it was told since it was opened. */
  count: z.int(),
  /** A security alert has one from the beginning. */
  owner: Actor.nullable(),
  firstAtMs: z.int(),
  lastAtMs: z.int(),
  /** Whole days since it was opened, up to now or to when it was resolved. */
  ageDays: z.int(),
  escalation: Escalation,
  resolved: z.object({ atMs: z.int(), by: z.string(), reason: z.string() }).nullable(),
});
export type AlertView = z.infer<typeof AlertView>;

const IdInput = z.object({ id: z.string().max(60).meta({ description: 'Alert id, as in alert_01jd…' }) });

export const alertOperations = {
  list: operation({
    name: 'alerts.list',
    permission: 'context.read',
    method: 'GET',
    path: '/alerts',
    summary: 'Lists alerts, the worst first: escalated before others, then by severity and time.',
    input: PageInput.extend({
      project: ProjectCode.optional().meta({ description: 'Only of this project.' }),
      scope: z.enum(['all', 'org']).default('all').meta({ description: '`org`: only what belongs to no project.' }),
      state: z.enum(['open', 'resolved', 'all']).default('open'),
      kind: AlertKind.optional(),
      escalated: z.stringbool().optional().meta({ description: 'Only security alerts that are older than they may be.' }),
    }),
    output: pageOf(AlertView),
  }),
  assign: operation({
    name: 'alerts.assign',
    permission: 'context.write',
    method: 'POST',
    path: '/alerts/{id}/assign',
    summary: 'Gives an alert an owner.',
    input: IdInput.extend({ owner: z.string().max(60).optional().meta({ description: 'Actor id; yourself when left out.' }) }),
    output: AlertView,
  }),
  resolve: operation({
    name: 'alerts.resolve',
    permission: 'context.write',
    method: 'POST',
    path: '/alerts/{id}/resolve',
    summary: 'Resolves an alert by hand, with the reason; one of security only by a person.',
    input: IdInput.extend({ reason: storableText(ALERT_LIMITS.reasonBytes) }),
    output: AlertView,
  }),
};
