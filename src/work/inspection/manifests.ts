/** What manifests say: names, descriptions, commands with what they run, and what they need. Each fact names its file. */
import { readToml, listAt, textAt } from './toml.ts';
import type { Repository } from './repository.ts';

export type CommandFact = { command: string; does: string; source: string };
export type Manifest = {
  source: string;
  kind: 'node' | 'python' | 'go' | 'rust';
  name: string | null;
  description: string | null;
  needs: string | null;
  license: string | null;
  /** Workspace members, binaries, and other parts it names. */
  parts: string[];
  commands: CommandFact[];
};

const MANIFEST = /^(?:[^/]+\/){0,2}(package\.json|pyproject\.toml|go\.mod|Cargo\.toml)$/;
/** Nearest the top first; monorepos have dozens. */
const MANIFESTS_MAX = 12;
const TARGETS_MAX = 40;

export async function readManifests(repository: Repository): Promise<Manifest[]> {
  const files = repository.files.filter(
    (file) => MANIFEST.test(file) && !/(^|\/)(node_modules|vendor|fixtures?|testdata|examples?|tests?|benchmarks?|bench|fuzz)\//.test(file),
  );
  const nearest = files.toSorted((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1)).slice(0, MANIFESTS_MAX);
  const read = await Promise.all(nearest.map(async (file) => ({ file, text: await repository.read(file) })));
  return read.flatMap(({ file, text }) => (text === null ? [] : (readManifest(file, text, repository.files) ?? [])));
}

function readManifest(file: string, text: string, files: readonly string[]): Manifest | null {
  if (file.endsWith('package.json')) return nodeManifest(file, text, files);
  if (file.endsWith('pyproject.toml')) return pythonManifest(file, text, files);
  if (file.endsWith('go.mod')) return goManifest(file, text);
  return rustManifest(file, text);
}

function inFolder(file: string): string {
  const folder = file.split('/').slice(0, -1).join('/');
  return folder === '' ? '' : `cd ${folder} && `;
}

function nodeManifest(file: string, text: string, files: readonly string[]): Manifest | null {
  const json = objectOf(text);
  if (json === null) return null;
  const runner = runnerOf(json, files);
  const scripts = Object.entries(recordOf(json['scripts'])).flatMap(([name, run]) => (typeof run === 'string' ? [[name, run] as const] : []));
  const engines = recordOf(json['engines'])['node'];
  const workspaces: unknown = json['workspaces'];
  const packages: unknown = Array.isArray(workspaces) ? workspaces : recordOf(workspaces)['packages'];
  const install = runner === 'npm' ? (files.includes('package-lock.json') ? 'npm ci' : 'npm install') : `${runner} install`;
  const commands = [
    ...(file === 'package.json' ? [{ command: install, does: 'installs what it depends on', source: file }] : []),
    // what hooks run by themselves is nothing to type
    ...scripts
      .filter(([name]) => !/^(pre|post)(?!view)/.test(name) && name !== 'prepare')
      .map(([name, run]) => ({ command: `${inFolder(file)}${runner} run ${name}`, does: run, source: file })),
  ];
  const bin: unknown = json['bin'];
  const parts = [
    ...(Array.isArray(packages) ? packages.map(String) : []),
    ...(typeof bin === 'object' && bin !== null ? Object.keys(bin).map((each) => `command ${each}`) : []),
  ];
  return {
    ...{ source: file, kind: 'node', name: stringOf(json['name']), description: stringOf(json['description']), license: stringOf(json['license']) },
    ...{ needs: typeof engines === 'string' ? `Node ${engines}` : null, parts, commands },
  };
}

function runnerOf(json: Record<string, unknown>, files: readonly string[]): string {
  const named = stringOf(json['packageManager'])?.split('@')[0];
  if (named !== undefined) return named;
  const locks = { 'pnpm-lock.yaml': 'pnpm', 'yarn.lock': 'yarn', 'bun.lock': 'bun', 'bun.lockb': 'bun' };
  return Object.entries(locks).find(([lock]) => files.includes(lock))?.[1] ?? 'npm';
}

