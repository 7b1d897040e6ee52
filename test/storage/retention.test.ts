/** The frame of retention: classes, batches, honest reports. The tables belong to their domains' own tests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/kernel/clock.ts';
import { createRetention, RETENTION_BATCH, RETENTION_BATCHES_MAX } from '../../src/storage/retention.ts';
import type { RetentionClass } from '../../src/storage/retention.ts';

const DAY_MS = 86_400_000;
const clock: Clock = { nowMs: () => 100 * DAY_MS, sleep: async () => {} };

function counted(name: string, options: { defaultDays: number | null; rows: number }): RetentionClass & { askedFor: number[] } {
  let left = options.rows;
  const askedFor: number[] = [];
  return {
    name,
    defaultDays: options.defaultDays,
    askedFor,
    async deleteBatch(olderThanMs, limit) {
      askedFor.push(olderThanMs);
      const count = Math.min(left, limit);
      left -= count;
      return count;
    },
  };
}

test('each class is deleted by its own age in batches, and the report says how many [STO-5]', async () => {
  const traces = counted('traces', { defaultDays: 90, rows: RETENTION_BATCH + 3 });
  const memory = counted('memory', { defaultDays: null, rows: 9 });
  const reports = await createRetention({ clock, classes: [traces, memory] }).sweep();
  assert.deepEqual(reports, [{ class: 'traces', deleted: RETENTION_BATCH + 3, remaining: 'none', failed: null }]);
  assert.deepEqual(traces.askedFor, [10 * DAY_MS, 10 * DAY_MS]);
  assert.deepEqual(memory.askedFor, []);
});

test('configured days replace the default, and an unknown class is named with the known ones [STO-5]', async () => {
  const traces = counted('traces', { defaultDays: 90, rows: 0 });
  await createRetention({ clock, classes: [traces], days: { traces: 7 } }).sweep();
  assert.deepEqual(traces.askedFor, [93 * DAY_MS]);
  assert.throws(() => createRetention({ clock, classes: [traces], days: { trace: 7 } }), /no retention class "trace"/);
});

test('a sweep is bounded, and a class that fails is reported without stopping the others [STO-5]', async () => {
  const endless: RetentionClass = { name: 'endless', defaultDays: 1, deleteBatch: async (_olderThanMs, limit) => limit };
  const broken: RetentionClass = { name: 'broken', defaultDays: 1, deleteBatch: () => Promise.reject(new Error('away')) };
  const last = counted('last', { defaultDays: 1, rows: 1 });
  assert.deepEqual(await createRetention({ clock, classes: [broken, endless, last] }).sweep(), [
    { class: 'broken', deleted: 0, remaining: 'unknown', failed: 'away' },
    { class: 'endless', deleted: RETENTION_BATCH * RETENTION_BATCHES_MAX, remaining: 'some', failed: null },
    { class: 'last', deleted: 1, remaining: 'none', failed: null },
  ]);
});
