/**
 * package.json, the lock file and the list of dependencies agree, and `npm ci` can install from them on every platform.
 */
export type PackageJson = {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
type Locked = {
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
export type LockFile = { readonly packages: Readonly<Record<string, Locked>> };

export const MAX_RUNTIME_PACKAGES = 25;
const DOCUMENTED = /^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm;

/** What is wrong, in words; empty when all agree. */
export function packageFaults(files: { manifest: PackageJson; lock: LockFile; document: string }): string[] {
  const { manifest, lock } = files;
  const named = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  const documented = new Set([...files.document.matchAll(DOCUMENTED)].map((match) => match[1] ?? ''));
  const count = Object.keys(manifest.dependencies).length;
  return [
    ...Object.keys(named).flatMap((name) =>
      documented.has(name) ? [] : [`${name} has no row with its licence and reason in the list of dependencies`],
    ),
    ...[...documented].flatMap((name) => (name in named ? [] : [`${name} is listed and not in package.json`])),
    ...Object.entries(named).flatMap(([name, version]) => (/^\d/.test(version) ? [] : [`${name} is not at an exact version`])),
    ...(count > MAX_RUNTIME_PACKAGES ? [`${count} runtime packages, ${MAX_RUNTIME_PACKAGES} at most`] : []),
    ...lockFaults(lock),
    ...Object.entries(lock.packages).flatMap(([path, entry]) =>
      entry.hasInstallScript === true && manifest.allowScripts[nameOf(path)] !== false
        ? [`${nameOf(path)} has an install script and is not denied in allowScripts`]
        : [],
    ),
  ];
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** npm drops other platforms from the lock file when node_modules exists, and then refuses its own file. */
function lockFaults(lock: LockFile): string[] {
  const present = new Set(Object.keys(lock.packages).map(nameOf));
  return Object.entries(lock.packages).flatMap(([path, entry]) => [
    ...Object.keys(entry.optionalDependencies ?? {}).flatMap((name) =>
      present.has(name) ? [] : [`${name}, which ${nameOf(path)} names for another platform, is not in the lock file`],
    ),
    ...(entry.resolved !== undefined && entry.link !== true ? [`${nameOf(path)} names the host it came from in the lock file`] : []),
  ]);
}