function pythonManifest(file: string, text: string, files: readonly string[]): Manifest {
  const toml = readToml(text);
  const folder = inFolder(file);
  const uv = files.includes('uv.lock') || toml.has('tool.uv');
  const poetry = toml.has('tool.poetry');
  const start = uv ? 'uv run ' : poetry ? 'poetry run ' : '';
  const has = (name: string): boolean => [...toml.keys()].some((table) => table === `tool.${name}` || table.startsWith(`tool.${name}.`));
  const table = toml.has('project') ? 'project' : 'tool.poetry';
  const commands: CommandFact[] = [
    ...(uv ? [{ command: `${folder}uv sync`, does: 'installs what it depends on', source: file }] : []),
    ...(poetry && !uv ? [{ command: `${folder}poetry install`, does: 'installs what it depends on', source: file }] : []),
    ...(has('pytest') ? [{ command: `${folder}${start}pytest`, does: 'runs the tests', source: file }] : []),
    ...(has('tox') || files.includes('tox.ini') ? [{ command: `${folder}${start}tox`, does: 'runs the environments of tox', source: file }] : []),
    ...(has('ruff') ? [{ command: `${folder}${start}ruff check`, does: 'lints', source: file }] : []),
    ...(has('mypy') ? [{ command: `${folder}${start}mypy`, does: 'checks types, as [tool.mypy] says', source: file }] : []),
  ];
  const scripts = [...(toml.get('project.scripts') ?? toml.get('tool.poetry.scripts') ?? [])].map(([name]) => `command ${name}`);
  const python = textAt(toml, table, 'requires-python') ?? textAt(toml, 'tool.poetry.dependencies', 'python');
  return {
    ...{ source: file, kind: 'python', name: textAt(toml, table, 'name'), description: textAt(toml, table, 'description') },
    ...{ license: textAt(toml, table, 'license'), needs: python === null ? null : `Python ${python}`, commands },
    parts: [...listAt(toml, 'tool.uv.workspace', 'members'), ...scripts],
  };
}

function goManifest(file: string, text: string): Manifest {
  const module = /^module\s+(\S+)/m.exec(text)?.[1] ?? null;
  const version = /^go\s+(\S+)/m.exec(text)?.[1];
  const folder = inFolder(file);
  const commands = [
    { command: `${folder}go build ./...`, does: 'builds every package', source: file },
    { command: `${folder}go test ./...`, does: 'runs the tests', source: file },
    { command: `${folder}go vet ./...`, does: 'reports suspicious code', source: file },
  ];
  return {
    source: file,
    kind: 'go',
    name: module,
    description: null,
    license: null,
    needs: version === undefined ? null : `Go ${version}`,
    parts: [],
    commands,
  };
}

function rustManifest(file: string, text: string): Manifest | null {
  const toml = readToml(text);
  const name = textAt(toml, 'package', 'name');
  const members = listAt(toml, 'workspace', 'members');
  if (name === null && members.length === 0) return null;
  const version = textAt(toml, 'package', 'rust-version') ?? textAt(toml, 'workspace.package', 'rust-version');
  const all = members.length > 0 ? ' --workspace' : '';
  const commands =
    file === 'Cargo.toml'
      ? [
          { command: `cargo build${all}`, does: 'builds', source: file },
          { command: `cargo test${all}`, does: 'runs the tests', source: file },
        ]
      : [];
  const bins = [...toml].flatMap(([table, keys]) => (table.startsWith('bin[') ? [`command ${String(keys.get('name') ?? '')}`] : []));
  return {
    ...{ source: file, kind: 'rust', name, description: textAt(toml, 'package', 'description'), license: textAt(toml, 'package', 'license') },
    ...{ needs: version === null ? null : `Rust ${version}`, parts: [...members.filter((member) => member !== '.'), ...bins], commands },
  };
}

/** Targets of a Makefile and recipes of a justfile, with the comment that stands at them or the first line they run. */
export async function readTargets(repository: Repository): Promise<CommandFact[]> {
  const found: CommandFact[] = [];
  for (const [file, program] of [
    ['Makefile', 'make'],
    ['makefile', 'make'],
    ['justfile', 'just'],
  ] as const) {
    const text = await repository.read(file);
    if (text === null) continue;
    // a line that goes on is one line
    const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
    for (const [index, line] of lines.entries()) {
      const target = /^([a-zA-Z][\w.-]*)[^:=?!+]*:(?![=:])(.*)$/.exec(line);
      if (target === null || line.startsWith('\t')) continue;
      const name = target[1] ?? '';
      const comment = /##\s*(.+)$/.exec(target[2] ?? '')?.[1] ?? /^#+\s*(.+)$/.exec(lines[index - 1] ?? '')?.[1];
      const first = /^[\t ]+@?\s*(\S.*)$/.exec(lines[index + 1] ?? '')?.[1];
      const does = comment ?? first ?? (target[2] ?? '').trim();
      if (does !== '' && !found.some((each) => each.command === `${program} ${name}`))
        found.push({ command: `${program} ${name}`, does, source: file });
    }
  }
  return found.slice(0, TARGETS_MAX);
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return null; // a manifest that is broken says nothing
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function stringOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
