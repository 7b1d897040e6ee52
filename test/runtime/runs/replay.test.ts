/** Replay: where it says that the core would have done something else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replay } from '../../../src/runtime/runs/replay.ts';
import { simulate } from '../../simulation/simulate.ts';
import { calls, drive, modelPlan, queued, RULES, says, toolEntry, type Driven } from '../../support/drive-pure.ts';

const plan = modelPlan({ tools: ['send'] });

const sent = (): Driven =>
  drive({
    queued: queued(plan),
    tools: [toolEntry('send', { sideEffect: 'external', recovery: 'key' })],
    model: (n) => (n === 1 ? calls(['send', { to: 'ops' }]) : says('Sent.')),
    answer: () => ({ answer: 'approve' }),
  });

test('the same rules over the same journal decide the same, at no cost and without a word [RUN-6]', () => {
  const { entries } = sent();
  const before = structuredClone(entries);
  const replayed = replay(entries, { rules: RULES });
  assert.equal(replayed.diverged, null);
  assert.ok(replayed.steps >= 8, `${replayed.steps} decisions`);
  assert.deepEqual(entries, before);
});

test('the first decision that other rules would have made differently is named with its entry [RUN-6]', () => {
  const { entries } = sent();
  const asked = entries.find(({ event }) => event?.type === 'approval.asked');
  const strict = replay(entries, {
    rules: { ...RULES, decide: (q) => ({ answer: q.action === 'tool' ? 'deny' : 'allow', rules: ['strict'], reason: 'no' }) },
  });
  assert.equal(
    strict.diverged?.seq,
    entries.find(({ event }) => event?.type === 'model.intended')?.seq,
    'the recorded rule ids differ from the first decision on',
  );
  const named = replay(entries, {
    rules: { ...RULES, decide: (q) => (q.action === 'tool' ? { answer: 'deny', rules: ['strict'], reason: 'no' } : RULES.decide(q)) },
  });
  assert.ok(asked !== undefined);
  assert.match(named.diverged?.expected ?? '', /^tool\.denied/);
  assert.match(named.diverged?.found ?? '', /^(phase\.entered|approval\.asked)/);
});

test('with another plan only decisions are compared, not the prompts that differ by intent [RUN-6]', () => {
  const { entries } = sent();
  assert.equal(replay(entries, { rules: RULES, plan: { ...plan, instructions: 'Other words.' } }).diverged, null);
  const limited = replay(entries, { rules: RULES, plan: { ...plan, limits: { ...plan.limits, turns: 1 } } });
  assert.match(limited.diverged?.expected ?? '', /concluding/);
});

test('an entry that the core would not have written is found [RUN-6]', () => {
  const { entries } = sent();
  const forged = entries.map((entry) => (entry.event?.type === 'run.ended' ? { ...entry, event: { ...entry.event, answer: 'Not sent.' } } : entry));
  assert.deepEqual(replay(forged, { rules: RULES }).diverged?.seq, entries.length);
});

test('what workers journaled under crashes, freezes and lost commits replays without divergence [RUN-6]', async () => {
  let steps = 0;
  for (let seed = 1; seed <= 25; seed += 1) {
    const { outcomes } = await simulate(seed);
    for (const { entries } of outcomes) {
      const replayed = replay(entries, { rules: RULES });
      assert.deepEqual(replayed.diverged, null, `seed ${seed}`);
      steps += replayed.steps;
    }
  }
  assert.ok(steps > 1_000, `${steps} decisions`);
});
