/** Reviews over time and over crashes: cleaned by age and size, never while they run; taken over from a worker that died. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApi } from '../../../src/clients/api.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { panelOperations, reviewOperations } from '../../../src/work/reviews/contract.ts';
import { cleanReviews, reviewClaims } from '../../../src/work/reviews/queue-store.ts';
import { createUpkeep } from '../../../src/work/reviews/upkeep.ts';
import { createRunStore } from '../../../src/runtime/runs/store.ts';
import { createDatabaseClock } from '../../../src/storage/database-clock.ts';
import { randomBytes } from 'node:crypto';
import { testHome } from '../../support/home.ts';
import { testIds } from '../../support/identity.ts';
import { testServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const SECONDS = 90_000;
const SLOW = 'turns:\n  - hang: true\n    text: never\n';
const ask = (server: TestServer, more: object = {}) =>
  server.api().call(reviewOperations.start, { persona: 'sre', text: 'while (true) {}\n', name: 'a.ts', ...more });
const ended = (server: TestServer, id: string) =>
  until(`${id} ends`, SECONDS, async () => ((await server.api().call(reviewOperations.get, { id, waitSeconds: 1 })).ended ? true : null));

test('old reviews are cleaned by age, and beyond the limit the oldest that ended go first; one that runs is never touched [PER-7]', async () => {
  await using server = await testServer({ rehearsals: { slow: SLOW } });
  const api = server.api();
  const running = (await ask(server, { model: 'rehearsal/slow' })).id;
  const done: string[] = [];
  for (let i = 0; i < 3; i += 1) {
    const { id } = await ask(server);
    await ended(server, id);
    done.push(id);
  }
  const sorted = (ids: readonly (string | undefined)[]) => ids.map(String).toSorted();
  const left = async () => sorted((await api.call(reviewOperations.list, {})).items.map(({ id }) => id));
  await server.db.owner(`update review set settled_at = settled_at - interval '31 days' where run_id = $1`, [done[0]]);
  await server.db.owner(`update review set created_at = created_at - interval '400 days'`);
  const upkeep = createUpkeep({
    db: server.db,
    clock: systemClock,
    storeNowMs: () => systemClock.nowMs(),
    localHourOf: () => ({ hour: 0, minute: 0 }),
    settle: { job: async () => undefined, panel: async () => undefined },
    settings: { workers: 3, keepDays: 30, maxBytes: 100 * 1024 * 1024 },
    log: () => undefined,
  });
  assert.equal(await upkeep.byAge(), 1);
  assert.equal(await upkeep.bySize(), 0, 'below the limit nothing is trimmed');
  assert.deepEqual(await left(), sorted([running, done[1], done[2]]));
  const kept = await server.db.owner<{ sum: string }>('select sum(bytes) as sum from review where run_id = any ($1)', [[done[2], running]]);
  assert.equal(await cleanReviews(server.db, { maxBytes: Number(kept[0]?.sum) + 1 }, 100), 1);
  assert.deepEqual(await left(), sorted([running, done[2]]), 'the oldest that ended went first');
  assert.equal(await cleanReviews(server.db, { maxBytes: 0 }, 100), 1);
  assert.deepEqual(await left(), [running], 'what runs stays, whatever the limit');
  await assert.rejects(api.call(reviewOperations.get, { id: done[0] ?? '' }), { code: 'not_found' });
  const verified = await api.call(runOperations.verify, { id: done[0] ?? '' });
  assert.equal(verified.ok, true, 'the journal of a cleaned review still verifies');
  const entries = await server.db.owner<{ payload: string | null }>('select payload from journal where stream = $1', [done[0]]);
  assert.equal(entries.length > 3 && entries.every(({ payload }) => payload === null), true, 'and holds none of its text');
  await api.call(reviewOperations.cancel, { id: running });
});

test('three reviews go at once, the others wait in order of priority, and other runs do not wait behind them [PER-3]', async () => {
  await using server = await testServer({ rehearsals: { slow: SLOW }, workers: 4 });
  const api = server.api();
  const first = [];
  for (let i = 0; i < 3; i += 1) first.push((await ask(server, { model: 'rehearsal/slow' })).id);
  await until('three run', SECONDS, async () => ((await api.call(reviewOperations.stats, {})).running === 3 ? true : null));
  const low = (await ask(server, { priority: 'low' })).id;
  const high = (await ask(server, { priority: 'high' })).id;
  const queued = await api.call(reviewOperations.get, { id: high });
  assert.deepEqual([queued.status, queued.phase, queued.percent], ['queued', 'initialising', 0]);
  assert.match(queued.message, /waits for a worker, 4 come first/);
  await api.call(reviewOperations.cancel, { id: first[0] ?? '' });
  await Promise.all([ended(server, low), ended(server, high)]);
  const began = async (id: string) => (await api.call(reviewOperations.get, { id })).startedAtMs ?? 0;
  assert.equal((await began(high)) <= (await began(low)), true, 'the urgent one first');
  for (const id of first) await api.call(reviewOperations.cancel, { id });
});

test('a review whose worker died before it settled is settled after it, once [PER-3, PER-5]', async () => {
  await using server = await testServer();
  const { id } = await ask(server);
  await ended(server, id);
  await server.db.owner('update review set settled_at = null, outcome = null, took_ms = null where run_id = $1', [id]);
  const [one, two] = await Promise.all([1, 2].map(() => server.api().call(reviewOperations.get, { id })));
  assert.deepEqual([one?.ended, two?.ended, one?.findings], [true, true, two?.findings]);
  const rows = await server.db.owner<{ seen: number }>('select seen from review_finding');
  assert.equal(
    rows.every(({ seen }) => seen === 2),
    true,
    'counted again once, although two read it at once',
  );
});

test('a review is taken over from a worker that was killed, and ends [PER-3]', async () => {
  await using server = await testServer({ workers: 0 });
  await using home = testHome();
  mkdirSync(join(home.path, 'rehearsals/slow'), { recursive: true });
  writeFileSync(join(home.path, 'rehearsals/slow/rehearsal.yaml'), SLOW);
  const { id } = await ask(server, { model: 'rehearsal/slow' });
  const worker = (rehearsal: string) => {
    writeFileSync(join(home.path, 'rehearsals/slow/rehearsal.yaml'), rehearsal);
    return spawn(process.execPath, [join(import.meta.dirname, '../../../bin/windlass.mjs'), 'up'], {
      cwd: home.path,
      env: { PATH: process.env['PATH'], WINDLASS_HOME: home.path, WINDLASS_PORT: '0', DATABASE_URL: server.db.url },
      stdio: 'ignore',
    });
  };
  const first = worker(SLOW);
  await until('it runs there', SECONDS, async () => ((await server.api().call(reviewOperations.get, { id })).phase === 'analysing' ? true : null));
  first.kill('SIGKILL');
  // what the dead worker held runs out by the database's clock
  await server.db.owner(`update run set lease_until = clock_now() where id = $1 and worker_id is not null`, [id]);
  const second = worker('turns:\n  - json: { summary: Seen., findings: [], specialists: [], proposals: [] }\n');
  try {
    await ended(server, id);
    const job = await createApi({ url: server.url, key: server.ownerKey, fetch: globalThis.fetch }).call(reviewOperations.get, { id });
    assert.deepEqual([job.status, job.summary], ['succeeded', 'Seen.']);
    const { items } = await server.api().call(runOperations.events, { id });
    assert.equal(
      items.some(({ event }) => event?.type === 'run.resumed' && event.after === 'takeover'),
      true,
    );
  } finally {
    second.kill('SIGTERM');
  }
});

test('a panel whose server is killed while it starts its reviewers ends after a restart, and names the one that never began [PER-3, PER-6]', async () => {
  await using server = await testServer({ workers: 0 });
  await using home = testHome();
  mkdirSync(home.path);
  // one reviewer's start waits for a lock that is held here, so that the kill meets a panel that is half there
  await server.db.owner('select pg_advisory_lock(1)');
  await server.db.owner(
    `create function stand_still() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(1); return new; end $$`,
  );
  await server.db.owner(`create trigger stand_still before insert on review for each row when (new.persona = 'sre') execute function stand_still()`);
  const env = { PATH: process.env['PATH'], WINDLASS_HOME: home.path, WINDLASS_PORT: '0', DATABASE_URL: server.db.url };
  const up = () => spawn(process.execPath, [join(import.meta.dirname, '../../../bin/windlass.mjs'), 'up'], { cwd: home.path, env, stdio: 'ignore' });
  const first = up();
  const { url } = await until('its address', SECONDS, async () => {
    const text = await readFile(join(home.path, 'server.json'), 'utf8').catch(() => '{}'); // not written yet
    const place = JSON.parse(text) as { url?: string };
    return place.url === undefined ? null : { url: place.url };
  });
  const start = createApi({ url, key: server.ownerKey, fetch: globalThis.fetch }).call(panelOperations.start, { text: 'eval(x)\n', name: 'a.ts' });
  const lost = assert.rejects(start, 'whoever asked sees that it was lost');
  await until('six of seven have begun', SECONDS, async () => ((await server.db.owner('select from review')).length === 6 ? true : null));
  first.kill('SIGKILL');
  await lost;
  await server.db.owner(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like '%insert into review %'`,
  );
  await server.db.owner('drop trigger stand_still on review');
  await server.db.owner(`update review_panel set created_at = created_at - interval '2 minutes'`);
  await server.db.owner(`update run set lease_until = clock_now() where worker_id is not null`);
  const [panel] = (await server.api().call(panelOperations.list, {})).items;
  const second = up();
  try {
    const found = await until('the panel ends', SECONDS, async () => {
      const shown = await server.api().call(panelOperations.get, { id: panel?.id ?? '', waitSeconds: 1 });
      return shown.ended ? shown : null;
    });
    assert.deepEqual(found.coverage, { answered: 6, of: 7, failed: ['sre'] });
    assert.equal(found.members.find(({ persona }) => persona === 'sre')?.failure, 'it was never started');
    assert.ok(found.findings.some(({ rule }) => rule === 'code-evaluation'));
  } finally {
    second.kill('SIGTERM');
  }
});

test('claiming reviews takes nothing else, and other workers take no review [PER-3]', async () => {
  await using server = await testServer({ workers: 0 });
  const { id } = await ask(server);
  const clock = createDatabaseClock({ db: server.db, clock: systemClock });
  const store = createRunStore({ db: server.db, clock, randomBytes, onAppended: () => undefined });
  const request = { worker: testIds.next('wrk'), leaseMs: 5_000, limit: 10 };
  assert.deepEqual(await store.claim({ ...request, pools: [] }), []);
  const leases = await reviewClaims(server.db, store).claim({ ...request, pools: [] });
  assert.deepEqual(
    leases.map(({ run }) => run),
    [id],
  );
});
