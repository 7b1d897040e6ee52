/**
 * R15 with real processes: 200 calls at once at the limit of a budget from two of them, on the embedded PostgreSQL or, with
 * WINDLASS_TEST_DATABASE=server, on an installed one; and what a kill -9 leaves.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { LEDGER_LIMITS } from '../../../src/platform/budgets/ledger-service.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { ORG, openLedger, type LedgerAt } from '../../support/ledger.ts';

type Spender = { child: ChildProcess; say(word: string): void; hear(): Promise<string>; [Symbol.asyncDispose](): Promise<void> };

async function startSpender(url: string, name: string, calls: number): Promise<Spender> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'spender.ts'), url, name, String(calls)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const over = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const hear = async (): Promise<string> => String((await lines.next()).value);
  assert.equal(await hear(), 'ready');
  return {
    child,
    say: (word) => void child.stdin.write(`${word}\n`),
    hear,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await over;
    },
  };
}

async function spenders(at: LedgerAt): Promise<[Spender, Spender]> {
  return [await startSpender(at.db.url, 'one', 100), await startSpender(at.db.url, 'two', 100)];
}

const begun = (line: string): number => Number(/^begun (\d+)$/.exec(line)?.[1]);

test('200 calls at once from two processes at the limit of a budget: as many as fit, overspend 0 [BUD-2, R15]', async () => {
  await using at = await openLedger();
  await at.db.setTime(null);
  await insertBudget(at.db, { org: ORG, id: 'bud_1', scope: 'org', subject: ORG, unit: 'micro_usd', period: 'total', amount: 137 * 200 + 199 });
  await insertBudget(at.db, { org: ORG, id: 'bud_2', scope: 'key', subject: 'key_1', unit: 'calls', period: 'month', amount: 1_000 });
  const [one, two] = await spenders(at);
  await using _one = one;
  await using _two = two;
  one.say('begin');
  two.say('begin');
  const counts = [begun(await one.hear()), begun(await two.hear())] as const;
  assert.equal(counts[0] + counts[1], 137, `${counts.join(' and ')} of 200`);
  assert.ok(
    counts.every((each) => each > 0),
    'both were in the race',
  );
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 0, reserved: 137 * 200 });
  one.say('end');
  two.say('end');
  assert.deepEqual([await one.hear(), await two.hear()], ['ended', 'ended']);
  const { spent, reserved } = await readCounter(at.db, 'bud_1');
  assert.equal(reserved, 0);
  assert.ok(spent <= 137 * 200 + 199 && spent >= 137 * 100);
  const [day] = await at.db.owner<{ calls: number; cost: number }>('select sum(calls)::int as calls, sum(micro_usd)::int as cost from spend_day');
  assert.deepEqual(day, { calls: 137, cost: spent }, 'the rows of spend agree with the budget');
});

test('kill -9 of a process with calls under way: nothing stays reserved after the sweep of another [BUD-2, R15]', async () => {
  await using at = await openLedger();
  await at.db.setTime(null);
  await insertBudget(at.db, { org: ORG, id: 'bud_1', scope: 'org', subject: ORG, unit: 'tokens', period: 'total', amount: 1_000_000 });
  const victim = await startSpender(at.db.url, 'victim', 50);
  await using _victim = victim;
  victim.say('begin');
  assert.equal(begun(await victim.hear()), 50);
  victim.child.kill('SIGKILL');
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 0, reserved: 50 * 200 });
  assert.equal(await at.ledger.sweep(), 0, 'its lease is not over yet');
  await at.db.setTime(Date.now() + LEDGER_LIMITS.leaseMs + 1_000);
  assert.equal(await at.ledger.sweep(), 50);
  assert.deepEqual(await readCounter(at.db, 'bud_1'), { spent: 50 * 200, reserved: 0 });
  assert.deepEqual(await at.db.owner('select 1 from spend_hold'), []);
  const types = await at.db.owner('select type, count(*)::int as n from journal group by type order by type');
  assert.deepEqual(types, [
    { type: 'call.failed', n: 50 },
    { type: 'call.intended', n: 50 },
  ]);
});
