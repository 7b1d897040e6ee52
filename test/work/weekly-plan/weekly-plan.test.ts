/** The weekly plan: versions, who wrote them, stale after seven days, two that write at once, other organizations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrgId } from '../../../src/kernel/ids.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { weeklyPlanOperations } from '../../../src/work/weekly-plan/contract.ts';
import { createWeeklyPlan } from '../../../src/work/weekly-plan/service.ts';
import { testDatabase } from '../../support/database.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';

const START = Date.UTC(2026, 0, 5);
const DAY_MS = 86_400_000;

test('the weekly plan is written in versions and is stale after seven days [CAD-3]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const { owner: stranger } = await testOwner(identity, 'Other');
  await db.owner(`insert into project (org_id, id, code, name) values ($1, 'prj_m', 'mill', 'Mill')`, [org]);
  const project = async (of: OrgId, code: string) => {
    if (of === org && code === 'mill') return storedId('prj', 'prj_m');
    throw new AppError('not_found', 'No such project.');
  };
  const { handlers } = createWeeklyPlan({ db, project });
  const [me, them] = [callerOf(owner), callerOf(stranger)];
  await db.setTime(START);
  assert.deepEqual(await handlers.read(me, {}), { plan: null });
  const first = await handlers.write(me, { priorityProject: 'mill', goals: ['Ship', '日本'], notes: '', base: 0 });
  assert.deepEqual(first.plan, {
    ...{ version: 1, priorityProject: 'mill', goals: ['Ship', '日本'], notes: '', by: { actor: owner.actor, name: 'owner' } },
    ...{ atMs: START, ageDays: 0, stale: false },
  });
  assert.deepEqual(await handlers.read(them, {}), { plan: null });
  await assert.rejects(handlers.write(them, { priorityProject: 'mill', goals: [], notes: '' }), { code: 'not_found' });
  await assert.rejects(handlers.write(me, { priorityProject: null, goals: [], notes: '', base: 0 }), { code: 'precondition_failed' });
  await db.setTime(START + 7 * DAY_MS);
  assert.equal((await handlers.read(me, {})).plan?.stale, false, 'seven days are not older than seven');
  await db.setTime(START + 7 * DAY_MS + 1_000);
  const week = await handlers.read(me, {});
  assert.deepEqual([week.plan?.stale, week.plan?.ageDays], [true, 7]);
  const both = await Promise.allSettled([1, 2].map((n) => handlers.write(me, { priorityProject: null, goals: [`${n}`], notes: '', base: 1 })));
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  assert.equal((await handlers.read(me, {})).plan?.version, 2);
  assert.equal((await db.owner('select 1 from weekly_plan')).length, 2, 'what it was is kept');
});

test('what can be no plan is refused, and a stale one says so on the command line [CAD-3]', async () => {
  const { input } = weeklyPlanOperations.write;
  for (const wrong of [
    { goals: [''] },
    { goals: Array(21).fill('x') },
    { goals: ['a\u0000'] },
    { notes: 'x'.repeat(5_000) },
    { priorityProject: 'No Code' },
  ])
    assert.equal(input.safeParse({ goals: ['x'], ...wrong }).success, false, JSON.stringify(wrong));
  const plan = {
    ...{ version: 3, priorityProject: 'mill', goals: ['Ship'], notes: '', by: { actor: 'act_a', name: 'Ann' } },
    ...{ atMs: NOW_MS - 9 * DAY_MS, ageDays: 9, stale: true },
  };
  const { out } = await windlass(['week'], {
    server: { operations: [answers(weeklyPlanOperations.read, () => ({ plan }))] },
    env: { NO_COLOR: '1' },
  });
  assert.equal(out, ['Priority: mill', '- Ship', 'Stale: written 9 d ago by Ann.', ''].join('\n'));
});
