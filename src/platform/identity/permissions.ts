/**
 * What a role and the scopes of a key allow: one table, pure. Not the policy on what an agent's run may do (`platform/policy`).
 */
import { AppError } from '../../kernel/errors.ts';
import type { Role, Scope } from './contract.ts';
import { Role as Roles } from './contract.ts';
import type { Principal } from './principal.ts';
import { roleAtLeast } from './principal.ts';

type Rule = { role: Role; scope: Scope; does: string };

export const PERMISSIONS = {
  'self.read': { role: 'viewer', scope: 'read', does: 'see whose key this is' },
  'self.sign_in': { role: 'viewer', scope: 'read', does: 'sign browsers in and out as itself' },
  'agents.read': { role: 'viewer', scope: 'read', does: 'see agents and their versions' },
  'runs.read': { role: 'viewer', scope: 'read', does: 'see runs and their journals' },
  'approvals.read': { role: 'viewer', scope: 'read', does: 'see what waits for a person' },
  'schedules.read': { role: 'viewer', scope: 'read', does: 'see schedules and their firings' },
  'tools.read': { role: 'viewer', scope: 'read', does: 'see tools' },
  'projects.read': { role: 'viewer', scope: 'read', does: 'see projects' },
  'context.read': { role: 'viewer', scope: 'read', does: 'see sessions, handoffs, notes and documents' },
  'status.read': { role: 'viewer', scope: 'read', does: 'see the state of the server' },
  'runs.create': { role: 'member', scope: 'run', does: 'start, steer and end runs' },
  'context.write': { role: 'member', scope: 'context', does: 'write sessions, handoffs and notes' },
  'gateway.use': { role: 'member', scope: 'gateway', does: 'call models through the gateway' },
  'approvals.answer': { role: 'operator', scope: 'answer', does: 'answer approvals' },
  'agents.write': { role: 'operator', scope: 'agents', does: 'create, change, pause, resume and archive agents' },
  'schedules.write': { role: 'operator', scope: 'agents', does: 'change schedules' },
  'projects.write': { role: 'operator', scope: 'agents', does: 'register and change projects' },
  'engine.operate': { role: 'operator', scope: 'admin', does: 'operate the engine' },
  'commands.write': { role: 'admin', scope: 'agents', does: 'define commands, which run as the server itself' },
  'keys.read': { role: 'admin', scope: 'admin', does: 'see keys and actors' },
  'webhooks.write': { role: 'admin', scope: 'admin', does: 'let senders of webhooks in and out' },
  'keys.mint': { role: 'admin', scope: 'admin', does: 'make, rotate and revoke keys' },
  'policy.write': { role: 'admin', scope: 'admin', does: 'change policy' },
  'tools.approve': { role: 'admin', scope: 'admin', does: 'approve changed tools' },
  'budgets.raise': { role: 'admin', scope: 'admin', does: 'raise budgets' },
  'audit.read': { role: 'admin', scope: 'admin', does: 'read the audit log' },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof PERMISSIONS;

/** Null when allowed, else what is missing, as the end of a sentence. An unknown permission is never granted. */
export function missingFor(principal: Pick<Principal, 'role' | 'scopes'>, permission: string): string | null {
  if (!isPermission(permission)) return `"${permission}", which is no permission of this release`;
  const rule = PERMISSIONS[permission];
  const role = roleAtLeast(principal.role, rule.role) ? [] : [`the role ${rule.role} (this key has ${principal.role})`];
  const scope = principal.scopes.includes(rule.scope) ? [] : [`the scope "${rule.scope}" (this key has ${principal.scopes.join(', ') || 'none'})`];
  return role.length + scope.length === 0 ? null : [...role, ...scope].join(' and ');
}

export function allows(principal: Pick<Principal, 'role' | 'scopes'>, permission: Permission): boolean {
  return missingFor(principal, permission) === null;
}

/** @throws AppError `denied`, naming what is missing. */
export function authorise(principal: Pick<Principal, 'role' | 'scopes'>, permission: string): void {
  const missing = missingFor(principal, permission);
  if (missing === null) return;
  const does = isPermission(permission) ? PERMISSIONS[permission].does : permission;
  throw new AppError('denied', `This key may not ${does}: it lacks ${missing}.`, { next: nextStep(principal.scopes) });
}

/** What a key of this role and scopes may do, for listings. */
export function permissionsOf(principal: Pick<Principal, 'role' | 'scopes'>): Permission[] {
  return (Object.keys(PERMISSIONS) as Permission[]).filter((permission) => allows(principal, permission));
}

/** A key may make others only within its own role and scopes: what would be beyond them, or null. */
export function beyondMinter(minter: Pick<Principal, 'role' | 'scopes'>, wanted: { role: Role; scopes: readonly Scope[] }): string | null {
  if (!roleAtLeast(minter.role, wanted.role)) return `the role ${wanted.role}, above your own (${minter.role})`;
  const beyond = wanted.scopes.filter((scope) => !minter.scopes.includes(scope));
  return beyond.length === 0 ? null : `the scope${beyond.length > 1 ? 's' : ''} ${beyond.join(', ')}, which your own key lacks`;
}

type Binding = Pick<Principal, 'project' | 'spendAgent' | 'models' | 'limits'>;

/** A key that is bound makes only keys that are bound as tightly: what would be looser, or null. */
export function looserThanMinter(minter: Binding, wanted: Binding): string | null {
  if (minter.project !== null && wanted.project !== minter.project) return 'a key outside of the project that your own is bound to';
  if (minter.spendAgent !== null && wanted.spendAgent !== minter.spendAgent) return 'a key whose calls do not count against the agent of your own';
  const { models } = minter;
  if (models !== null && (wanted.models === null || wanted.models.some((glob) => !models.includes(glob))))
    return 'a key for models that your own may not name';
  const beyond = (['requestsPerMinute', 'tokensPerMinute'] as const).some(
    (name) => (wanted.limits[name] ?? Infinity) > (minter.limits[name] ?? Infinity),
  );
  return beyond ? 'a key with a higher rate than your own' : null;
}

/** Scopes that a key of this role can make any use of. */
export function usefulScopes(role: Role): Scope[] {
  const rules = Object.values(PERMISSIONS).filter((rule) => Roles.options.indexOf(rule.role) <= Roles.options.indexOf(role));
  return [...new Set(rules.map((rule) => rule.scope))];
}

function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

function nextStep(scopes: readonly Scope[]): string {
  const local = scopes.includes('context') && !scopes.includes('answer') && !scopes.includes('admin');
  if (local) return 'Use the owner key that the first start printed (WINDLASS_KEY), or a key an owner made for this.';
  return 'Use a key that has it; `windlass key create` makes one, with an admin or owner key.';
}
