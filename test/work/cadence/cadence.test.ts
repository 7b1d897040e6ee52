/** Recurring duties: due by the database's clock, done by somebody, of a project or org-wide, closed to other organizations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrgId } from '../../../src/kernel/ids.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { cadenceOperations } from '../../../src/work/cadence/contract.ts';
import { createCadence } from '../../../src/work/cadence/service.ts';
import { cadence } from '../../../src/clients/cli/commands/cadence.ts';
import { calendarOf } from '../../../src/clients/cli/calendar.ts';
import { briefingOperations } from '../../../src/work/briefing/contract.ts';
import { testDatabase } from '../../support/database.ts';
import { testServer } from '../../support/server.ts';
import { callerOf, testIdentity, testOwner } from '../../support/identity.ts';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';

const START = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

test('a duty is overdue after its interval, begins anew when done, and keeps who did it and what came of it [CAD-1]', async () => {
  await using db = await testDatabase();
  const identity = testIdentity(db);
  const { org, owner } = await testOwner(identity);
  const { owner: stranger } = await testOwner(identity, 'Other');
  await db.owner(`insert into project (org_id, id, code, name) values ($1, 'prj_m', 'mill', 'Mill')`, [org]);
  const project = async (of: OrgId, code: string) => (of === org && code === 'mill' ? storedId('prj', 'prj_m') : null);
  const { handlers } = createCadence({ db, ids: identity.deps.ids, project });
  const [me, them] = [callerOf(owner), callerOf(stranger)];
  await db.setTime(START);
  const keys = await handlers.add(me, { title: 'Rotate keys', intervalDays: 90, project: null });
  const log = await handlers.add(me, { title: 'Read the log', intervalDays: 7, project: 'mill' });
  assert.deepEqual([log.project, log.dueAtMs, log.overdue, log.last], ['mill', START + 7 * DAY_MS, false, null]);
  const overdue = async (filter: object = {}) => {
    const found = await handlers.list(me, { scope: 'all', due: 'overdue', limit: 50, ...filter });
    assert.deepEqual(found.total, { kind: 'exact', value: found.shown });
    return found.items.map(({ title }) => title);
  };
  await db.setTime(START + 7 * DAY_MS);
  assert.deepEqual(await overdue(), [], 'on the day it is due, not over it');
  await db.setTime(START + 7 * DAY_MS + 1_000);
  assert.deepEqual(await overdue(), ['Read the log']);
  assert.deepEqual(await overdue({ scope: 'org' }), [], "a project's duty is not everybody's");
  const done = await handlers.done(me, { id: log.id, result: 'Nothing new.' });
  assert.deepEqual(done.last, { atMs: START + 7 * DAY_MS + 1_000, result: 'Nothing new.', by: { actor: owner.actor, name: 'owner' } });
  assert.deepEqual([done.overdue, await overdue()], [false, []]);
  await db.setTime(START + 100 * DAY_MS);
  assert.deepEqual(await overdue(), ['Read the log', 'Rotate keys'], 'the longest due first');
  assert.deepEqual(await overdue({ project: 'mill' }), ['Read the log']);
  for (const call of [() => handlers.done(them, { id: keys.id, result: 'x' }), () => handlers.retire(them, { id: keys.id })])
    await assert.rejects(call(), { code: 'not_found' });
  assert.equal((await handlers.list(them, { scope: 'all', due: 'all', limit: 50 })).shown, 0);
  await handlers.retire(me, { id: keys.id });
  assert.deepEqual(await overdue(), ['Read the log']);
  await assert.rejects(handlers.done(me, { id: keys.id, result: 'x' }), { code: 'not_found' });
  assert.equal((await db.owner('select 1 from duty_done')).length, 1);
});

test('what cannot be a duty is refused, and a list says what is overdue [CAD-1]', async () => {
  const { input } = cadenceOperations.add;
  for (const wrong of [{ intervalDays: 0 }, { intervalDays: 1.5 }, { title: '' }, { title: 'a\u0000' }, { project: 'No Code' }])
    assert.equal(input.safeParse({ title: 't', intervalDays: 1, ...wrong }).success, false, JSON.stringify(wrong));
  assert.equal(cadence.verbs.length, 5);
  const duty = {
    id: 'duty_a',
    project: null,
    title: 'Rotate keys',
    intervalDays: 90,
    link: null,
    dueAtMs: NOW_MS - 3 * DAY_MS,
    overdue: true,
    last: null,
  };
  const server = { operations: [answers(cadenceOperations.list, () => page([duty]))] };
  const { out } = await windlass(['cadence', '--overdue'], { server, columns: 80, env: { NO_COLOR: '1' } });
  assert.equal(out, ['duty    project   due      last done  what', 'duty_a  org-wide  3 d ago  never      Rotate keys', ''].join('\n'));
});

test('an event is planned for one time, is told a week before, is over when done, and goes into calendars with the duties [CAD-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const api = server.api();
  await server.db.owner(
    "insert into project (org_id, id, code, name, platform) values ($1, 'prj_01jd2m7x9c4qf8w3v5k6t1z0aa', 'mill', 'Mill', true)",
    [server.org],
  );
  await server.db.setTime(START);
  const at = new Date(START + 10 * DAY_MS).toISOString();
  const link = 'https://calendar.example/e/1';
  const event = await api.call(cadenceOperations.add, { title: 'Release; 2, "🧶"', at, link, project: 'mill' });
  assert.deepEqual([event.intervalDays, event.dueAtMs, event.overdue, event.link], [null, START + 10 * DAY_MS, false, link]);
  await api.call(cadenceOperations.add, { title: 'Read the log', intervalDays: 30, project: 'mill' });
  for (const wrong of [{}, { intervalDays: 1, at }])
    await assert.rejects(api.call(cadenceOperations.add, { title: 't', ...wrong }), { code: 'invalid_input', message: /exactly one/ });
  for (const wrong of [{ at: 'tomorrow' }, { at, link: 'javascript:alert(1)' }])
    assert.equal(cadenceOperations.add.input.safeParse({ title: 't', ...wrong }).success, false, JSON.stringify(wrong));
  const told = async () => (await api.call(briefingOperations.read, { project: 'mill' })).markdown;
  assert.doesNotMatch(await told(), /Release/);
  await server.db.setTime(START + 4 * DAY_MS);
  assert.match(await told(), /## Overdue duties and events of this week: 1\n\n- `Release; 2, "🧶"` is planned for 2026-01-11/);
  const { items } = await api.call(cadenceOperations.list, { project: 'mill' });
  const calendar = calendarOf([...items, { ...event, title: `é${'x'.repeat(200)}\nEND:VEVENT` }], START);
  assert.match(
    calendar,
    /^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n[^]*DTSTART:20260111T000000Z\r\n[^]*SUMMARY:mill: Release\\; 2\\, "🧶"\r\nURL:https:\/\/calendar[^]*RRULE:FREQ=DAILY;INTERVAL=30/,
  );
  assert.equal(calendar.split('\r\n').filter((line) => line === 'END:VEVENT').length, 3, 'no title ends an event');
  assert.ok(calendar.split('\r\n').every((line) => Buffer.byteLength(line) <= 75));
  const done = await api.call(cadenceOperations.done, { id: event.id, result: 'Out.' });
  assert.equal(done.last?.result, 'Out.');
  assert.doesNotMatch(await told(), /Release/, 'it is over');
  assert.equal((await api.call(cadenceOperations.list, { project: 'mill' })).shown, 1);
});
