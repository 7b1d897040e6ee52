/** What `doctor` learns from the server of this home, or from its absence: reachable, its version, the key, tool servers. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { toAppError } from '../../kernel/errors.ts';
import { identityOperations } from '../../platform/identity/contract.ts';
import { scheduleOperations } from '../../runtime/schedules/contract.ts';
import { toolOperations } from '../../runtime/tools/contract.ts';
import type { Api } from '../api.ts';
import { createApi } from '../api.ts';
import type { Check } from './check.ts';
import { fail, isAlive, ok, warn } from './check.ts';
import type { Cli } from './command.ts';
import type { Place } from './connection.ts';
import { compareVersions, findKey, isLoopback } from './connection.ts';
import { plural, relativeTime } from './format.ts';

const VersionAnswer = z.object({ name: z.literal('windlass'), version: z.string(), startedAtMs: z.int() });
export type ServerVersion = z.infer<typeof VersionAnswer>;

const ANSWER_MS = 5_000;
const START = 'Start it with `npm start` (or `windlass up`).';
const RESTART = 'Restart the server.';

/** Null when nothing answers there; `foreign` when it is no Windlass. */
export async function askVersion(cli: Pick<Cli, 'fetch' | 'clock'>, url: string): Promise<ServerVersion | 'foreign' | null> {
  const [tooLate, answered] = [new AbortController(), new AbortController()];
  void cli.clock.sleep(ANSWER_MS, answered.signal).then(() => tooLate.abort());
  try {
    const response = await cli.fetch(`${url}/version`, { signal: tooLate.signal });
    const parsed = VersionAnswer.safeParse(await response.json().catch(() => null)); // no JSON: not ours
    return parsed.success ? parsed.data : 'foreign';
  } catch {
    return null; // refused or silent: that is what is asked
  } finally {
    answered.abort();
  }
}

export function checkServer(place: Place, version: ServerVersion | 'foreign' | null, nowMs: number): Check {
  const { url, server } = place;
  if (version === 'foreign') return fail('server', `what answers at ${url} is no Windlass`, 'Check WINDLASS_URL, or choose another port.');
  if (version !== null) return ok('server', `${url}, version ${version.version}, started ${relativeTime(version.startedAtMs, nowMs)}`);
  if (server === null) return warn('server', `not running (nothing answers at ${url})`, START);
  if (isAlive(server.pid, (pid, signal) => process.kill(pid, signal))) {
    return fail(
      'server',
      `process ${server.pid} is there and does not answer at ${url}`,
      `Look at its log; stop it with kill ${server.pid} and start anew.`,
    );
  }
  return warn('server', `was not stopped cleanly (process ${server.pid} is gone)`, START);
}

/** Older than this code, or started before its files were last changed (spec MCP-4). */
export async function checkStale(cli: Pick<Cli, 'version' | 'clock'>, place: Place, version: ServerVersion): Promise<Check> {
  const order = compareVersions(version.version, cli.version);
  if (order < 0) return warn('version', `the server runs ${version.version}, this is ${cli.version}`, RESTART);
  if (order > 0) return warn('version', `the server runs ${version.version}, this is only ${cli.version}`, 'Update this copy.');
  const changedMs = isLoopback(place.url) ? await newestChange(fileURLToPath(new URL('../../', import.meta.url))) : 0;
  if (changedMs > version.startedAtMs) {
    return warn('version', `${version.version}; its files have changed ${relativeTime(changedMs, cli.clock.nowMs())}, after it was started`, RESTART);
  }
  return ok('version', `${version.version}, as this command`);
}

async function newestChange(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const times = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return Math.max(0, ...times);
}

export async function checkKey(cli: Cli, place: Place, running: boolean): Promise<{ check: Check; api: Api | null }> {
  const key = await findKey(cli.env, cli.home, place);
  const only = (check: Check): { check: Check; api: null } => ({ check, api: null });
  if (key.kind === 'unreadable') return only(fail('key', key.why, 'Run this as the user that started the server, or set WINDLASS_KEY.'));
  if (key.kind === 'none') {
    if (!running) return only(warn('key', key.why, 'The first start makes it.'));
    return only(fail('key', key.why, 'Set WINDLASS_KEY to a key of your own.'));
  }
  if (!running) return only(ok('key', `${key.from}, not tried: the server is not running`));
  const api = createApi({ url: place.url, key: key.key, fetch: cli.fetch });
  try {
    const self = await api.call(identityOperations.whoami, {});
    const answers = self.permissions.includes('approvals.answer') ? '' : '; it cannot answer questions of runs';
    return { check: ok('key', `${key.from}: ${self.actor.name} (${self.actor.kind}), ${self.role}, may ${self.scopes.join(', ')}${answers}`), api };
  } catch (error) {
    // Whatever the server has against the key is the finding.
    const { message } = toAppError(error);
    return only(fail('key', `${key.from}: ${message}`, 'Set WINDLASS_KEY to a valid key, or restart the server: it makes local.key anew.'));
  }
}

export async function checkTools(api: Api): Promise<Check[]> {
  try {
    const { shown, faults } = await api.call(toolOperations.list, {});
    if (faults.length === 0) return [ok('tools', `${plural(shown, 'tool')}, every tool server answers`)];
    return faults.map(({ tool, why }) => warn('tools', `${tool}: ${why}`, 'Mend `tools` in windlass.yaml, or the server it names, and restart.'));
  } catch (error) {
    return [warn('tools', `not known: ${toAppError(error).message}`, RESTART)]; // the rest is still worth knowing
  }
}

export async function checkSchedules(api: Api): Promise<Check[]> {
  try {
    const { items } = await api.call(scheduleOperations.list, {});
    const overdue = items.filter((each) => each.overdue);
    if (overdue.length === 0) return items.length === 0 ? [] : [ok('schedules', `${plural(items.length, 'schedule')}, none overdue`)];
    return [
      fail(
        'schedules',
        `overdue: ${overdue.map((each) => `${each.agent} (${each.when})`).join(', ')}`,
        'No server fires them: start one with workers.',
      ),
    ];
  } catch (error) {
    return [warn('schedules', `not known: ${toAppError(error).message}`, RESTART)]; // the rest is still worth knowing
  }
}
