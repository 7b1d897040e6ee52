import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { OrgId, RunId } from '../../../src/kernel/ids.ts';
import { createPreviewStore } from '../../../src/runtime/runs/preview-store.ts';
import { createWakeupHub } from '../../../src/runtime/runs/wakeup.ts';
import { testDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;
const RUN = 'run_1' as RunId;

test('a wake-up reaches engines of this process at once and of another by notification [ENG-2]', async () => {
  await using db = await testDatabase();
  const [here, there] = await Promise.all(['wrk_1', 'wrk_2'].map((process) => createWakeupHub({ db, clock: systemClock, process })));
  assert.ok(here !== undefined && there !== undefined);
  const heard: string[] = [];
  const remote: string[] = [];
  here.listen((hint) => void heard.push(hint?.run ?? 'any'));
  there.listen((hint) => void remote.push(hint?.run ?? 'any'));
  here.wake(A, RUN);
  assert.deepEqual(heard, ['run_1'], 'without waiting for the database');
  await until('the other process hears it', 5_000, () => remote.includes('run_1'));
  there.wake(A, 'run_2' as RunId);
  await until('and the other way', 5_000, () => heard.includes('run_2'));
  assert.deepEqual(heard, ['run_1', 'run_2'], 'nobody hears an echo of their own');
  await Promise.all([here.close(), there.close()]);
});

test('news of a journal reach who watches that run, and many at once become one notification [RUN-5]', async () => {
  await using db = await testDatabase();
  const here = await createWakeupHub({ db, clock: systemClock, process: 'wrk_1' });
  const there = await createWakeupHub({ db, clock: systemClock, process: 'wrk_2' });
  let news = 0;
  let others = 0;
  const stop = there.onNews(A, RUN, () => (news += 1));
  there.onNews(B, RUN, () => (others += 1));
  for (let index = 0; index < 100; index += 1) here.grew(A, RUN);
  await until('news arrive', 5_000, () => news > 0);
  assert.equal(news, 1);
  assert.equal(others, 0);
  for (let index = 0; index < 1_000; index += 1) here.grew(A, `run_other${index}` as RunId);
  await until('a flood becomes one hint that stands for all', 5_000, () => news === 2);
  stop();
  await Promise.all([here.close(), there.close()]);
});

test('a preview is seen by its own org only and replaced in place [RUN-5]', async () => {
  await using db = await testDatabase();
  const previews = createPreviewStore(db);
  await previews.show(A, RUN, { turn: 1, text: 'Hel' });
  await previews.show(A, RUN, { turn: 1, text: 'Hello \0 \ud800' });
  assert.deepEqual(await previews.read(A, RUN), { turn: 1, text: 'Hello \ufffd \ufffd' });
  assert.equal(await previews.read(B, RUN), null);
  await previews.clear(A, RUN);
  assert.equal(await previews.read(A, RUN), null);
});
