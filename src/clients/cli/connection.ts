/**
 * Which server is meant, and by which key: WINDLASS_URL and WINDLASS_KEY, else what the server left in the home folder. A key never
 * appears in arguments, and the key of the home folder goes to no other machine.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_PORT } from '../../config.ts';
import type { Environment } from '../../config.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Api } from '../api.ts';
import { createApi } from '../api.ts';

/** Written by the server when it starts. */
export const SERVER_FILE = 'server.json';
export const LOCAL_KEY_FILE = 'local.key';

export const ServerFile = z.object({ url: z.string(), pid: z.int(), version: z.string() });
export type ServerFile = z.infer<typeof ServerFile>;

export type Connection = Api & { readonly server: ServerFile | null };

export type Place = {
  url: string;
  /** Where the address comes from, in words. */
  urlFrom: string;
  server: ServerFile | null;
};
export type FoundKey = { kind: 'found'; key: string; from: string } | { kind: 'none'; why: string } | { kind: 'unreadable'; why: string };

export function homeFolder(env: Environment, cwd: string): string {
  return resolve(cwd, env['WINDLASS_HOME'] || join(homedir(), '.windlass'));
}

/** @throws AppError `invalid_input` when WINDLASS_URL is no address. */
export async function findServer(env: Environment, home: string): Promise<Place> {
  const server = await readServerFile(home);
  const asked = env['WINDLASS_URL'] ?? '';
  if (asked !== '') return { url: checkedUrl(asked), urlFrom: 'WINDLASS_URL', server: null };
  if (server !== null) return { url: reachable(server.url), urlFrom: join(home, SERVER_FILE), server };
  return { url: `http://127.0.0.1:${env['WINDLASS_PORT'] || DEFAULT_PORT}`, urlFrom: 'the usual address', server: null };
}

/** A server that listens everywhere is reached here by loopback, the one address its Host check always knows. */
function reachable(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

export async function readServerFile(home: string): Promise<ServerFile | null> {
  try {
    return ServerFile.parse(JSON.parse(await readFile(join(home, SERVER_FILE), 'utf8')));
  } catch {
    return null; // no server was started with this home, or the file is being written: the usual address is tried
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new AppError('invalid_input', `WINDLASS_URL is "${text}", which is no http address.`, {
      next: `Set it as in http://127.0.0.1:${DEFAULT_PORT}.`,
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** The key of the home folder is for the server of that home and for loopback. */
export async function findKey(env: Environment, home: string, { url, server }: Pick<Place, 'url' | 'server'>): Promise<FoundKey> {
  const given = (env['WINDLASS_KEY'] ?? '').trim();
  if (given !== '') return { kind: 'found', key: given, from: 'WINDLASS_KEY' };
  if (server === null && !isLoopback(url))
    return { kind: 'none', why: `WINDLASS_KEY is not set, and the key of this machine is not sent to ${new URL(url).host}` };
  const path = join(home, LOCAL_KEY_FILE);
  try {
    const key = (await readFile(path, 'utf8')).trim();
    return key === '' ? { kind: 'none', why: `${path} is empty` } : { kind: 'found', key, from: path };
  } catch (error) {
    // The two causes ask for different next steps, so they are told apart here.
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT' ? { kind: 'none', why: `there is no ${path}` } : { kind: 'unreadable', why: `${path} cannot be read (${code})` };
  }
}

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

export type ConnectOptions = { env: Environment; home: string; fetch: typeof globalThis.fetch };

/** @throws AppError `unavailable` when nothing was ever started here, `denied` when the key file is not readable, `unauthenticated` without a key. */
export async function locate({ env, home }: Omit<ConnectOptions, 'fetch'>): Promise<{ url: string; key: string; server: ServerFile | null }> {
  const place = await findServer(env, home);
  const key = await findKey(env, home, place);
  if (key.kind === 'unreadable') {
    throw new AppError('denied', `The key of this machine is not readable: ${key.why}.`, {
      next: 'Run this as the user that started the server, or set WINDLASS_KEY to a key of your own.',
    });
  }
  if (key.kind === 'none') {
    if (place.urlFrom === 'the usual address') {
      throw new AppError('unavailable', `No Windlass has been started with the home folder ${home}.`, {
        next: 'Start it with `npm start` (or `windlass up`), or name another one in WINDLASS_HOME or WINDLASS_URL.',
      });
    }
    throw new AppError('unauthenticated', `There is no key for ${place.url}: ${key.why}.`, { next: 'Set WINDLASS_KEY to a key of your own.' });
  }
  return { url: place.url, key: key.key, server: place.server };
}

/** The project that a launcher started this process for; a person's own shell has none. */
export function launchedOn(env: Environment): string | undefined {
  return env['WINDLASS_PROJECT'] || undefined;
}

/** @throws AppError as `locate` does. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { url, key, server } = await locate(options);
  return { ...createApi({ url, key, project: launchedOn(options.env), fetch: options.fetch }), server };
}

/** -1, 0 or 1 as `a` is older than, the same as or newer than `b`; what is no version counts as the same. */
export function compareVersions(a: string, b: string): number {
  const numbers = (text: string): number[] | null => (/^\d+\.\d+\.\d+/.test(text) ? (text.split(/[-+]/, 1)[0] ?? '').split('.').map(Number) : null);
  const [left, right] = [numbers(a), numbers(b)];
  if (left === null || right === null) return 0;
  for (const [i, number] of left.entries()) {
    const other = right[i] ?? 0;
    if (number !== other) return number < other ? -1 : 1;
  }
  return 0;
}
