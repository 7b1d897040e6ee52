import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AppError } from '../../../src/kernel/errors.ts';
import { Role, Scope, identityOperations } from '../../../src/platform/identity/contract.ts';
import { LOCAL_ROLE, LOCAL_SCOPES, OWNER_SCOPES } from '../../../src/platform/identity/key.ts';
import type { Permission } from '../../../src/platform/identity/permissions.ts';
import { PERMISSIONS, allows, authorise, beyondMinter, permissionsOf } from '../../../src/platform/identity/permissions.ts';
import { roleAtLeast } from '../../../src/platform/identity/principal.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';

const names = Object.keys(PERMISSIONS) as Permission[];
const all = [...OWNER_SCOPES];
const denied = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === 'denied' && thrown.next !== undefined;

/** Written out a second time: a change of who may do what must be made twice to go unnoticed. */
const LEAST: Record<Permission, Role> = {
  'self.read': 'viewer',
  'self.sign_in': 'viewer',
  'agents.read': 'viewer',
  'runs.read': 'viewer',
  'approvals.read': 'viewer',
  'schedules.read': 'viewer',
  'tools.read': 'viewer',
  'projects.read': 'viewer',
  'status.read': 'viewer',
  'context.read': 'viewer',
  'runs.create': 'member',
  'context.write': 'member',
  'gateway.use': 'member',
  'approvals.answer': 'operator',
  'agents.write': 'operator',
  'schedules.write': 'operator',
  'projects.write': 'operator',
  'engine.operate': 'operator',
  'commands.write': 'admin',
  'keys.read': 'admin',
  'webhooks.write': 'admin',
  'keys.mint': 'admin',
  'policy.write': 'admin',
  'tools.approve': 'admin',
  'budgets.raise': 'admin',
  'audit.read': 'admin',
};

for (const permission of names) {
  test(`${permission} needs ${LEAST[permission]} and its scope, and nothing less will do [IDN-1, IDN-2]`, () => {
    for (const role of Role.options) {
      const enough = roleAtLeast(role, LEAST[permission]);
      if (enough) authorise({ role, scopes: all }, permission);
      else assert.throws(() => authorise({ role, scopes: all }, permission), denied);
    }
    const { scope } = PERMISSIONS[permission];
    const others = all.filter((each) => each !== scope);
    assert.throws(
      () => authorise({ role: 'owner', scopes: others }, permission),
      (thrown) => denied(thrown) && String(thrown).includes(`scope "${scope}"`),
    );
    assert.throws(() => authorise({ role: 'owner', scopes: [] }, permission), denied);
  });
}

test('a permission that does not exist is never granted [IDN-2]', () => {
  for (const name of ['runs.destroy', '', 'toString', '__proto__', 'constructor'])
    assert.throws(() => authorise({ role: 'owner', scopes: all }, name), denied);
});

test('every operation names a permission that exists [IDN-2]', () => {
  for (const operation of [...Object.values(identityOperations), ...Object.values(runOperations)])
    assert.ok(Object.hasOwn(PERMISSIONS, operation.permission), operation.name);
});

test('local.key reads, runs and writes context; it answers, mints, raises and changes nothing [IDN-1]', () => {
  const local = { role: LOCAL_ROLE, scopes: LOCAL_SCOPES };
  for (const may of ['runs.read', 'runs.create', 'context.write', 'agents.read', 'approvals.read'] as const) authorise(local, may);
  const nots: Permission[] = ['approvals.answer', 'keys.mint', 'keys.read', 'budgets.raise', 'policy.write', 'agents.write', 'tools.approve'];
  for (const not of nots) {
    assert.throws(() => authorise(local, not), denied);
    // nor by a higher role alone: its scopes forbid it as well
    assert.throws(() => authorise({ ...local, role: 'owner' }, not), denied);
  }
});

const key = fc.record({ role: fc.constantFrom(...Role.options), scopes: fc.subarray(Scope.options) });

test('no chain of minted keys gains a permission that its first key lacks [IDN-1]', () => {
  fc.assert(
    fc.property(key, fc.array(key, { maxLength: 6 }), (first, wishes) => {
      let current = first;
      for (const wish of wishes) if (beyondMinter(current, wish) === null) current = wish;
      for (const permission of permissionsOf(current)) assert.ok(allows(first, permission));
    }),
  );
});
