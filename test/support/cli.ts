/**
 * The command line in process: what it prints and how it exits, against a real HTTP app with answers of the contracts' shapes.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Cli } from '../../src/clients/cli/command.ts';
import { runCli } from '../../src/clients/cli/program.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { createIds } from '../../src/kernel/ids.ts';
import type { ActorId, KeyId, OrgId } from '../../src/kernel/ids.ts';
import type { Bound, Operation } from '../../src/kernel/operation.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { HttpApp } from '../../src/surfaces/http/context.ts';
import { createHttpApp } from '../../src/surfaces/http/app.ts';
import { createGuard } from '../../src/surfaces/http/guard.ts';
import { mountHealth } from '../../src/surfaces/http/health.ts';
import { createRateLimiter } from '../../src/surfaces/http/rate-limit.ts';
import { UNBOUND } from './identity.ts';

export const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0);
export const TEST_KEY = 'wl_test';
const URL = 'http://127.0.0.1:7420';

const PRINCIPAL: Principal = {
  org: 'org_test' as OrgId,
  actor: 'act_test' as ActorId,
  kind: 'user',
  name: 'Tess',
  agent: null,
  key: 'key_test' as KeyId,
  fingerprint: '0123456789abcdef',
  role: 'owner',
  scopes: ['read', 'run', 'context', 'agents', 'answer', 'admin'],
  ...UNBOUND,
};

/** An operation and what it answers, from its parsed input. */
export function answers<Op extends Operation>(
  operation: Op,
  handle: (input: z.output<Op['input']>) => z.input<Op['output']> | Promise<z.input<Op['output']>>,
): Bound<Principal> {
  return { operation, handle: async (_caller, input) => handle(input as z.output<Op['input']>) };
}

export type FakeServer = { operations?: readonly Bound<Principal>[]; first?: (app: HttpApp) => void };

export function fakeApp({ operations = [], first = () => {} }: FakeServer): HttpApp {
  const app = createHttpApp({
    operations,
    first,
    authenticate: async (key) => (key === TEST_KEY ? PRINCIPAL : null),
    guard: createGuard({ hosts: [] }),
    limiter: createRateLimiter({ nowMs: () => NOW_MS }),
    requestsPerMinute: () => 10_000,
    once: {
      claim: () => Promise.reject(new Error('the command line sends no idempotency key')),
    } as unknown as Parameters<typeof createHttpApp>[0]['once'],
    ids: createIds({ nowMs: () => NOW_MS, randomBytes: (length) => new Uint8Array(length) }),
    log: () => {},
    nowMs: () => NOW_MS,
    onAnswered: () => {},
    version: '0.1.0',
  });
  mountHealth(app, {
    version: '0.1.0',
    startedAtMs: NOW_MS - 3_600_000,
    health: async () => ({ serverVersion: '18.4', roundTripMs: 0.4 }),
    ready: () => true,
    metrics: async () => [],
    door: { authenticate: async () => null, limiter: createRateLimiter({ nowMs: () => NOW_MS }), requestsPerMinute: () => 1 },
    organization: async () => [],
  });
  return app;
}

export type Called = { exit: number; out: string; err: string };
export type CallOptions = {
  server?: FakeServer | null;
  env?: Record<string, string>;
  /** Columns of a terminal; a pipe when left out. */
  columns?: number;
  stdin?: string;
  confirm?: boolean | null;
  /** What a person types without its being shown. */
  hidden?: string;
  /** The current folder; the repository's own when left out. */
  cwd?: string;
  nowMs?: number;
  /** What programs print; every one is at version 2.40.0 when left out. */
  execute?: Cli['execute'];
  /** Programs that are started on the terminal; none can be when left out. */
  start?: Cli['start'];
  home?: string;
  fetch?: typeof globalThis.fetch;
  /** Ctrl-C. */
  interrupt?: AbortSignal;
  version?: string;
  /** At once when left out. */
  sleep?: Clock['sleep'];
};

/** Runs `windlass ARGV`. Without a server every connection is refused. */
export async function windlass(argv: readonly string[], options: CallOptions = {}): Promise<Called> {
  const app = options.server === undefined || options.server === null ? null : fakeApp(options.server);
  let [out, err] = ['', ''];
  const tty = options.columns === undefined ? {} : { isTTY: true, columns: options.columns };
  const exit = await runCli(argv, {
    env: { WINDLASS_URL: URL, WINDLASS_KEY: TEST_KEY, WINDLASS_HOME: options.home ?? '/nonexistent', ...options.env },
    cwd: options.cwd ?? process.cwd(),
    version: options.version ?? '0.1.0',
    clock: { nowMs: () => options.nowMs ?? NOW_MS, sleep: options.sleep ?? (async () => {}) },
    random: () => 0,
    randomBytes,
    machine: { name: 'desk', platform: 'linux', pid: process.pid, kill: (pid, signal) => process.kill(pid, signal) },
    fetch: options.fetch ?? ((input, init) => (app === null ? Promise.reject(new TypeError('fetch failed')) : serve(app, new Request(input, init)))),
    stdout: { write: (text) => void (out += text), ...tty },
    stderr: { write: (text) => void (err += text), ...tty },
    readStdin: async () => options.stdin ?? '',
    confirm: async () => options.confirm ?? null,
    askHidden: async () => options.hidden ?? null,
    start: options.start ?? (() => Promise.reject(new Error('nothing is started in this test'))),
    execute: options.execute ?? (async (program) => `${program} version 2.40.0\n`),
    interrupt: () => options.interrupt ?? new AbortController().signal,
  });
  return { exit, out, err };
}

/** As a socket would bring it: with a Host header. */
async function serve(app: HttpApp, request: Request): Promise<Response> {
  request.headers.set('host', new globalThis.URL(request.url).host);
  return app.fetch(request);
}

/** A folder that is gone at the end of the test. */
export function temporaryFolder(files: Readonly<Record<string, string>> = {}): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'windlass-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
