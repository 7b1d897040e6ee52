/**
 * `windlass launch`, step by step: each step says what it did, and one that fails stops with what to type (spec LCH-1). Nothing is started
 * before all of them are through. What a CLI's files look like is in its own file; this is the order.
 */
import process from 'node:process';
import { AppError, toAppError } from '../../kernel/errors.ts';
import type { Cli } from '../cli/command.ts';
import type { Connection } from '../cli/connection.ts';
import { LOCAL_KEY_FILE, findServer, isLoopback } from '../cli/connection.ts';
import { relativeTime } from '../cli/format.ts';
import type { Line } from '../cli/terminal.ts';
import type { ProjectView } from '../../work/projects/contract.ts';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { briefingKeptAt, copyDocuments } from './briefing-copy.ts';
import type { Installed } from './clis.ts';
import { CLIS, findInstalled } from './clis.ts';
import type { CliName, CodingCli, Setup } from './coding-cli.ts';
import { CLI_NAMES } from './coding-cli.ts';
import type { Checkout } from './find-checkout.ts';
import { linkGateway } from './gateway-link.ts';
import { readLaunchFile, SOURCE_FOLDER } from './launch-file.ts';
import type { FileChange } from './owned.ts';
import { installOwned } from './owned.ts';
import { findClone, knownProjects, pickProject } from './place.ts';
import { proveCredentials } from './proof.ts';
import { remoteHints } from './remote-login.ts';
import { PROJECT_LAYOUT, RENDER_GROUP, renderAll } from './render.ts';
import type { DeployEnvironment, FetchedSecrets } from './secrets.ts';
import { fetchSecrets } from './secrets.ts';
import { ensureShim, withFirst } from './shim.ts';
import { readSource } from './source-folder.ts';
import type { Vault } from './vault.ts';
import { createVault } from './vault.ts';

export type LaunchWish = {
  project: string | undefined;
  cli: CliName | undefined;
  environment: DeployEnvironment;
  trust: boolean;
  dryRun: boolean;
  /** For the CLI itself. */
  args: readonly string[];
};

export type Prepared = {
  project: ProjectView;
  checkout: Checkout;
  cli: CodingCli;
  installed: Installed;
  environment: DeployEnvironment;
  /** Names only. */
  variables: readonly { name: string; from: string }[];
  gateway: string | null;
  changes: readonly FileChange[];
  warnings: readonly string[];
  command: readonly string[];
  start: { args: readonly string[]; env: Readonly<Record<string, string | undefined>> };
};

type Say = (mark: 'ok' | 'warn', name: string, words: string) => void;

/** @throws AppError of the step that failed, named, with what to type. */
export async function prepare(cli: Cli, wish: LaunchWish): Promise<Prepared> {
  const warnings: string[] = [];
  const say: Say = (mark, name, words) => {
    if (mark === 'warn') warnings.push(`${name}: ${words}`);
    if (!cli.terminal.json) cli.terminal.err(stepLine(mark, name, words));
  };
  const known = await step('server', () => knownProjects(cli));
  if (known.connection !== null) say('ok', 'server', known.connection.url);
  else
    say(
      'warn',
      'server',
      `${known.why ?? 'It does not answer.'} Going on with what was known ${relativeTime(known.keptAtMs ?? 0, cli.clock.nowMs())}.`,
    );
  const project = await step('project', () => pickProject(cli, known.projects, wish.project));
  const checkout = await step('checkout', () => findClone(cli, project));
  say(
    'ok',
    'project',
    `${project.code} (${project.name}) in ${checkout.top}, ${checkout.branch === null ? 'no branch (detached HEAD)' : `branch ${checkout.branch}`}`,
  );
  say('ok', 'environment', wish.environment === 'staging' ? 'staging, as you said' : 'production, as for every agent; --staging is the other');
  const coding = await step('cli', () => chooseCli(cli, wish.cli));
  say('ok', coding.cli.name, `${coding.cli.title} ${coding.installed.version}`);
  for (const hint of await remoteHints(cli, coding.cli)) say('warn', 'ssh', hint);

  const { home, clock, machine, randomBytes } = cli;
  const vault = createVault({ home, clock, randomBytes, pid: machine.pid, kill: machine.kill });
  const secrets = await step('secrets', () => secretsOf(cli, { vault, project, checkout, wish }));
  say('ok', 'secrets', secretWords(secrets));
  for (const warning of secrets.warnings) say('warn', 'secrets', warning);

  const link = known.connection === null ? null : await linkGateway(cli, known.connection, { project: project.code, vault });
  if (link !== null)
    say(
      link.gateway === null && link.next !== null ? 'warn' : 'ok',
      'gateway',
      link.next === null ? link.words : `${link.words}. To use it: ${link.next}`,
    );

  const passed = [...secrets.injected.map(({ name }) => name), ...secrets.inherited];
  const setup: Setup = { checkout: checkout.top, passed, gateway: link?.gateway ?? null, trust: wish.trust };
  const changes = await step('files', () => install(cli, { setup, coding: coding.cli, dryRun: wish.dryRun }));
  say('ok', 'files', fileWords(changes, wish.dryRun));
  for (const { path, state, why } of changes) if (state === 'kept') say('warn', 'files', `${path}: ${why ?? ''}; kept as it is`);

  const start = await startOf(cli, { setup, coding: coding.cli, secrets, project, wish, connection: known.connection });
  for (const warning of start.warnings) say('warn', 'variables', warning);
  if (!wish.dryRun) {
    await prove(cli, { coding, setup, start, say });
    await copies(cli, { connection: known.connection, project, say });
  }
  for (const hint of coding.cli.hints(setup)) say('warn', coding.cli.name, hint);
  return {
    ...{ project, checkout, cli: coding.cli, installed: coding.installed, environment: wish.environment, changes, warnings },
    variables: [...secrets.injected, ...secrets.inherited.map((name) => ({ name, from: 'your shell' }))].map(({ name, from }) => ({ name, from })),
    gateway: setup.gateway?.url ?? null,
    command: [coding.installed.program, ...start.args],
    start,
  };
}

