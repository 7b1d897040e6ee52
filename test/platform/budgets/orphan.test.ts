/** What a process reserved and has lost sight of does not stay reserved as long as that process lives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEDGER_LIMITS } from '../../../src/platform/budgets/ledger-service.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { ORG, openLedger, planned } from '../../support/ledger.ts';

test('a reservation that its living process does not know of is settled when its lease is over [BUD-2]', async () => {
  await using at = await openLedger();
  await at.setTime(0);
  await insertBudget(at.db, { org: ORG, scope: 'org', subject: ORG, id: 'bud_1', unit: 'tokens', period: 'month', amount: 1_000 });
  const known = await at.ledger.begin(planned());
  // by the same process: committed late, after its outcome had been given up
  const lost = await at.another('wrk_1').begin(planned());
  assert.ok(known.ok && lost.ok);
  await at.setTime(LEDGER_LIMITS.leaseMs - 1);
  await at.ledger.heartbeat();
  await at.setTime(LEDGER_LIMITS.leaseMs + 1);
  assert.equal(await at.ledger.sweep(), 1);
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 200, reserved: 200 });
});
