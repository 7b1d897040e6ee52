/** The peers, installed into a cache folder of their own so that they are nobody's dependency, and their small interfaces. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = process.env['WINDLASS_BENCH_CACHE'] ?? join(tmpdir(), 'windlass-bench-peers');

/** Idempotent; needs npm and the registry the first time. */
export async function installPeers(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await copyFile(join(import.meta.dirname, 'package.json'), join(FOLDER, 'package.json'));
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--prefer-offline'], {
    cwd: FOLDER,
  });
}

/** A peer's module, of which the caller says what it uses. */
export async function importPeer<T>(name: string): Promise<T> {
  const path = createRequire(join(FOLDER, 'package.json')).resolve(name);
  const loaded = (await import(pathToFileURL(path).href)) as T & { default?: T };
  return { ...loaded.default, ...loaded };
}

/** A file of a peer's package, to be run. */
export function peerFile(name: string, path: string): string {
  return join(FOLDER, 'node_modules', name, path);
}

export function restateBinary(): string {
  return join(FOLDER, 'node_modules', '@restatedev', `restate-server-${process.platform}-${process.arch}`, 'bin', 'restate-server');
}

export type Dbos = {
  DBOS: {
    setConfig(config: { name: string; systemDatabaseUrl: string; logLevel: string; runAdminServer?: boolean }): void;
    registerWorkflow<A extends unknown[], R>(work: (...args: A) => Promise<R>, options: { name: string }): (...args: A) => Promise<R>;
    runStep<R>(work: () => Promise<R>, options: { name: string }): Promise<R>;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
  };
};
export type Restate = {
  serve(options: { port: number; services: unknown[] }): Promise<unknown>;
  service(definition: {
    name: string;
    handlers: Record<string, (context: { run<R>(name: string, work: () => R): Promise<R> }, input: number) => Promise<string>>;
  }): unknown;
};
export type Graphile = {
  run: (options: {
    connectionString: string;
    concurrency: number;
    noHandleSignals: boolean;
    logger?: unknown;
    preset?: unknown;
    taskList: Record<string, (payload: { at: number }) => Promise<void>>;
  }) => Promise<{ stop(): Promise<void> }>;
  makeWorkerUtils: (options: { connectionString: string; logger?: unknown }) => Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: unknown): Promise<unknown>;
    addJobs(jobs: { identifier: string; payload: unknown }[]): Promise<unknown>;
    release(): Promise<void>;
  }>;
  Logger: new (factory: () => () => void) => unknown;
};
export type PgBoss = {
  PgBoss: new (options: { connectionString: string }) => {
    on(event: 'error', listener: () => void): void;
    start(): Promise<unknown>;
    stop(options: { graceful: boolean }): Promise<void>;
    createQueue(name: string): Promise<void>;
    insert(name: string, jobs: { data: unknown }[]): Promise<unknown>;
    send(name: string, data: unknown): Promise<unknown>;
    fetch(name: string, options: { batchSize: number }): Promise<{ id: string }[]>;
    complete(name: string, ids: string[]): Promise<unknown>;
    work(
      name: string,
      options: { batchSize: number; pollingIntervalSeconds: number },
      handler: (jobs: { data: { at: number } }[]) => Promise<void>,
    ): Promise<unknown>;
  };
};
