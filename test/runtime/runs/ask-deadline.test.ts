import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventOf } from '../../../src/kernel/events.ts';
import { calls, drive, modelPlan, queued, says, toolEntry } from '../../support/drive-pure.ts';

function deadlineOf(args: { [key: string]: string | number }): number {
  const driven = drive({
    queued: queued(modelPlan({ tools: ['ask_human'], approvalTtlMs: 3_600_000 })),
    tools: [toolEntry('ask_human', { kind: 'ask' })],
    model: (n) => (n === 1 ? calls(['ask_human', { question: 'Which?', ...args }]) : says('Thanks.')),
  });
  const entry = driven.entries.find((one) => one.event?.type === 'approval.asked');
  assert.ok(entry);
  return (entry.event as EventOf<'approval.asked'>).deadlineMs - entry.atMs;
}

test('a question of a model may have an earlier deadline than the plan gives, never a later one [TOL-16]', () => {
  const near = (ms: number, wanted: number): void => assert.ok(Math.abs(ms - wanted) < 1_000, `${ms} is not about ${wanted}`);
  near(deadlineOf({}), 3_600_000);
  near(deadlineOf({ deadlineMinutes: 5 }), 300_000);
  near(deadlineOf({ deadlineMinutes: 1_000 }), 3_600_000);
});
