/** SARIF 2.1.0 (OASIS), as far as it is written here: what its schema and its readers ask of any findings whatever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { Dimension, Severity } from '../../../src/work/reviews/finding.ts';
import { sarifOf } from '../../../src/work/reviews/sarif.ts';

const Text = z.strictObject({ text: z.string().min(1) });
const Uri = z.string().regex(/^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/);
const Bag = z.looseObject({ tags: z.array(z.string()).optional() });
const Log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          ...{ name: z.string().min(1), version: z.string().min(1) },
          rules: z.array(z.strictObject({ id: z.string().min(1), shortDescription: Text, properties: Bag })),
        }),
      }),
      invocations: z.array(
        z.strictObject({
          executionSuccessful: z.boolean(),
          toolExecutionNotifications: z.array(z.strictObject({ level: z.enum(['none', 'note', 'warning', 'error']), message: Text })),
        }),
      ),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(
        z.strictObject({
          ...{ ruleId: z.string().min(1), ruleIndex: z.int().nonnegative(), level: z.enum(['none', 'note', 'warning', 'error']), message: Text },
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: Uri, uriBaseId: z.string() }),
                region: z.strictObject({ startLine: z.int().min(1), snippet: z.strictObject({ text: z.string() }) }).optional(),
              }),
            }),
          ]),
          partialFingerprints: z.record(z.string(), z.string()),
          rank: z.number().min(0).max(100).optional(),
          properties: Bag,
        }),
      ),
      properties: Bag,
    }),
  ]),
});

const finding = fc.record({
  ...{ severity: fc.constantFrom(...Severity.options), dimension: fc.constantFrom(...Dimension.options) },
  ...{ rule: fc.option(fc.constantFrom('any-type', 'x')), file: fc.string({ unit: 'grapheme', minLength: 1 }) },
  ...{ line: fc.option(fc.integer({ min: 1 })), evidence: fc.string({ minLength: 1 }), problem: fc.string({ minLength: 1 }), fix: fc.string() },
  ...{ standard: fc.option(fc.string({ minLength: 1 })), confidence: fc.double({ min: 0, max: 1, noNaN: true }) },
});

test('SARIF keeps the constraints of its schema, whatever is found: each result names its rule by id and index, its place is an address [REV-1]', () => {
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 6 }), fc.array(fc.constantFrom('qa', 'sre')), (findings, failed) => {
      const log = Log.parse(JSON.parse(JSON.stringify(sarifOf({ version: '1', findings, fingerprint: () => 'f', failed, properties: {} }))));
      const [{ results, tool }] = log.runs;
      const ids = tool.driver.rules.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      for (const [i, { ruleId, ruleIndex, locations }] of results.entries()) {
        assert.equal(ids[ruleIndex], ruleId);
        assert.equal(decodeURIComponent(locations[0].physicalLocation.artifactLocation.uri), findings[i]?.file);
      }
    }),
  );
});
