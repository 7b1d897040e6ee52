/** All SQL of schedules. */
import { canonicalJson, digestOf } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import { storedId, type AgentId, type OrgId, type ScheduleId } from '../../kernel/ids.ts';
import type { Database, Sql, Tx } from '../../storage/database.ts';
import { databaseTx } from '../runs/store.ts';
import type { FiringView } from './contract.ts';
import type { ScheduleSpec } from './schedule.ts';
import type { Firing, Progress, ScheduleRow, ScheduleStore } from './schedule-port.ts';

type Row = {
  org_id: string;
  id: string;
  agent_id: string;
  agent_name: string;
  spec: string;
  created_at: number;
  after_at: number;
  next_slot_at: number | null;
  due_at: number | null;
  last_run_id: string | null;
};
const COLUMNS = 'org_id, id, agent_id, agent_name, spec, created_at, after_at, next_slot_at, due_at, last_run_id';
/** An organization's schedules shown at once: 20 an agent, so rarely more. */
export const SCHEDULES_MAX = 1_000;

export function createScheduleStore(db: Database): ScheduleStore {
  return {
    async due(limit) {
      return db.asWorker(async (tx) => {
        const [time] = await tx.query<{ now: number }>('select clock_now() as now');
        const rows = await tx.last<Row>(`select ${COLUMNS} from schedule where due_at <= clock_now() order by due_at, id limit $1`, [limit]);
        return { nowMs: time?.now ?? 0, rows: rows.map(rowOf) };
      });
    },
    record: (row, firings, progress) =>
      db.asOrg(row.org, async (tx) => {
        for (const firing of firings) await insertFiring(tx, row, firing);
        await moveOn(tx, row, { progress, lastRun: null });
      }),
    async claim(storeTx, row, { firing, progress }) {
      const tx = databaseTx(storeTx);
      if (!(await insertFiring(tx, row, firing))) return false;
      await moveOn(tx, row, { progress, lastRun: firing.run });
      return true;
    },
    async untilNextMs() {
      const [row] = await db.asWorker((tx) =>
        tx.last<{ ms: number | null }>(
          'select (extract(epoch from min(due_at) - clock_now()) * 1000)::float8 as ms from schedule where due_at is not null',
        ),
      );
      return row === undefined || row.ms === null ? null : Math.max(0, Math.ceil(row.ms));
    },
  };
}

async function insertFiring(tx: Sql, row: ScheduleRow, firing: Firing): Promise<boolean> {
  const inserted = await tx.query(
    `insert into schedule_firing (org_id, schedule_id, slot_at, outcome, run_id, reason, alert)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning slot_at`,
    [row.org, row.id, isoTime(firing.slotMs), firing.outcome, firing.run, firing.reason, firing.alert],
  );
  return inserted.length === 1;
}

/** Forward only: a slower ticker with an older plan must not bring slots back. */
async function moveOn(tx: Sql, row: ScheduleRow, { progress, lastRun }: { progress: Progress; lastRun: string | null }): Promise<void> {
  const iso = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
  await tx.query(
    `update schedule set after_at = $3, next_slot_at = $4, due_at = $5, last_run_id = coalesce($6, last_run_id)
     where org_id = $1 and id = $2 and after_at <= $3 and removed_at is null`,
    [row.org, row.id, isoTime(progress.afterMs), iso(progress.nextSlotMs), iso(progress.dueMs), lastRun],
  );
}

export async function clockNow(tx: Sql): Promise<number> {
  const [row] = await tx.query<{ now: number }>('select clock_now() as now');
  return row?.now ?? 0;
}

/** The schedules an agent has now, by the digest of their words. */
export async function schedulesOfAgent(tx: Tx, org: OrgId, agent: AgentId): Promise<Map<string, ScheduleId>> {
  const rows = await tx.query<{ id: string; digest: string }>(
    'select id, digest from schedule where org_id = $1 and agent_id = $2 and removed_at is null',
    [org, agent],
  );
  return new Map(rows.map(({ id, digest }) => [digest, storedId('sch', id)]));
}

