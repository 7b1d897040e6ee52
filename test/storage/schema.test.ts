/** schema.sql is what the migrations make. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from 'pg';
import { schemaText } from '../../src/storage/schema-text.ts';
import { testDatabase } from '../support/database.ts';

const onServer = process.env['WINDLASS_TEST_DATABASE'] === 'server';

test('schema.sql is current: else run `npm run schema` [STO-1]', { skip: onServer && 'the text is of the embedded version' }, async () => {
  await using db = await testDatabase();
  const client = new Client({ connectionString: db.url });
  await client.connect();
  const text = await schemaText(client);
  await client.end();
  assert.equal(text, await readFile(join(import.meta.dirname, '../../src/storage/schema.sql'), 'utf8'));
});
