/** Who calls: what a key resolves to. Identity comes from the key alone, never from a body or another header (spec IDN-2). */
import type { By } from '../../kernel/events.ts';
import type { ActorId, AgentId, KeyId, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { ActorKind, KeyLimits, Scope } from './contract.ts';
import { Role } from './contract.ts';

export type Principal = {
  readonly org: OrgId;
  readonly actor: ActorId;
  readonly kind: ActorKind;
  readonly name: string;
  /** The agent whose service account this is. */
  readonly agent: AgentId | null;
  readonly key: KeyId;
  /** First 16 hex digits of the key's SHA-256. */
  readonly fingerprint: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  /** What the key is bound to at the model gateway: the project and the agent that its calls are counted against. */
  readonly project: ProjectId | null;
  readonly spendAgent: AgentId | null;
  /** Globs over aliases and `provider/model`; null allows all. */
  readonly models: readonly string[] | null;
  readonly limits: KeyLimits;
};

export function byOf(principal: Principal): By {
  return { actor: principal.actor, name: principal.name, key: principal.fingerprint, keyId: principal.key };
}

export function roleAtLeast(role: Role, least: Role): boolean {
  return Role.options.indexOf(role) >= Role.options.indexOf(least);
}
