/** What models do not take of what they are asked for: told once, whatever form it comes in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SharedV4Warning } from '@ai-sdk/provider';
import { createTellWarnings } from '../../../src/runtime/models/warnings.ts';

test('a warning of a model is told in the log once, and of another model again [GTW-8]', () => {
  const told: unknown[] = [];
  const tell = createTellWarnings((_level, message, fields) => void told.push([message, fields?.['model'], fields?.['what']]));
  const warnings: SharedV4Warning[] = [
    { type: 'unsupported', feature: 'temperature', details: 'not for reasoning models' },
    { type: 'unsupported', feature: 'seed' },
    { type: 'other', message: 'something else' },
  ];
  tell('a/one', warnings);
  tell('a/one', warnings);
  tell('a/two', warnings.slice(0, 1));
  const head = 'a model does not take all that it is asked for';
  assert.deepEqual(told, [
    [head, 'a/one', 'temperature: not for reasoning models'],
    [head, 'a/one', 'seed: unsupported'],
    [head, 'a/one', 'something else'],
    [head, 'a/two', 'temperature: not for reasoning models'],
  ]);
});
