/** Patterns of others are bounded in time: a schema's regular expression, a model's glob. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinTime } from '../../../src/runtime/tools/time-bound.ts';
import { createValidator } from '../../../src/runtime/tools/validate.ts';

test('a schema whose pattern backtracks without end holds up nobody [TOL-4]', () => {
  const check = createValidator();
  const schema = { type: 'string', pattern: '^(a+)+$' };
  const before = performance.now();
  assert.match(check(schema, `${'a'.repeat(60)}!`) ?? '', /cannot be checked within/);
  assert.ok(performance.now() - before < 5_000, 'it was cut off');
  assert.equal(check(schema, 'aaa'), null);
  assert.match(check(schema, 'b') ?? '', /must match pattern/);
});

test('work in time is answered, what it throws is thrown, and what takes too long is cut off', () => {
  assert.deepEqual(
    withinTime(1_000, () => 42),
    { value: 42 },
  );
  assert.throws(() => withinTime(1_000, () => assert.fail('own fault')), /own fault/);
  assert.equal(
    withinTime(20, () => {
      for (;;);
    }),
    null,
  );
});
