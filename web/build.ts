/**
 * Builds the console into `web/dist`: bundled, hashed, compressed ahead. `--if-stale` does nothing when what was built is of these very
 * sources, and says so instead of failing where Vite is not installed. Two builds at once each make their own and the later one stays.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, posix, relative, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Plugin } from 'vite';
import type { Operation, Operations } from '../src/kernel/operation.ts';
import { RUN_STATUSES, RunStatus } from '../src/kernel/run-status.ts';

const WEB = import.meta.dirname;
const ROOT = resolve(WEB, '..');
const DIST = join(WEB, 'dist');
const STAMP = '.sources';
const COMPRESSED = new Set(['.css', '.html', '.js', '.json', '.svg', '.webmanifest']);
const LEAST_COMPRESSED_BYTES = 512;

/** Everything that goes into the bundle: what stands in `web/`, what that imports of `src/`, and the versions installed. */
function sourcesDigest(): string {
  const listed = readdirSync(WEB, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !/^web\/(?:dist|\.dist)/.test(path) && !path.endsWith('.md'));
  const seen = new Set(['package-lock.json', 'schemas/agent.schema.json', ...listed]);
  for (const path of seen) {
    if (!/\.tsx?$/.test(path)) continue;
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const [, specifier = ''] of text.matchAll(/\bfrom\s+'(\.[^']+)'/g)) seen.add(posix.join(posix.dirname(path), specifier));
  }
  const digest = createHash('sha256');
  for (const path of [...seen].toSorted()) if (existsSync(join(ROOT, path))) digest.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  return digest.digest('hex');
}

function isFresh(digest: string): boolean {
  const stamp = join(DIST, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;
}

/** `virtual:routes`: method and path of every operation. `virtual:schemas`: what each takes, as JSON Schema, for forms.
 * `virtual:words`: tables of the kernel whose files would bring zod along. */
function contracts(): Plugin {
  const load = async (): Promise<Readonly<Record<string, Operations>>> => (await import('./operations.ts')).OPERATIONS;
  const table = async (of: (operation: Operation) => unknown): Promise<string> => {
    const domains = Object.entries(await load()).map(([domain, operations]) => [
      domain,
      Object.fromEntries(Object.entries(operations).map(([key, operation]) => [key, of(operation)])),
    ]);
    return `export default ${JSON.stringify(Object.fromEntries(domains))};`;
  };
  return {
    name: 'contracts',
    resolveId: (id) => (id.startsWith('virtual:') ? `\0${id}` : null),
    load: (id) => {
      if (id === '\0virtual:routes') return table(({ method, path }) => [method, path]);
      if (id === '\0virtual:schemas') return table(({ input }) => z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }));
      if (id === '\0virtual:words') return words();
      return null;
    },
  };
}

function words(): string {
  const final = RunStatus.options.filter((status) => RUN_STATUSES[status].final);
  return `export const RUN_STATUSES = ${JSON.stringify(RunStatus.options)}; export const FINAL_STATUSES = ${JSON.stringify(final)};`;
}

function compress(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !COMPRESSED.has(extname(path))) continue;
    const body = readFileSync(path);
    if (body.length < LEAST_COMPRESSED_BYTES) continue;
    writeFileSync(
      `${path}.br`,
      brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
    );
    writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
  }
}

async function build(digest: string): Promise<void> {
  const { build: bundle } = await import('vite');
  const made = join(WEB, `.dist-${randomUUID().slice(0, 8)}`);
  try {
    await bundle({
      root: WEB,
      configFile: false,
      logLevel: 'warn',
      publicDir: join(WEB, 'public'),
      plugins: [contracts()],
      oxc: { jsx: { runtime: 'automatic' } },
      build: {
        outDir: made,
        emptyOutDir: true,
        target: 'es2023',
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        // what pages share comes in one piece: a page then asks for two files instead of ten
        rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', test: /web[\\/]src[\\/](?:parts|state)[\\/]/ }] } } },
      },
    });
    compress(made);
    writeFileSync(join(made, STAMP), digest);
    const old = `${made}-old`;
    if (existsSync(DIST)) renameSync(DIST, old);
    renameSync(made, DIST);
    rmSync(old, { recursive: true, force: true });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const onlyIfStale = process.argv.includes('--if-stale');
  const digest = sourcesDigest();
  if (onlyIfStale && isFresh(digest)) return;
  if (onlyIfStale && !existsSync(join(dirname(WEB), 'node_modules', 'vite'))) {
    process.stderr.write('The console was not built: Vite is not installed. Everything else works; `npm ci` brings it.\n');
    return;
  }
  const startedMs = performance.now();
  await build(digest);
  process.stderr.write(`The console is built (${((performance.now() - startedMs) / 1_000).toFixed(1)} s).\n`);
}

await main();
