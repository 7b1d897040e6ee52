/** Inputs made from the schemas and then some: whatever comes, the answer is ours and no fault of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ApiOperation, JsonSchema } from '../../support/api-operations.ts';
import { apiOperations, fillPath, problemOf } from '../../support/api-operations.ts';
import { testServer } from '../../support/server.ts';

const RUNS = 12;

const hostileText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '\u0000',
    'a\u0000b',
    '\ud800',
    '\udfff\ud800',
    "'; drop table run; --",
    '../../etc/passwd',
    '%00',
    '%',
    '{{',
    '\u202e',
    '🦦'.repeat(200),
  ),
  fc.constantFrom(
    'x'.repeat(3_000),
    'null',
    '__proto__',
    'run_01jd2m7x9c4qf8w3v5k6t1z0ab',
    'W10',
    'bnVsbA',
    'WyJcdTAwMDAiXQ',
    'WzEuNV0',
    'Wy0xXQ',
    'WzFlOTld',
  ),
);
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, -1, 0, 1.5, 1e308, -1e308, 2 ** 53, 2 ** 31, 2 ** 63, [], {}, [[[[]]]], { a: { b: '\u0000' } }),
  fc.jsonValue(),
);

/** Mostly what the schema wants, with something else in places. */
function inputOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: wanted(schema) }, { weight: 1, arbitrary: hostile });
}

function wanted(schema: JsonSchema): fc.Arbitrary<unknown> {
  const {
    type,
    enum: choices,
    const: only,
    anyOf,
    oneOf,
    properties,
    items,
    required,
  } = schema as {
    type?: string;
    enum?: unknown[];
    const?: unknown;
    anyOf?: JsonSchema[];
    oneOf?: JsonSchema[];
    properties?: Record<string, JsonSchema>;
    items?: JsonSchema;
    required?: string[];
  };
  const alternatives = anyOf ?? oneOf;
  if (only !== undefined) return fc.constant(only);
  if (choices !== undefined) return fc.constantFrom(...choices);
  if (alternatives !== undefined) return fc.oneof(...alternatives.map(inputOf));
  if (type === 'object' && properties !== undefined) {
    const members = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, inputOf(each)]));
    return fc.record(members, { requiredKeys: (required ?? []).filter((name) => name in members) });
  }
  if (type === 'array') return fc.array(inputOf(items ?? {}), { maxLength: 3 });
  if (type === 'integer') return fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeInteger());
  if (type === 'number') return fc.double({ noNaN: true, noDefaultInfinity: true });
  if (type === 'boolean') return fc.boolean();
  return type === 'string' ? fc.oneof(fc.string(), hostileText) : hostile;
}

type Sent = { path: string; body: string | undefined; headers: Record<string, string> };

function requestOf(op: ApiOperation): fc.Arbitrary<Sent> {
  const names = [...op.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const inPath = fc.option(fc.record(Object.fromEntries(names.map((name) => [name, hostileText]))), { nil: null, freq: 3 });
  const query = fc.record(
    Object.fromEntries(op.parameters.filter((each) => each.in === 'query').map(({ name, schema }) => [name, inputOf(schema)])),
    { requiredKeys: [] },
  );
  const key = fc.option(fc.constantFrom('one', 'two', '', ' ', 'x'.repeat(300)), { nil: undefined });
  return fc.tuple(inPath, query, op.body === null ? fc.constant(undefined) : inputOf(op.body), key).map(([given, asked, body, idempotency]) => {
    const path = given === null ? fillPath(op.path) : op.path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encoded(given[name] ?? ''));
    const search = new URLSearchParams(
      Object.entries(asked).map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    );
    const headers: Record<string, string> = idempotency === undefined ? {} : { 'idempotency-key': idempotency };
    if (op.method !== 'GET') headers['content-type'] = 'application/json';
    return { path: search.size === 0 ? path : `${path}?${search.toString()}`, body: body === undefined ? undefined : JSON.stringify(body), headers };
  });
}

function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()) || 'x';
}

test('no input makes any operation fail on our side [API-1, IDN-2]', async () => {
  await using server = await testServer({ workers: 0 });
  for (const op of await apiOperations(server)) {
    const { secret } = await server.key({ role: 'owner' });
    await fc.assert(
      fc.asyncProperty(requestOf(op), async ({ path, body, headers }) => {
        const response = await server.request(path, { method: op.method, key: secret, headers, ...(body === undefined ? {} : { body }) });
        const said = `${op.name} ${path.slice(0, 300)} ${body?.slice(0, 500) ?? ''}`;
        if (response.status < 300) {
          await response.text();
          return;
        }
        assert.equal(
          response.status < 500,
          true,
          `${response.status}: ${said}\n${server.logged.filter((line) => line.includes('"error"')).at(-1) ?? ''}`,
        );
        if (path.includes('/..')) return; // the client has made another path of it
        await problemOf(response);
      }),
      { numRuns: RUNS },
    );
  }
});

test("input that is nested without end, or holds half a character where text is stored, is the caller's to mend [API-1, IDN-2]", async () => {
  await using server = await testServer({ workers: 0 });
  await server.request('/agents', { method: 'POST', body: { name: 'deep', instructions: 'Work.', model: 'rehearsal/none' } });
  const start = (body: string): Promise<Response> => server.request('/agents/deep/runs', { method: 'POST', body });
  const nested = (levels: number): string => `{"input": ${'['.repeat(levels)}${']'.repeat(levels)}}`;
  assert.equal((await start(nested(150))).status, 202);
  for (const levels of [300, 5_000, 500_000]) assert.equal((await start(nested(levels))).status, 400, `${levels} levels`);
  assert.equal((await start('{"input": {}, "lane": "half \\ud800"}')).status, 400);
});
