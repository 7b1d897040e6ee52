/** Use cases of schedules: kept as their agents' definitions have them, and shown. Firing them is `ticker.ts`. */
import { digestOf } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import { parseId, type AgentId, type Ids, type OrgId } from '../../kernel/ids.ts';
import type { Handlers } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { scheduleOperations } from './contract.ts';
import { nextDue, type ScheduleSpec } from './schedule.ts';
import * as store from './store.ts';
import { OVERDUE_MS } from './ticker.ts';

export type SchedulesDeps = { db: Database; ids: Ids };

export type Schedules = {
  handlers: Handlers<Principal, typeof scheduleOperations>;
  /** Makes an agent's schedules be these, in the transaction that changes it. One that stays keeps its records and its next due time. */
  syncSchedules: (tx: Tx, org: OrgId, agent: { id: AgentId; name: string; schedules: readonly ScheduleSpec[] }) => Promise<void>;
};

export function createSchedules({ db, ids }: SchedulesDeps): Schedules {
  return {
    async syncSchedules(tx, org, agent) {
      const wanted = new Map(agent.schedules.map((spec) => [digestOf(spec), spec]));
      const kept = await store.schedulesOfAgent(tx, org, agent.id);
      for (const [digest, id] of kept) if (!wanted.has(digest)) await store.removeSchedule(tx, org, id);
      const nowMs = await store.clockNow(tx);
      for (const [digest, spec] of wanted) {
        if (kept.has(digest)) continue;
        const id = ids.next('sch');
        const due = nextDue({ id, spec, createdMs: nowMs, afterMs: nowMs });
        const row = { org, id, agent: agent.id, agentName: agent.name, spec, createdMs: nowMs, afterMs: nowMs, lastRun: null };
        await store.insertSchedule(tx, { ...row, nextSlotMs: due?.slotMs ?? null, dueMs: due?.dueMs ?? null });
      }
    },
    handlers: {
      list: ({ principal: { org } }, { agent }) =>
        db.asOrg(org, async (tx) => {
          const nowMs = await store.clockNow(tx);
          const found = await store.listSchedules(tx, org, agent ?? null);
          const items = found.map(({ row, last }) => ({
            id: row.id,
            agent: row.agentName,
            when: whenOf(row.spec),
            timezone: row.spec.timezone,
            overlap: row.spec.overlap,
            nextSlotMs: row.nextSlotMs,
            overdue: row.dueMs !== null && nowMs - row.dueMs > OVERDUE_MS,
            last,
          }));
          const kind = items.length < store.SCHEDULES_MAX ? 'exact' : 'at_least';
          return { items, shown: items.length, total: { kind, value: items.length }, next: null };
        }),
      firings: ({ principal: { org } }, { id, limit }) =>
        db.asOrg(org, async (tx) => {
          const found = await store.listFirings(tx, org, { id: parseId('sch', id), limit });
          if (found === null) throw new AppError('not_found', `There is no schedule ${id}.`, { next: 'List them: windlass schedule list' });
          return { items: found.items, shown: found.items.length, total: { kind: 'exact', value: found.total }, next: null };
        }),
    },
  };
}

function whenOf(spec: ScheduleSpec): string {
  if (spec.cron !== undefined) return spec.cron;
  return spec.every === undefined ? `at ${spec.at}` : `every ${spec.every}`;
}
