/** What is ours goes into somebody's JSON and out again, and nothing else changes by a byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { JsonEdit, JsonRecord } from '../../../src/clients/launcher/json-edit.ts';
import { NO_RECORD, installJson, removeJson } from '../../../src/clients/launcher/json-edit.ts';
import { parseJsonc, valueOf } from '../../../src/clients/launcher/jsonc.ts';

const EDITS: readonly JsonEdit[] = [
  { kind: 'member', path: ['mcpServers', 'windlass'], value: { command: 'windlass', args: ['mcp'] } },
  { kind: 'item', path: ['permissions', 'allow'], value: 'mcp__windlass' },
  { kind: 'item', path: ['hooks', 'Stop'], value: { hooks: [{ type: 'command', command: 'windlass hook stop' }] } },
];

const name = fc.constantFrom('mcpServers', 'permissions', 'hooks', 'Stop', 'allow', 'model', 'ünï', 'a"b', '');
const { json } = fc.letrec((tie) => ({
  json: fc.oneof({ depthSize: 'small' }, fc.jsonValue({ maxDepth: 0 }), tie('list'), tie('object')),
  list: fc.array(tie('json'), { maxLength: 4 }),
  object: fc.dictionary(name, tie('json'), { maxKeys: 4 }),
}));
/** Places that the edits need hold what they need, or nothing. */
const config = fc
  .record(
    {
      other: json,
      mcpServers: fc.dictionary(fc.constantFrom('one', 'two'), json),
      permissions: fc.record({ allow: fc.array(fc.constantFrom('Bash(ls)', 'Read')) }, { requiredKeys: [] }),
      hooks: fc.record({ Stop: fc.array(json, { maxLength: 3 }), Start: json }, { requiredKeys: [] }),
      model: json,
    },
    { requiredKeys: [] },
  )
  .chain((value) => fc.constantFrom(...layouts(value)));

/** One value written in the ways that people and programs write it. */
function layouts(value: unknown): string[] {
  const pretty = JSON.stringify(value, null, 2);
  return [
    JSON.stringify(value),
    pretty,
    `${pretty}\n`,
    JSON.stringify(value, null, '\t').replaceAll('\n', '\r\n'),
    JSON.stringify(value, null, 4)
      .replaceAll(/([^\s,[{])\n/g, '$1,\n')
      .replace(/,\n$/, '\n')
      .replace(/},$/, '}'),
    `// mine, see {the} "handbook"\n${pretty.replaceAll(/([[{])\n/g, '$1 /* a: [1], */\n')}\n\n`,
    `\ufeff${pretty}`,
  ].filter((text) => {
    try {
      parseJsonc(text);
      return true;
    } catch {
      return false; // a layout that breaks a value with such text in it
    }
  });
}

test('put in and taken out again, every configuration has the bytes it had [LCH-1, LCH-6]', () => {
  fc.assert(
    fc.property(config, (text) => {
      const put = installJson(text, EDITS, NO_RECORD);
      assert.deepEqual(put.kept, []);
      const value = valueOf(parseJsonc(put.text) ?? assert.fail()) as { mcpServers: { windlass: unknown } };
      assert.deepEqual(value.mcpServers.windlass, EDITS[0]?.value);
      assert.equal(installJson(put.text, EDITS, put.record).text, put.text);
      assert.equal(removeJson(put.text, put.record).text, text);
    }),
    { numRuns: 1_000 },
  );
});

test('what somebody adds in between stays, before ours and behind it [LCH-1]', () => {
  fc.assert(
    fc.property(config, fc.array(fc.tuple(name, json), { minLength: 1, maxLength: 3 }), (text, added) => {
      const put = installJson(text, EDITS, NO_RECORD);
      const theirs = added.map(([key, value]): JsonEdit => ({ kind: 'member', path: [`x${key}`], value: value as JsonEdit['value'] }));
      const both = installJson(put.text, theirs, NO_RECORD);
      const left = valueOf(parseJsonc(removeJson(both.text, put.record).text) ?? assert.fail());
      const alone = installJson(text, theirs, NO_RECORD);
      assert.deepEqual(left, valueOf(parseJsonc(alone.text) ?? assert.fail()));
    }),
  );
});

test('no file and an empty one are begun, and are nothing again', () => {
  for (const text of ['', '\n', '  \n\n', '// only this\n']) {
    const put = installJson(text, EDITS, NO_RECORD);
    assert.ok(put.text.endsWith('}\n'));
    assert.equal(removeJson(put.text, put.record).text, text);
  }
});

test('what was changed by hand, or was there before, is kept and named [LCH-3]', () => {
  const theirs = '{ "mcpServers": { "windlass": { "command": "other" } } }';
  const put = installJson(theirs, EDITS, NO_RECORD);
  assert.deepEqual(put.kept, ['mcpServers.windlass']);
  assert.equal(removeJson(put.text, put.record).text, theirs);

  const ours = installJson('{}\n', EDITS, NO_RECORD);
  const edited = ours.text.replace('"windlass hook stop"', '"windlass hook stop && say done"').replace('"mcp"', '"mcp", "--verbose"');
  const again = installJson(edited, EDITS, ours.record);
  assert.deepEqual(again.kept, ['mcpServers.windlass', 'hooks.Stop']);
  assert.match(again.text, /say done/);
  const removed = removeJson(edited, ours.record);
  assert.deepEqual([...removed.kept].toSorted(), ['hooks.Stop', 'mcpServers.windlass']);
  assert.doesNotMatch(removed.text, /mcp__windlass/);
});

test('a newer form of ours takes the place of the older', () => {
  const old = installJson('{\n  "a": 1\n}\n', [{ kind: 'member', path: ['mcpServers', 'windlass'], value: { command: 'old' } }], NO_RECORD);
  const now = installJson(old.text, EDITS, old.record);
  assert.doesNotMatch(now.text, /old/);
  assert.equal(removeJson(now.text, now.record).text, '{\n  "a": 1\n}\n');
});

test('a broken file is refused with its line, a misplaced value with its path', () => {
  const broken: [string, RegExp][] = [
    ['{\n  "a": 1\n  "b": 2\n}', /line 3: .*"b".* a comma or }/],
    ['{ "a": [1, 2', /the file ends/],
    ["{ 'a': 1 }", /a name in quotes/],
    ['{} {}', /the end/],
    ['['.repeat(10_000), /less nesting/],
  ];
  for (const [text, expected] of broken) assert.throws(() => installJson(text, EDITS, NO_RECORD), expected);
  assert.throws(() => installJson('[]', EDITS, NO_RECORD), /the whole is not an object/);
  assert.throws(() => installJson('{ "permissions": { "allow": "all" } }', EDITS, NO_RECORD), /permissions\.allow is not a list/);
  assert.throws(() => installJson('{ "hooks": null }', EDITS, NO_RECORD), /hooks is not an object/);
});

test('without a record nothing is taken for ours', () => {
  const record: JsonRecord = NO_RECORD;
  const text = '{ "permissions": { "allow": ["mcp__windlass"] } }';
  assert.equal(removeJson(text, record).text, text);
});
