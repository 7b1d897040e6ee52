/**
 * Requirements and tests agree: a test title names only ids that exist, and what is marked as proven is named by a test.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { REQUIREMENTS, type Status } from './requirements.ts';
import { listSources, scan } from './tidy/source.ts';

const TEST_CALL = /\b(?:test|it|describe|suite)(?:\.\w+)?\s*\(/g;
const ID = '(?:[A-Z]{3}-\\d+|[PRS]\\d+)';
const IDS = new RegExp(`\\[(${ID}(?:\\s*,\\s*${ID})*)\\]`, 'g');

/** Ids in brackets in the titles of a test file: `test('cancel stops within a second [RUN-5, R16]', …)`. */
export function idsInTitles(text: string): string[] {
  const { code, uncommented } = scan(text);
  return [...code.matchAll(TEST_CALL)].flatMap((call) => {
    const start = call.index + call[0].length;
    const title = uncommented.slice(start, titleEnd(code, start));
    return [...title.matchAll(IDS)].flatMap((match) => (match[1] ?? '').split(',').map((id) => id.trim()));
  });
}

/** Where a call's first argument ends: the first comma or closing bracket that is not inside another pair. */
function titleEnd(code: string, start: number): number {
  let depth = 0;
  for (let at = start; at < code.length; at += 1) {
    const char = code.charAt(at);
    if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    if (depth < 0 || (depth === 0 && char === ',')) return at;
  }
  return code.length;
}

export function coverageFaults(requirements: Readonly<Record<string, readonly [Status, string]>>, named: ReadonlySet<string>): string[] {
  const unknown = [...named].filter((id) => !(id in requirements)).map((id) => `${id} is named by a test and is no requirement`);
  const unproven = Object.entries(requirements)
    .filter(([id, [status]]) => status !== 'open' && !named.has(id))
    .map(([id, [status]]) => `${id} is marked ${status} and no test names it`);
  return [...unknown, ...unproven];
}

test('requirements and test titles agree', () => {
  const files = listSources(join(import.meta.dirname, '..')).filter(
    (source) => /^test\/.*\.ts$/.test(source.path) && source.path !== 'test/coverage.test.ts',
  );
  assert.deepEqual(coverageFaults(REQUIREMENTS, new Set(files.flatMap((source) => idsInTitles(source.text)))), []);
});

test('ids are read from titles and from nothing else', () => {
  const text = [
    "test('cancel stops [RUN-5, R16]', async () => { say('[RUN-1]'); });",
    '  await t.test(`${engine}: takes over, (fast) [ENG-3]`, { timeout: 5 }, run);',
    "// test('later [RUN-2]', run);",
    "describe('an array [1] and [A-Z] are no ids', () => {});",
  ].join('\n');
  assert.deepEqual(idsInTitles(text), ['RUN-5', 'R16', 'ENG-3']);
});

test('an unknown id fails, and so does a proven one that no test names', () => {
  const requirements = { 'RUN-1': ['done', 'x'], 'RUN-2': ['part', 'x'], 'RUN-3': ['open', 'x'] } as const;
  assert.deepEqual(coverageFaults(requirements, new Set(['RUN-1', 'RUN-2'])), []);
  assert.deepEqual(coverageFaults(requirements, new Set(['RUN-1', 'RUN-99'])), [
    'RUN-99 is named by a test and is no requirement',
    'RUN-2 is marked part and no test names it',
  ]);
});
