/** Outcomes travel with the next reservation, and never wait for one that does not come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_USAGE } from '../../../src/kernel/messages.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CallOutcome, Ledger } from '../../../src/platform/budgets/ledger.ts';
import { createSettlements } from '../../../src/surfaces/gateway/settlements.ts';
import { planned } from '../../support/ledger.ts';
import { until } from '../../support/until.ts';

const outcome = (kind: CallOutcome['kind']): CallOutcome => ({ kind, usage: NO_USAGE, status: 200, ms: 1, firstByteMs: 1, failure: null, facts: {} });

function setUp() {
  const seen: string[] = [];
  const ledger: Ledger = {
    async begin() {
      seen.push('begin');
      return { ok: true, call: String(seen.length), maxOutputTokens: 1 };
    },
    async end(call) {
      seen.push(`end ${call}`);
      if (call === 'bad') throw new Error('the database is away');
      return { costMicroUsd: 0 };
    },
  };
  const gate = Promise.withResolvers<void>();
  const clock = { ...systemClock, sleep: () => gate.promise };
  const logged: string[] = [];
  return { seen, logged, tick: gate.resolve, settlements: createSettlements({ ledger, clock, log: (_level, message) => void logged.push(message) }) };
}

test('an outcome is handed in just before the next reservation, in the same turn [BUD-1]', async () => {
  const { seen, settlements } = setUp();
  settlements.settle('a', outcome('replied'));
  assert.deepEqual(seen, []);
  const begun = settlements.begin(planned());
  assert.deepEqual(seen, ['end a', 'begin'], 'before anything was awaited');
  assert.equal((await begun).ok, true);
});

test('an outcome without company is written a moment later, one that was never sent at once [BUD-1]', async () => {
  const { seen, tick, settlements } = setUp();
  settlements.settle('a', outcome('failed'));
  settlements.settle('b', outcome('not_sent'));
  assert.deepEqual(seen, ['end b']);
  tick();
  await until('the outcome', 1_000, () => seen.includes('end a'));
});

test('what waits is written when the server stops, and a failure is logged instead of thrown [BUD-1]', async () => {
  const { seen, logged, settlements } = setUp();
  settlements.settle('bad', outcome('aborted'));
  settlements.settle('b', outcome('replied'));
  await settlements.written();
  assert.deepEqual(seen, ['end bad', 'end b']);
  assert.deepEqual(logged, ['the outcome of a model call was not written']);
});
