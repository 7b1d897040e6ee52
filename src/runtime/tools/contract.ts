/** What surfaces can ask of tools: what agents could be allowed to call, and which tool servers do not answer. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { pageOf } from '../../kernel/page.ts';
import { ToolManifestEntry } from '../../kernel/plan.ts';

export const ToolView = ToolManifestEntry.pick({
  name: true,
  description: true,
  sideEffect: true,
  taints: true,
  recovery: true,
  timeoutMs: true,
}).extend({
  /** `builtin`, or `mcp:<server>`. */
  source: z.string(),
  /** Whose credential it uses; empty for none. */
  realm: z.string(),
});
export type ToolView = z.infer<typeof ToolView>;

export const ToolDetail = ToolView.extend({ inputSchema: z.record(z.string(), z.json()) });

export const toolOperations = {
  list: operation({
    name: 'tools.list',
    permission: 'tools.read',
    method: 'GET',
    path: '/tools',
    summary: 'Lists all tools there are, and what tool servers failed at.',
    input: z.object({ source: z.string().optional().meta({ description: 'Only of this source: builtin, or mcp:SERVER.' }) }),
    output: pageOf(ToolView).extend({
      /** A server that does not answer is named `server.*`; `why` says at which stage of the handshake. */
      faults: z.array(z.object({ tool: z.string(), why: z.string() })),
    }),
  }),
  get: operation({
    name: 'tools.get',
    permission: 'tools.read',
    method: 'GET',
    path: '/tools/{name}',
    summary: 'Shows one tool with the schema of its input.',
    input: z.object({ name: z.string().min(1).max(200).meta({ description: 'Name of the tool.' }) }),
    output: ToolDetail,
  }),
};
