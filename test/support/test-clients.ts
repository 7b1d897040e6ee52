/**
 * Real clients and referees that are too big for everybody's install: `test/clients/package.json` in a cache folder of its own. They are
 * installed in CI, or with WINDLASS_TEST_CLIENTS=1; elsewhere they are used when they are there.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MANIFEST = join(import.meta.dirname, '../clients/package.json');
const INSTALL_MS = 300_000;

/** The folder with `node_modules`, or why there is none, for `t.skip`. */
export async function testClients(): Promise<{ folder: string } | { skip: string }> {
  const manifest = await readFile(MANIFEST);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'windlass-test-clients', createHash('sha256').update(manifest).digest('hex').slice(0, 16));
  if (await exists(folder)) return { folder };
  if (process.env['CI'] === undefined && process.env['WINDLASS_TEST_CLIENTS'] === undefined) {
    return { skip: 'WINDLASS_TEST_CLIENTS=1 installs the clients this needs' };
  }
  const draft = `${folder}.${process.pid}`;
  try {
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'package.json'), manifest);
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: draft, timeout: INSTALL_MS, env: withNode() });
    // the one client whose program is put in place by a script of its own
    await run(process.execPath, ['node_modules/@anthropic-ai/claude-code/install.cjs'], { cwd: draft, timeout: INSTALL_MS, env: withNode() });
    await rename(draft, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) await cp(draft, folder, { recursive: true }).catch(() => Promise.reject(error as Error)); // another process was quicker
    });
    return { folder };
  } catch (error) {
    return { skip: `the clients cannot be installed here: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}` };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Runs a client's program; answers its exit code and all it printed. */
export async function runClient(file: string, args: readonly string[], timeoutMs: number): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await run(process.execPath, [file, ...args], { timeout: timeoutMs, maxBuffer: 32 * 1024 * 1024, env: withNode() });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    // A failing client is what the test is about: it looks at the code.
    const { code, stdout, stderr } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 1, output: `${stdout ?? ''}${stderr ?? ''}` };
  }
}

function withNode(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
