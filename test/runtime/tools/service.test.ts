/** The list of tools as surfaces see it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorId, CorrelationId, KeyId } from '../../../src/kernel/ids.ts';
import type { Principal } from '../../../src/platform/identity/principal.ts';
import { toolOperations } from '../../../src/runtime/tools/contract.ts';
import { UNKNOWN_TOOL } from '../../../src/runtime/tools/registry.ts';
import { toolHandlers } from '../../../src/runtime/tools/service.ts';
import { ORG } from './support.ts';
import { UNBOUND } from '../../support/identity.ts';

const PRINCIPAL: Principal = {
  org: ORG,
  actor: 'act_a' as ActorId,
  kind: 'user',
  name: 'Tess',
  agent: null,
  key: 'key_a' as KeyId,
  fingerprint: 'f',
  role: 'viewer',
  scopes: ['read'],
  ...UNBOUND,
};
const CALLER = { principal: PRINCIPAL, correlation: 'cor_a' as CorrelationId, surface: 'http' } as const;

function spec(name: string, source: string) {
  return { ...UNKNOWN_TOOL, taints: [], name, source, description: name, inputSchema: { type: 'object' }, realm: '' };
}

test('tools are listed by name with what failed, by source, and one with its schema [TOL-6]', async () => {
  const faults = [{ tool: 'broken.*', why: 'Server "broken" is not usable, stage "start": no such program.' }];
  const handlers = toolHandlers({ list: async () => ({ specs: [spec('forge__list', 'mcp:forge'), spec('file_read', 'builtin')], faults }) });
  const all = toolOperations.list.output.parse(await handlers.list(CALLER, {}));
  assert.deepEqual(
    all.items.map((tool) => tool.name),
    ['file_read', 'forge__list'],
  );
  assert.deepEqual(all.faults, faults);
  const forge = await handlers.list(CALLER, { source: 'mcp:forge' });
  assert.equal(forge.shown, 1);
  assert.deepEqual(toolOperations.get.output.parse(await handlers.get(CALLER, { name: 'file_read' })).inputSchema, { type: 'object' });
  await assert.rejects(handlers.get(CALLER, { name: 'broken__x' }), /stage "start"/);
  await assert.rejects(handlers.get(CALLER, { name: 'nope' }), /There is no tool nope/);
});
