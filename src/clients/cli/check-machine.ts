/** What `doctor` can see of this machine without a server: Node, home, disk, configuration, database, port, models, git. */
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { Config } from '../../config.ts';
import { loadConfig } from '../../config.ts';
import { toAppError } from '../../kernel/errors.ts';
import type { Check } from './check.ts';
import { fail, isAlive, ok, warn } from './check.ts';
import type { Cli } from './command.ts';
import { LOCAL_KEY_FILE } from './connection.ts';
import { bytes } from './format.ts';

const DISK_LOW_BYTES = 1024 ** 3;
const DISK_OUT_BYTES = 100 * 1024 ** 2;
const CONNECT_MS = 2_000;
/** Of others: reading or writing. To pass through is needed when root's database runs as another user. */
const OTHERS_LOOK = 0o066;
const OTHERS = 0o077;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fit = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
  if (!fit) return fail('node', `Node ${version} is too old`, 'Run `npm ci`: it brings Node 24. 22.18 is the least.');
  return ok('node', `Node ${version}`);
}

export function checkConfig(cli: Pick<Cli, 'env' | 'cwd'>): { check: Check; config: Config | null } {
  try {
    const config = loadConfig({ flags: {}, env: cli.env, cwd: cli.cwd });
    return { check: ok('configuration', config.file ?? 'no windlass.yaml here: the defaults hold'), config };
  } catch (error) {
    // A configuration that is not valid is what this command is there to explain.
    const { faults, message } = toAppError(error);
    const found = faults.length === 0 ? message : faults.map((each) => `${each.path}: ${each.message}`).join('\n');
    return { check: fail('configuration', found, 'Mend what is listed.'), config: null };
  }
}

export async function checkHome(home: string): Promise<Check[]> {
  const name = 'home';
  const found = await stat(home).catch(() => null); // not there yet
  const disk = await checkDisk(found === null ? await nearestFolder(home) : home);
  if (found === null) return [warn(name, `${home} is not there yet`, 'The first `windlass up` makes it.'), disk];
  if (!found.isDirectory()) return [fail(name, `${home} is no folder`, 'Remove it, or set WINDLASS_HOME to a folder.'), disk];
  const writable = await access(home, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false, // the answer itself
  );
  if (!writable) return [fail(name, `${home} cannot be written`, `Make it yours, or set WINDLASS_HOME to a folder of your own.`), disk];
  if (process.platform !== 'win32' && (found.mode & OTHERS_LOOK) !== 0) {
    return [warn(name, `${home} can be read by others (mode ${octal(found.mode)})`, `chmod 700 ${home}`), disk];
  }
  return [ok(name, `${home}, writable, mode ${octal(found.mode)}`), ...(await checkKeyFile(home)), disk];
}

async function checkKeyFile(home: string): Promise<Check[]> {
  const path = join(home, LOCAL_KEY_FILE);
  const found = await stat(path).catch(() => null); // made by the first start
  if (found === null || process.platform === 'win32' || (found.mode & OTHERS) === 0) return [];
  return [warn('key file', `${path} can be read by others (mode ${octal(found.mode)})`, 'Restart the server: it makes another key in its place.')];
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}

async function nearestFolder(path: string): Promise<string> {
  const above = dirname(path);
  if (above === path) return path;
  return (await stat(above).catch(() => null)) === null ? nearestFolder(above) : above;
}

async function checkDisk(folder: string): Promise<Check> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const found = `${bytes(free)} free at ${folder}`;
  if (free < DISK_OUT_BYTES) return fail('disk', found, 'Make room: the database stops when the disk is full.');
  return free < DISK_LOW_BYTES ? warn('disk', found, 'Make room before the disk is full.') : ok('disk', found);
}

export async function checkDatabase(home: string, config: Config | null): Promise<Check> {
  if (config?.databaseUrl) return checkDatabaseServer(config.databaseUrl, config.databaseDirectUrl);
  const noted = await readFile(join(home, 'postgres.place'), 'utf8').catch(() => ''); // only where the cluster stands elsewhere
  const folder = noted.trim() || join(home, 'postgres');
  const data = await findData(folder);
  if (data === null) return ok('database', 'embedded PostgreSQL, made at the first start');
  const major = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  const lock = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''); // not running
  const pid = Number(lock.split('\n', 1)[0]);
  const owner = (await stat(data)).uid;
  const what = `embedded PostgreSQL ${major} in ${folder}, of user ${owner}`;
  if (lock === '' || !isAlive(pid, (id, signal) => process.kill(id, signal))) return ok('database', `${what}, not running`);
  return ok('database', `${what}, running as process ${pid}`);
}