function stepLine(mark: 'ok' | 'warn', name: string, words: string): Line {
  return [[mark === 'ok' ? 'green' : 'yellow', mark.padEnd(4)], `  ${name.padEnd(11)}  ${words}`];
}

/** Names the step in what went wrong. */
async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message, next, faults } = toAppError(error);
    throw new AppError(code, `${name}: ${message}`, { ...(next === undefined ? {} : { next }), faults, cause: error });
  }
}

/** The one that was named, else the first that is installed. @throws AppError `not_found` with how to install it. */
async function chooseCli(cli: Cli, wanted: CliName | undefined): Promise<{ cli: CodingCli; installed: Installed }> {
  for (const name of wanted === undefined ? CLI_NAMES : [wanted]) {
    const installed = await findInstalled(cli, CLIS[name]);
    if (installed !== null) return { cli: CLIS[name], installed };
  }
  if (wanted !== undefined) throw new AppError('not_found', `${CLIS[wanted].title} is not on PATH.`, { next: CLIS[wanted].install });
  throw new AppError('not_found', 'No coding CLI is on PATH.', { next: CLI_NAMES.map((name) => CLIS[name].install).join('   or   ') });
}

type SecretsOf = { vault: Vault; project: ProjectView; checkout: Checkout; wish: LaunchWish };

async function secretsOf(cli: Cli, { vault, project, checkout, wish }: SecretsOf): Promise<FetchedSecrets> {
  const needs = (await readLaunchFile(checkout.top)).secrets;
  const secrets = await fetchSecrets({ vault, env: cli.env }, { project: project.code, environment: wish.environment, needs });
  const [first] = secrets.missing;
  if (first !== undefined) {
    const path = wish.environment === 'staging' ? `${project.code}/staging` : project.code;
    throw new AppError('not_found', `${secrets.missing.join(', ')} ${secrets.missing.length === 1 ? 'is' : 'are'} required and not there.`, {
      next: `windlass secret set ${path} ${first}`,
    });
  }
  return secrets;
}

function secretWords({ injected, inherited }: FetchedSecrets): string {
  const from = new Map<string, string[]>();
  for (const { name, from: path } of injected) from.set(path, [...(from.get(path) ?? []), name]);
  const parts = [...from].map(([path, names]) => `${names.join(', ')} from ${path}`);
  if (inherited.length > 0) parts.push(`${inherited.join(', ')} from your shell`);
  return parts.length === 0 ? 'none stored, none required' : parts.join('; ');
}

type Installing = { setup: Setup; coding: CodingCli; dryRun: boolean };

async function install(cli: Cli, { setup, coding, dryRun }: Installing): Promise<FileChange[]> {
  const { home, clock, machine } = cli;
  const deps = { home, clock, pid: machine.pid, kill: machine.kill };
  const source = await readSource(join(setup.checkout, SOURCE_FOLDER));
  const sets = [
    { root: setup.checkout, group: coding.name, files: coding.files(setup) },
    { root: setup.checkout, group: RENDER_GROUP, files: renderAll(source, PROJECT_LAYOUT) },
  ];
  // all are looked at before the first is written
  for (const set of sets) await installOwned(deps, set, { dryRun: true });
  const done: FileChange[] = [];
  for (const set of sets) done.push(...(await installOwned(deps, set, { dryRun })));
  return done;
}

