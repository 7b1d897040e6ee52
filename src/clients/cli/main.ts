/**
 * The command line as a process: its streams, signals and exit code. Imported by `bin/windlass.mjs`, it runs by itself.
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { z } from 'zod';
import { systemClock } from '../../kernel/clock.ts';
import { runCli } from './program.ts';

const EXECUTE_MS = 10_000;
const RANDOM_STEPS = 2 ** 32;
const PACKAGE = new URL('../../../package.json', import.meta.url);

// A reader that has seen enough (`windlass runs | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  version: z.object({ version: z.string() }).parse(JSON.parse(readFileSync(PACKAGE, 'utf8'))).version,
  clock: systemClock,
  random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
  fetch: globalThis.fetch,
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => text(process.stdin),
  confirm,
  interrupt() {
    const controller = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
    return controller.signal;
  },
  execute: async (program, args) => (await promisify(execFile)(program, [...args], { timeout: EXECUTE_MS })).stdout,
});

async function confirm(question: string): Promise<boolean | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}