/** The data folder of a cluster; null when there is none, or none that we may look into. */
async function findData(folder: string): Promise<string | null> {
  for (const candidate of [join(folder, 'data'), folder]) {
    if ((await stat(join(candidate, 'PG_VERSION')).catch(() => null)) !== null) return candidate; // absent: look at the next
  }
  return null;
}

async function checkDatabaseServer(url: string, directUrl: string | null): Promise<Check> {
  const { hostname, port } = new URL(url);
  const where = `${hostname || 'localhost'}:${port || '5432'}`;
  const reached = await reaches(hostname || 'localhost', Number(port || 5432));
  if (!reached) return fail('database', `PostgreSQL at ${where} (DATABASE_URL) does not answer`, 'Start it, or mend DATABASE_URL.');
  const pooler = directUrl === null ? '; if that is a pooler, workers poll every 500 ms: set DATABASE_DIRECT_URL' : '';
  return ok('database', `PostgreSQL at ${where} (DATABASE_URL) answers${pooler}`);
}

function reaches(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port, timeout: CONNECT_MS });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

/** `running` is the address of the server of this home. */
export async function checkPort(config: Config | null, running: string | null): Promise<Check> {
  if (config === null) return warn('port', 'not looked at: the configuration is not valid', 'Mend the configuration first.');
  const host = ['0.0.0.0', '::', ''].includes(config.host) ? '127.0.0.1' : config.host;
  if (running !== null && Number(new URL(running).port) === config.port) return ok('port', `${config.port} is held by our server`);
  if (!(await reaches(host, config.port))) return ok('port', `${config.port} on ${config.host} is free`);
  const next = `Stop what holds it, or start with another one: WINDLASS_PORT=${config.port + 1} npm start`;
  return running === null
    ? fail('port', `${config.port} on ${host} is held by something that is not the server of this home`, next)
    : warn('port', `${config.port} on ${host} is held by something else; our server is at ${running}`, next);
}

/** Names only: no value of a key is read. */
export function checkModels(env: Cli['env'], config: Config | null): Check {
  const wanted = Object.values(config?.providers ?? {}).flatMap((provider) => (provider.keyEnv === undefined ? [] : [provider.keyEnv]));
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const missing = wanted.filter((name) => !isSet(name));
  const here = [...new Set([...wanted.filter(isSet), ...Object.keys(env).filter((name) => name.endsWith('_API_KEY') && isSet(name))])].toSorted();
  const model = config?.defaultModel ?? null;
  const found = `${here.length === 0 ? 'no key of a provider in this environment' : `keys in this environment: ${here.join(', ')}`}${model === null ? '' : `; default model ${model}`}`;
  if (missing.length > 0) return warn('models', `${found}; configured and not set: ${missing.join(', ')}`, 'Set them where the server is started.');
  if (here.length > 0 || model !== null) return ok('models', found);
  return warn('models', `${found}: agents rehearse`, 'Set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY where the server is started.');
}

/** Nothing where no identity provider is configured; whether it answers is told to who signs in. */
export function checkSignIn(env: Cli['env'], config: Config | null): Check[] {
  const openId = config?.openId ?? null;
  if (openId === null) return [];
  const found = `with ${openId.name}, ${openId.issuer}`;
  const { clientSecret } = openId;
  if (clientSecret === null || (env[clientSecret] ?? '') !== '') return [ok('sign-in', found)];
  return [warn('sign-in', `${found}: the secret ${clientSecret} is not in this environment`, 'Set it where the server is started.')];
}

export async function checkGit(cli: Pick<Cli, 'execute'>): Promise<Check> {
  try {
    return ok('git', (await cli.execute('git', ['--version'])).trim());
  } catch {
    return warn('git', 'git is not found', 'Install it: projects and the git tools need it.'); // whatever the reason, the step is the same
  }
}
