/** Use cases of the weekly plan: read with its age, written as a new version. */
import { AppError } from '../../kernel/errors.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database } from '../../storage/database.ts';
import type { weeklyPlanOperations } from './contract.ts';
import * as store from './store.ts';

export type WeeklyPlanDeps = {
  db: Database;
  /** By id or code. @throws AppError `not_found` */
  project: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
};
export type WeeklyPlan = { handlers: Handlers<Principal, typeof weeklyPlanOperations> };

export function createWeeklyPlan({ db, project }: WeeklyPlanDeps): WeeklyPlan {
  return {
    handlers: {
      read: ({ principal: { org } }) => db.asOrg(org, async (tx) => ({ plan: await store.newestPlan(tx, org) })),
      write: async ({ principal: { org, actor, name } }, { priorityProject, goals, notes, base }) => {
        const id = priorityProject === null ? null : await project(org, priorityProject);
        return db.asOrg(org, async (tx) => {
          const version = (await store.newestPlan(tx, org))?.version ?? 0;
          const written =
            (base === undefined || base === version) &&
            (await store.insertPlan(tx, org, { version: version + 1, project: id, goals, notes, actor, name }));
          if (!written)
            throw new AppError('precondition_failed', 'The weekly plan has changed since it was read.', {
              next: 'Read it again, and make the change to what it says now.',
            });
          return { plan: await store.newestPlan(tx, org) };
        });
      },
    },
  };
}
