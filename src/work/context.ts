/** Puts together what people keep for agents to start from (notes), as operations. Wiring only, so that `main.ts` has one line for it; no rules. */
import type { Ids, OrgId, ProjectId } from '../kernel/ids.ts';
import type { Bound } from '../kernel/operation.ts';
import { bind } from '../kernel/operation.ts';
import type { Principal } from '../platform/identity/principal.ts';
import type { Database } from '../storage/database.ts';
import { noteOperations } from './knowledge/contract.ts';
import { createNotes } from './knowledge/service.ts';

export type ContextDeps = {
  db: Database;
  ids: Ids;
  projects: { find: (org: OrgId, wanted: string) => Promise<ProjectId | null> };
};

export function createContext({ db, ids, projects }: ContextDeps): Bound<Principal>[] {
  const notes = createNotes({ db, ids, project: (org, wanted) => projects.find(org, wanted) });
  return bind(noteOperations, notes.handlers);
}
