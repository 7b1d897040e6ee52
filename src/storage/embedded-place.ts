/**
 * Decides where an embedded cluster lives and as whom it runs. PostgreSQL refuses to run as root, so root's cluster
 * runs as an unprivileged user and has to be where that user can reach it.
 */
import { lstat, mkdir, chown, chmod, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../kernel/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';

/** Who the database runs as when that is not ourselves. */
export type RunAs = { readonly uid: number; readonly gid: number };
export type Place = { readonly folder: string; readonly runAs: RunAs | null };

/** Tried in this order for root's cluster; `windlass` is for images that make a user of their own. */
const UNPRIVILEGED = ['windlass', 'nobody'];
const ROOTS_PLACE = '/var/lib/windlass';
/** sockaddr_un holds 104 bytes on macOS, 108 on Linux. */
const SOCKET_PATH_MAX = 100;
const SOCKET_NAME = '.s.PGSQL.5432';
const PLACE_RECORD = 'postgres.place';
const ENTER_ONLY = 0o711;
const OTHERS_MAY_ENTER = 0o001;

/**
 * The cluster's folder for a home: `postgres` inside it, or, for root with a home that others cannot enter,
 * one below /var/lib/windlass, recorded in the home.
 * @throws AppError `configuration` when the home cannot be written or the recorded folder is gone.
 */
export async function findPlace(home: string): Promise<Place> {
  try {
    const runAs = process.getuid?.() === 0 ? await findUnprivileged() : null;
    // root's database user has to pass through the home, though it may not list it
    await mkdir(home, { recursive: true, mode: runAs === null ? 0o700 : ENTER_ONLY });
    const folder = runAs === null ? join(home, 'postgres') : await findRootsFolder(home);
    if (runAs !== null) await mkdir(dirname(folder), { recursive: true, mode: ENTER_ONLY });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (runAs === null) return { folder, runAs };
    const owner = await stat(folder);
    // a cluster made earlier keeps its owner, whatever user would be chosen today
    if (owner.uid !== 0) return { folder, runAs: { uid: owner.uid, gid: owner.gid } };
    await chown(folder, runAs.uid, runAs.gid);
    return { folder, runAs };
  } catch (error) {
    throw homeFault(home, error);
  }
}

/** Notes in the home where its cluster is, once there is one; so that a lost folder is noticed, not replaced. */
export async function recordPlace(home: string, place: Place): Promise<void> {
  if (dirname(place.folder) === home) return;
  await writeFile(join(home, PLACE_RECORD), `${place.folder}\n`, { mode: 0o600 });
}

/** A folder for the socket: mode 700, owned by whom the database runs as, its path short enough for a socket. */
export async function findSocketFolder(place: Place): Promise<string> {
  const short = `windlass-${place.runAs?.uid ?? process.getuid?.() ?? 0}-${sha256Hex(place.folder).slice(0, 12)}`;
  const candidates = [join(place.folder, 'socket'), join(tmpdir(), short), join('/tmp', short)];
  const folder = candidates.find((path) => Buffer.byteLength(join(path, SOCKET_NAME)) <= SOCKET_PATH_MAX) ?? join('/tmp', short);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const uid = place.runAs?.uid ?? process.getuid?.() ?? 0;
  const found = await lstat(folder);
  // in a shared temp folder somebody else may have made it first, in order to listen to us
  if (!found.isDirectory() || (found.uid !== uid && found.uid !== process.getuid?.())) {
    throw new AppError('configuration', `The socket folder ${folder} belongs to another user.`, {
      next: `Remove ${folder}, or set WINDLASS_HOME to a shorter path.`,
    });
  }
  if (place.runAs !== null) await chown(folder, place.runAs.uid, place.runAs.gid);
  await chmod(folder, 0o700);
  return folder;
}

/** A fault of the file system, said in words of the home folder. */
export function homeFault(home: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = { next: 'Set WINDLASS_HOME to a folder that you can write, or mend this one.', cause: error };
  switch (code) {
    case 'EROFS':
      return new AppError('configuration', `The home folder ${home} is on a read-only file system.`, detail);
    case 'EACCES':
    case 'EPERM':
      return new AppError('configuration', `The home folder ${home} cannot be written by this user.`, detail);
    case 'ENOTDIR':
    case 'EEXIST':
      return new AppError('configuration', `The home folder ${home} cannot be made: a file is in the way.`, detail);
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('configuration', `The disk of the home folder ${home} is full.`, {
        next: 'Free some space (a new database needs about 100 MB), or set WINDLASS_HOME to another disk.',
        cause: error,
      });
    default:
      return new AppError(
        'configuration',
        `The home folder ${home} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
        detail,
      );
  }
}

async function findRootsFolder(home: string): Promise<string> {
  const recorded = await readFile(join(home, PLACE_RECORD), 'utf8').catch(() => ''); // no record: a home without a cluster elsewhere
  if (recorded.trim() !== '') {
    const folder = recorded.trim();
    const found = await stat(join(folder, 'data')).catch(() => null); // absence is what is asked
    if (found !== null) return folder;
    throw new AppError('configuration', `The database of the home folder ${home} was in ${folder} and is gone.`, {
      next: `Restore ${folder} (in a container, keep it on a volume), or remove ${join(home, PLACE_RECORD)} to begin with an empty database.`,
    });
  }
  const inside = join(home, 'postgres');
  if (await othersCanEnter(home)) return inside;
  return join(ROOTS_PLACE, sha256Hex(await realpath(home)).slice(0, 16));
}

async function othersCanEnter(folder: string): Promise<boolean> {
  for (let path = await realpath(folder); ; path = dirname(path)) {
    if (((await stat(path)).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

async function findUnprivileged(): Promise<RunAs> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of UNPRIVILEGED) {
    const user = users.find((fields) => fields[0] === name);
    const [uid, gid] = [Number(user?.[2]), Number(user?.[3])];
    if (user !== undefined && uid > 0 && gid > 0) return { uid, gid };
  }
  throw new AppError('configuration', 'PostgreSQL does not run as root and there is no user `nobody` to run it as.', {
    next: 'Start Windlass as an ordinary user, or set DATABASE_URL.',
  });
}
