/**
 * `npm run schema`: migrates an empty embedded database in a temp folder and writes schema.sql from its catalogue.
 */
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { systemClock } from '../kernel/clock.ts';
import { startEmbedded } from './embedded-postgres.ts';
import { migrate } from './migrate.ts';
import { schemaText } from './schema-text.ts';

const home = join(tmpdir(), `windlass-schema-${process.pid}`);
const embedded = await startEmbedded({ home, clock: systemClock, spawn, durable: false });
try {
  await migrate({ url: embedded.url });
  const client = new Client({ connectionString: embedded.url });
  await client.connect();
  await writeFile(join(import.meta.dirname, 'schema.sql'), await schemaText(client));
  await client.end();
} finally {
  await embedded.stop();
  await rm(home, { recursive: true, force: true });
}
