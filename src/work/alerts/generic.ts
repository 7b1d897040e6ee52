/** What a Standard Webhooks event of any sender says, as signals. Pure; the signature has been checked before. */
import { z } from 'zod';
import { remoteKey } from '../../kernel/git-remote.ts';
import { ALERT_LIMITS, foldKey, plainLine, plainUrl } from './alert.ts';
import type { Reading } from './github.ts';

const Envelope = z.object({ type: z.string().min(1).max(200), timestamp: z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)) });
const Key = z.string().min(1).max(500);
const Raised = z.object({
  data: z.object({
    key: Key.meta({ description: 'What makes two reports the same alert.' }),
    title: z.string().min(1).max(10_000),
    kind: z.enum(['ci', 'deployment', 'security', 'other']).default('other'),
    severity: z.enum(['low', 'medium', 'high', 'critical']).default('medium'),
    url: z.string().optional(),
    project: z.string().max(100).optional(),
    repository: z.string().max(2_000).optional(),
    branch: z.string().max(1_000).optional(),
  }),
});
const Resolved = z.object({ data: z.object({ key: Key, reason: z.string().max(10_000).default('The sender says that it is over.') }) });

/** `source` keeps the keys of one sender apart from those of others. @throws ZodError for a body that is none of ours. */
export function readGeneric(source: string, body: unknown): Reading {
  const { type, timestamp: atMs } = Envelope.parse(body);
  if (type === 'alert.resolved') {
    const { key, reason } = Resolved.parse(body).data;
    return { signals: [{ tone: 'green', key: foldKey([source, key]), atMs, reason: plainLine(reason, ALERT_LIMITS.titleChars) }], note: '', atMs };
  }
  if (type !== 'alert.raised') return { signals: [], note: `Nothing here follows ${plainLine(type, 60)}.`, atMs };
  const { key, title, url, project, repository, branch, kind, severity } = Raised.parse(body).data;
  const place = {
    project: project ?? null,
    repository: repository === undefined ? null : plainLine(remoteKey(repository) ?? repository, 500),
    branch: branch === undefined ? null : plainLine(branch, ALERT_LIMITS.branchChars),
  };
  const what = { kind, severity, title: plainLine(title, ALERT_LIMITS.titleChars) || 'An alert without words', url: plainUrl(url) };
  return { signals: [{ tone: 'red', key: foldKey([source, key]), ...what, ...place, atMs }], note: '', atMs };
}
