/** Use cases of recurring duties (spec CAD-1): what is due, who did it last, and what came of it. */
import { AppError } from '../../kernel/errors.ts';
import type { Ids, OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { cadenceOperations, DutyView } from './contract.ts';
import * as store from './store.ts';

export type CadenceDeps = {
  db: Database;
  ids: Ids;
  /** By id or code. @throws AppError `not_found` */
  project: (org: OrgId, wanted: string) => Promise<ProjectId | null>;
};
export type Cadence = { handlers: Handlers<Principal, typeof cadenceOperations> };

export function createCadence({ db, ids, project }: CadenceDeps): Cadence {
  return {
    handlers: {
      list: async ({ principal: { org } }, { project: code, scope, due, limit }) => {
        if (code !== undefined && scope === 'org')
          throw new AppError('invalid_input', 'A project and scope org exclude each other.', { next: 'Give one of them.' });
        const filter = { scope, due, limit, project: code === undefined ? null : await project(org, code) };
        const { rows, total } = await db.asOrg(org, (tx) => store.listDuties(tx, org, filter));
        return { items: rows, shown: rows.length, total: { kind: 'exact', value: total }, next: null };
      },
      add: async ({ principal: { org } }, { title, intervalDays = null, at = null, link = null, project: code }) => {
        if ((intervalDays === null) === (at === null))
          throw new AppError('invalid_input', 'A duty has an interval, and an event has a time: exactly one of both is given.', {
            next: 'Give intervalDays for what comes again, or at for what is once.',
          });
        const duty = { id: ids.next('duty'), title, intervalDays, at, link, project: code === null ? null : await project(org, code) };
        return db.asOrg(org, async (tx) => {
          await store.insertDuty(tx, org, duty);
          return show(tx, org, duty.id);
        });
      },
      done: ({ principal: { org, actor, name } }, { id, result }) =>
        db.asOrg(org, async (tx) => {
          if (!(await store.recordDone(tx, org, { id, result, actor, name }))) throw unknownDuty(id);
          return show(tx, org, id);
        }),
      retire: ({ principal: { org } }, { id }) =>
        db.asOrg(org, async (tx) => {
          await store.retireDuty(tx, org, id);
          return show(tx, org, id);
        }),
    },
  };
}

async function show(tx: Tx, org: OrgId, id: string): Promise<DutyView> {
  const found = await store.findDuty(tx, org, id);
  if (found === null) throw unknownDuty(id);
  return found;
}

function unknownDuty(id: string): AppError {
  return new AppError('not_found', `There is no duty ${id}, or it has ended.`, { next: '`windlass cadence list` shows what there is.' });
}