export async function insertSchedule(tx: Tx, row: ScheduleRow): Promise<void> {
  const { spec } = row;
  await tx.query(
    `insert into schedule (org_id, id, agent_id, agent_name, spec, digest, created_at, after_at, next_slot_at, due_at)
     values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)`,
    [
      row.org,
      row.id,
      row.agent,
      row.agentName,
      canonicalJson(spec),
      digestOf(spec),
      isoTime(row.createdMs),
      row.nextSlotMs === null ? null : isoTime(row.nextSlotMs),
      row.dueMs === null ? null : isoTime(row.dueMs),
    ],
  );
}

export async function removeSchedule(tx: Tx, org: OrgId, id: ScheduleId): Promise<void> {
  await tx.query('update schedule set removed_at = clock_now(), due_at = null, next_slot_at = null where org_id = $1 and id = $2', [org, id]);
}

type ViewRow = Row & {
  outcome: FiringView['outcome'] | null;
  slot_at: number;
  run_id: string | null;
  reason: string;
  alert: boolean;
  recorded_at: number;
};

export async function listSchedules(tx: Tx, org: OrgId, agent: string | null): Promise<{ row: ScheduleRow; last: FiringView | null }[]> {
  const rows = await tx.query<ViewRow>(
    `select ${COLUMNS.split(', ')
      .map((column) => `s.${column}`)
      .join(', ')}, f.outcome, f.slot_at, f.run_id, f.reason, f.alert, f.recorded_at
     from schedule s
     left join lateral (select * from schedule_firing f where f.org_id = s.org_id and f.schedule_id = s.id order by slot_at desc limit 1) f on true
     where s.org_id = $1 and s.removed_at is null and ($2::text is null or s.agent_name = $2) order by s.agent_name, s.id limit $3`,
    [org, agent, SCHEDULES_MAX],
  );
  return rows.map((row) => ({ row: rowOf(row), last: row.outcome === null ? null : firingOf({ ...row, outcome: row.outcome }) }));
}

export async function listFirings(
  tx: Tx,
  org: OrgId,
  { id, limit }: { id: ScheduleId; limit: number },
): Promise<{ items: FiringView[]; total: number } | null> {
  const [count] = await tx.query<{ total: number }>(
    `select (select count(*) from schedule_firing f where f.org_id = s.org_id and f.schedule_id = s.id) as total
     from schedule s where s.org_id = $1 and s.id = $2`,
    [org, id],
  );
  if (count === undefined) return null;
  const rows = await tx.query<Omit<ViewRow, 'outcome'> & { outcome: FiringView['outcome'] }>(
    'select outcome, slot_at, run_id, reason, alert, recorded_at from schedule_firing where org_id = $1 and schedule_id = $2 order by slot_at desc limit $3',
    [org, id, limit],
  );
  return { items: rows.map(firingOf), total: count.total };
}

function firingOf(row: Pick<ViewRow, 'slot_at' | 'run_id' | 'reason' | 'alert' | 'recorded_at'> & { outcome: FiringView['outcome'] }): FiringView {
  return { slotMs: row.slot_at, outcome: row.outcome, run: row.run_id, reason: row.reason, alert: row.alert, recordedAtMs: row.recorded_at };
}

function rowOf(row: Row): ScheduleRow {
  return {
    org: storedId('org', row.org_id),
    id: storedId('sch', row.id),
    agent: storedId('agt', row.agent_id),
    agentName: row.agent_name,
    spec: JSON.parse(row.spec) as ScheduleSpec,
    createdMs: row.created_at,
    afterMs: row.after_at,
    nextSlotMs: row.next_slot_at,
    dueMs: row.due_at,
    lastRun: row.last_run_id === null ? null : storedId('run', row.last_run_id),
  };
}