function fileWords(changes: readonly FileChange[], dryRun: boolean): string {
  const written = changes.filter(({ state }) => state === 'created' || state === 'changed' || state === 'removed');
  if (written.length === 0) return `${changes.length} as they should be`;
  return `${dryRun ? 'would be written' : 'written'}: ${written.map(({ path }) => path).join(', ')}`;
}

type Starting = { setup: Setup; coding: CodingCli; secrets: FetchedSecrets; project: ProjectView; wish: LaunchWish; connection: Connection | null };
type Start = { args: readonly string[]; env: Readonly<Record<string, string | undefined>>; warnings: readonly string[] };

async function startOf(cli: Cli, { setup, coding, secrets, project, wish, connection }: Starting): Promise<Start> {
  const { set, without } = coding.environment(setup);
  const own = {
    ...{ WINDLASS_HOME: cli.home, WINDLASS_PROJECT: project.code, WINDLASS_AGENT: coding.name, WINDLASS_ENVIRONMENT: wish.environment },
    ...(coding.isUnattended(wish.args) ? { WINDLASS_UNATTENDED: '1' } : {}),
  };
  const key = await passOnKey(cli, connection);
  const left = [...without, ...(key ? [] : ['WINDLASS_KEY'])];
  const inherited = Object.fromEntries(Object.entries(cli.env).filter(([name]) => !left.includes(name)));
  const folder = wish.dryRun ? join(cli.home, 'bin') : await ensureShim(cli.home, process.execPath);
  const stored = Object.fromEntries(Object.entries(secrets.values).filter(([name]) => !without.includes(name)));
  const env = { ...inherited, ...stored, ...set, ...own, PATH: withFirst(cli.env, folder) };
  const shadows = left.filter((name) => (cli.env[name] ?? '') !== '');
  const warnings = [
    ...shadows.map((name) =>
      name === 'WINDLASS_KEY'
        ? 'WINDLASS_KEY of your shell is not passed on: the agent works with the key of this machine'
        : `${name} of your shell would win over the gateway and is left out`,
    ),
    ...Object.keys(secrets.values)
      .filter((name) => without.includes(name) || (set[name] !== undefined && set[name] !== secrets.values[name]))
      .map(
        (name) => `${name} of the vault would win over the gateway's key and is left out; store it under another name where your own tools need it`,
      ),
    ...Object.keys(set)
      .filter((name) => (cli.env[name] ?? '') !== '' && cli.env[name] !== set[name])
      .map((name) => `${name} of your shell has another value and is not used`),
  ];
  return { args: [...coding.args(setup), ...wish.args], env, warnings };
}

/** On this machine an agent works with the machine's own key, which can neither make keys nor answer questions; elsewhere with yours. */
async function passOnKey(cli: Cli, connection: Connection | null): Promise<boolean> {
  const { url, server } = connection ?? (await findServer(cli.env, cli.home));
  if (server === null && !isLoopback(url)) return true;
  return access(join(cli.home, LOCAL_KEY_FILE)).then(
    () => false,
    () => true, // a server of this machine with another home: there is no other key
  );
}

type Proving = { coding: { cli: CodingCli; installed: Installed }; setup: Setup; start: Start; say: Say };

async function prove(cli: Cli, { coding, setup, start, say }: Proving): Promise<void> {
  const proof = await proveCredentials(cli, { coding: coding.cli, installed: coding.installed, setup, env: start.env });
  say(proof.ok ? 'ok' : 'warn', 'tools', proof.words);
}

type Copying = { connection: Connection | null; project: ProjectView; say: Say };

async function copies(cli: Cli, { connection, project, say }: Copying): Promise<void> {
  if (connection === null) {
    const keptAtMs = await briefingKeptAt(cli, project.code);
    say(
      'warn',
      'briefing',
      keptAtMs === null
        ? 'none is kept: the CLI starts without'
        : `a copy from ${relativeTime(keptAtMs, cli.clock.nowMs())} will be shown, marked as that`,
    );
    return;
  }
  try {
    const { kept, more } = await copyDocuments(cli, connection, project.code);
    if (kept > 0) say('ok', 'documents', `${kept} kept for when the server is out of reach${more ? ', the newest and smaller ones' : ''}`);
  } catch (error) {
    say('warn', 'documents', `no copies were made: ${toAppError(error).message}`); // the launch needs none while the server answers
  }
}
