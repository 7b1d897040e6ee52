/** Starts that cannot go well: each says what is wrong and what to do, and leaves nothing behind that would spoil the next one. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../src/config.ts';
import { AppError, ERROR_CODES } from '../src/kernel/errors.ts';
import { startServer } from '../src/main.ts';
import { testDatabase } from './support/database.ts';
import { testHome } from './support/home.ts';

async function refused(home: string, env: Record<string, string>): Promise<AppError> {
  const config = loadConfig({ flags: { home }, env: { WINDLASS_PORT: '0', ...env }, cwd: '/' });
  const error = await startServer(config, { log: () => {}, env }).then(
    async (server) => {
      await server.stop();
      return null;
    },
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, `it started, or failed with ${String(error)}`);
  assert.equal((error.next ?? '').length > 10, true, `no next step: ${error.message}`);
  return error;
}

test('a port in use is told with another one to take, and the next start goes well [OPS-2]', async () => {
  await using home = testHome();
  await using db = await testDatabase();
  const holder = createServer();
  await new Promise<void>((resolve) => void holder.listen(0, '127.0.0.1', resolve));
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const error = await refused(home.path, { DATABASE_URL: db.url, WINDLASS_PORT: String(port) });
  assert.match(error.message, new RegExp(`Port ${port} on 127.0.0.1 is already in use`));
  assert.match(error.next ?? '', /WINDLASS_PORT=/);
  assert.equal(ERROR_CODES[error.code].exit, 5);
  await new Promise((resolve) => holder.close(resolve));
  const config = loadConfig({ flags: { home: home.path }, env: { DATABASE_URL: db.url, WINDLASS_PORT: String(port) }, cwd: '/' });
  const server = await startServer(config, { log: () => {}, env: {} });
  await server.stop();
});

test('a database that does not answer is told as that [OPS-2]', async () => {
  await using home = testHome();
  const error = await refused(home.path, { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
  assert.equal(error.code, 'unavailable');
  assert.match(error.message, /database cannot be reached/);
  assert.equal(ERROR_CODES[error.code].exit, 5);
});

test('a home that is a file is told with its path [OPS-2]', async () => {
  await using home = testHome();
  await mkdir(home.path);
  const file = join(home.path, 'file');
  await writeFile(file, '');
  await using db = await testDatabase();
  const error = await refused(file, { DATABASE_URL: db.url });
  assert.equal(error.message.includes(file), true, error.message);
});

test(
  'a home that cannot be written is told with its path [OPS-2]',
  { skip: process.getuid?.() === 0 ? 'root writes everywhere' : false },
  async () => {
    await using home = testHome();
    await mkdir(home.path);
    await chmod(home.path, 0o500);
    await using db = await testDatabase();
    const error = await refused(home.path, { DATABASE_URL: db.url });
    assert.equal(error.message.includes(home.path), true, error.message);
    await chmod(home.path, 0o700);
  },
);
