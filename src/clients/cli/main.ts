/**
 * The command line as a process: its streams, signals and exit code. Imported by `bin/windlass.mjs`, it runs by itself.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { constants, hostname } from 'node:os';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { z } from 'zod';
import { systemClock } from '../../kernel/clock.ts';
import type { Cli } from './command.ts';
import { runCli } from './program.ts';

const EXECUTE_MS = 10_000;
const EXECUTE_BYTES = 16 * 1024 * 1024;
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
  randomBytes,
  machine: { name: hostname(), platform: process.platform, pid: process.pid, kill: (pid, signal) => process.kill(pid, signal) },
  fetch: globalThis.fetch,
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => text(process.stdin),
  confirm,
  askHidden,
  start,
  interrupt() {
    const controller = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
    return controller.signal;
  },
  execute,
});

async function execute(...[program, args, { timeoutMs, ...options } = {}]: Parameters<Cli['execute']>): Promise<string> {
  const done = promisify(execFile)(program, [...args], { timeout: timeoutMs ?? EXECUTE_MS, maxBuffer: EXECUTE_BYTES, ...options });
  done.child.stdin?.end();
  return (await done).stdout;
}

async function confirm(question: string): Promise<boolean | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}

async function askHidden(question: string): Promise<string | null> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return null;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(`${question} `);
  try {
    return await prompt.question('');
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}

/** Signals of the terminal reach the program as well as us: it decides what they mean, and we end with it. */
function start(program: string, args: readonly string[], { cwd, env }: Parameters<Cli['start']>[2]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd, env: { ...env }, stdio: 'inherit' });
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    const ignore = (): void => {};
    process.on('SIGINT', ignore).on('SIGQUIT', ignore).on('SIGTERM', pass).on('SIGHUP', pass);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGQUIT', ignore).off('SIGTERM', pass).off('SIGHUP', pass);
      resolve(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15));
    });
  });
}
