/** What surfaces can ask of the request log. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

export const RequestView = z.object({
  atMs: z.int(),
  surface: z.enum(['http', 'mcp']),
  method: z.string(),
  /** Without query. */
  path: z.string(),
  operation: z.string().nullable(),
  status: z.int(),
  /** Of a refusal or fault. */
  code: z.string().nullable(),
  durationMs: z.int(),
  actor: z.string(),
  /** Of the key. */
  fingerprint: z.string(),
});
export type RequestView = z.infer<typeof RequestView>;

export const telemetryOperations = {
  requests: operation({
    name: 'requests.get',
    permission: 'audit.read',
    method: 'GET',
    path: '/requests/{correlationId}',
    summary: 'Shows the requests made under a correlation id in the last 7 days.',
    input: PageInput.extend({ correlationId: z.string().max(100).meta({ description: 'As in X-Correlation-Id of an answer or a problem.' }) }),
    output: pageOf(RequestView),
  }),
};
