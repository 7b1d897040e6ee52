import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { begin, CLOSED, createCircuits, finish, refusedUntilMs, type Circuit, type CircuitResult } from '../../../src/runtime/models/circuit.ts';
import { CIRCUIT_FAILURES, CIRCUIT_OPEN_MAX_MS, CIRCUIT_OPEN_MS } from '../../../src/runtime/models/limits.ts';

const failed = (retryAfterMs: number | null = null): CircuitResult => ({ how: 'failed', retryAfterMs });

function afterFailures(count: number, result: CircuitResult = failed()): Circuit {
  let circuit: Circuit = CLOSED;
  for (let i = 0; i < count; i += 1) circuit = finish(begin(circuit), result, 0);
  return circuit;
}

test('five failures in a row open a circuit, one probe goes after the pause, and its success closes it [HAR-7]', () => {
  assert.equal(refusedUntilMs(afterFailures(CIRCUIT_FAILURES - 1), 0), null);
  const open = afterFailures(CIRCUIT_FAILURES);
  assert.equal(refusedUntilMs(open, 0), CIRCUIT_OPEN_MS);
  assert.equal(refusedUntilMs(open, CIRCUIT_OPEN_MS), null);
  const probing = begin(open);
  assert.notEqual(refusedUntilMs(probing, CIRCUIT_OPEN_MS), null, 'only one probes');
  assert.deepEqual(finish(probing, { how: 'ok' }, CIRCUIT_OPEN_MS), CLOSED);
  const again = finish(probing, failed(), 0);
  assert.equal(refusedUntilMs(again, 0), 2 * CIRCUIT_OPEN_MS);
});

test('a longer Retry-After keeps a circuit open, also one that a late call brings [HAR-7]', () => {
  assert.equal(refusedUntilMs(afterFailures(CIRCUIT_FAILURES, failed(90_000)), 0), 90_000);
  assert.equal(refusedUntilMs(finish(afterFailures(CIRCUIT_FAILURES), failed(120_000), 0), 0), 120_000);
});

test('a probe that says nothing of the provider lets the next one try [HAR-7]', () => {
  const after = finish(begin(afterFailures(CIRCUIT_FAILURES)), { how: 'neutral' }, 50_000);
  assert.equal(refusedUntilMs(after, 50_000), null);
});

test('whatever happens, a circuit refuses only after five failures in a row, never for ever, and one success ends it [HAR-7]', () => {
  const step = fc.record({
    result: fc.oneof(
      fc.constant<CircuitResult>({ how: 'ok' }),
      fc.constant<CircuitResult>({ how: 'neutral' }),
      fc.option(fc.nat(100_000)).map((ms) => failed(ms)),
    ),
    waitMs: fc.nat(120_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let circuit: Circuit = CLOSED;
      let nowMs = 0;
      let inARow = 0;
      for (const { result, waitMs } of steps) {
        nowMs += waitMs;
        const untilMs = refusedUntilMs(circuit, nowMs);
        if (untilMs !== null) {
          assert.ok(inARow >= CIRCUIT_FAILURES);
          assert.ok(untilMs > nowMs && untilMs - nowMs <= CIRCUIT_OPEN_MAX_MS);
          continue;
        }
        circuit = finish(begin(circuit), result, nowMs);
        if (result.how === 'failed') inARow += 1;
        if (result.how === 'ok') {
          inARow = 0;
          assert.deepEqual(circuit, CLOSED);
        }
        if (result.how === 'failed' && inARow >= CIRCUIT_FAILURES) assert.notEqual(refusedUntilMs(circuit, nowMs), null);
      }
    }),
  );
});

test('circuits of different keys do not touch, and our own faults do not count [HAR-7]', () => {
  const circuits = createCircuits({ nowMs: () => 0, sleep: () => Promise.resolve() });
  for (let i = 0; i < 20; i += 1) circuits.begin('a')({ kind: 'invalid_request', retryAfterMs: null });
  assert.equal(circuits.refusedUntilMs('a'), null);
  for (let i = 0; i < CIRCUIT_FAILURES; i += 1) circuits.begin('a')({ kind: 'rate_limited', retryAfterMs: 60_000 });
  assert.deepEqual([circuits.refusedUntilMs('a'), circuits.refusedUntilMs('b')], [60_000, null]);
});
