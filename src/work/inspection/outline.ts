/** What a checkout looks like: its README, folders, languages, tests, what CI runs, rules for those who change it. Facts, not prose. */
import { parse } from 'yaml';
import type { Repository } from './repository.ts';
import { isTest } from './repository.ts';

export type Readme = { source: string; title: string | null; summary: string | null };
export type Folder = { name: string; files: number; language: string | null; about: string | null };
/** `checks`: it runs on a push or pull request, and is no release. */
export type Workflow = { source: string; name: string; on: string[]; runs: string[]; checks: boolean };
export type Outline = {
  readme: Readme | null;
  languages: { name: string; files: number }[];
  folders: Folder[];
  tests: { folder: string; files: number }[];
  workflows: Workflow[];
  /** Files that tell people or agents how to work here, with their headings or, for agents, their text. */
  guides: { source: string; headings: string[] }[];
  instructions: { source: string; text: string } | null;
  /** Names only. */
  variables: { source: string; names: string[] }[];
  /** Configuration of formatters and linters. */
  style: string[];
  license: string | null;
};

const LANGUAGES: Readonly<Record<string, string>> = {
  ...{
    ts: 'TypeScript',
    tsx: 'TypeScript',
    mts: 'TypeScript',
    cts: 'TypeScript',
    js: 'JavaScript',
    jsx: 'JavaScript',
    mjs: 'JavaScript',
    cjs: 'JavaScript',
  },
  ...{
    py: 'Python',
    go: 'Go',
    rs: 'Rust',
    rb: 'Ruby',
    java: 'Java',
    kt: 'Kotlin',
    swift: 'Swift',
    c: 'C',
    h: 'C',
    cc: 'C++',
    cpp: 'C++',
    hpp: 'C++',
  },
  ...{
    cs: 'C#',
    php: 'PHP',
    ex: 'Elixir',
    exs: 'Elixir',
    scala: 'Scala',
    sh: 'Shell',
    sql: 'SQL',
    html: 'HTML',
    css: 'CSS',
    scss: 'CSS',
    vue: 'Vue',
    svelte: 'Svelte',
  },
};
const INSTRUCTIONS = ['AGENTS.md', 'CLAUDE.md', 'GEMINI.md', '.github/copilot-instructions.md', '.cursorrules'];
const GUIDES =
  /^(?:\.github\/|docs\/)?(CONTRIBUTING|DEVELOPMENT|ARCHITECTURE|SECURITY|AI_POLICY|STYLE|TESTING|RELEASE-CHECKLIST)(\.md|\.rst|\.txt)?$/i;
const STYLE =
  /^(\.editorconfig|\.prettierrc[^/]*|prettier\.config\.[^/]+|eslint\.config\.[^/]+|\.eslintrc[^/]*|biome\.jsonc?|\.oxlintrc\.json|rustfmt\.toml|\.rustfmt\.toml|clippy\.toml|\.golangci\.ya?ml|ruff\.toml|\.flake8|\.pre-commit-config\.ya?ml|mypy\.ini|tsconfig\.json|deno\.json)$/;
/** A shell's own words, and what a script does around what it checks. */
const SHELL_NOISE =
  /^(?:$|#|[-"'}{$&|()]|if |then|elif |else|fi$|done|for |while |do$|echo |set |export |cd |mkdir |esac|case |\w+=|exit|curl |wget |sudo |apt|ls |cat |cp |mv |rm |tar |strip |chmod |printf |git (?:config|add|commit|push|remote|switch|checkout|fetch|tag)|gh )|\\$/;
/** What is no check of a change. */
const NO_CHECK = /release|publish|deploy|mirror|nightly|stale|label|bump|sponsor/i;
export const OUTLINE_LIMITS = {
  folders: 30,
  workflows: 12,
  runs: 15,
  guides: 10,
  headings: 20,
  instructionLines: 200,
  variables: 60,
  summaryChars: 600,
} as const;

export async function readOutline(repository: Repository): Promise<Outline> {
  const { files, read } = repository;
  return {
    readme: await readReadme(repository),
    languages: countLanguages(files),
    folders: await readFolders(repository),
    tests: countTests(files),
    workflows: await readWorkflows(repository),
    guides: await readGuides(repository),
    instructions: await firstInstructions(repository),
    variables: await readVariables(repository),
    style: files.filter((file) => STYLE.test(file)),
    license: licenseOf(await firstText(read, ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENSE-MIT', 'COPYING'])),
  };
}

async function readReadme({ files, read }: Repository): Promise<Readme | null> {
  const source = files.find((file) => /^readme(\.md|\.rst|\.txt|\.markdown)?$/i.test(file));
  const text = source === undefined ? null : await read(source);
  if (source === undefined || text === null) return null;
  return { source, ...summaryOf(text) };
}

/**
 * The first heading, and the first paragraph of prose that stands before the next heading or under one like "About": no badges, images, tables,
 * lists, markup or code, and no steps of some other section.
 */
export function summaryOf(markdown: string): { title: string | null; summary: string | null } {
  const plain = markdown
    .replaceAll(/```[\s\S]*?(```|$)/g, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/^(\S[^\n]*)\n={3,}[ \t]*$/gm, '# $1')
    .replaceAll(/^(\S[^\n]*)\n-{3,}[ \t]*$/gm, '## $1');
  const title = /^# +(.+?)\s*#*$/m.exec(plain)?.[1] ?? null;
  const [before = '', ...sections] = plain.split(/^#{2,3} +/m);
  const about = sections
    .filter((section) => /^(about|introduction|overview|description|summary|what is)\b/i.test(section))
    .map((section) => section.replace(/^.*\n/, ''));
  const paragraph = [before, ...about]
    .flatMap((section) => section.split(/\n\s*\n/))
    .map((each) => prose(each.replaceAll(/^#.*$/gm, '')))
    .find((each) => each.length >= 20 && /[a-z]{3}/i.test(each) && /\s/.test(each));
  const cleanTitle = title === null ? null : prose(title);
  return { title: cleanTitle === '' ? null : cleanTitle, summary: paragraph === undefined ? null : cut(paragraph, OUTLINE_LIMITS.summaryChars) };
}

function prose(block: string): string {
  const text = block.trim();
  if (/^(#|[-*+] |\d+\. |\||>|=+$|-+$|\.\. |\[[^\]]+\]:|:\w+:|!\[\]|---)/.test(text)) return '';
  return text
    .replaceAll(/\[?!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])(\](\([^)]*\)|\[[^\]]*\]))?/g, '')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll(/\[([^\]]+)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replaceAll(/&[a-z]+;|&#\d+;/g, ' ')
    .replaceAll(/(\*{1,3}|_{1,3}(?=[A-Z]))([^*_\n]+)\1/g, '$2')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const end = text.lastIndexOf('. ', chars);
  return end > chars / 3 ? text.slice(0, end + 1) : `${text.slice(0, chars - 1)}…`;
}

function languageOf(file: string): string | null {
  return LANGUAGES[/\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase() ?? ''] ?? null;
}

function countLanguages(files: readonly string[]): { name: string; files: number }[] {
  const counts = Map.groupBy(
    files.flatMap((file) => languageOf(file) ?? []),
    (name) => name,
  );
  return [...counts]
    .map(([name, all]) => ({ name, files: all.length }))
    .toSorted((a, b) => b.files - a.files || (a.name < b.name ? -1 : 1))
    .slice(0, 8);
}

/** The top folders; one that holds nearly everything (src, internal, crates) is told by its own folders as well. */
async function readFolders({ files, read }: Repository): Promise<Folder[]> {
  const top = groups(files, 1);
  const deep = new Set([...top].flatMap(([name, inside]) => (inside.length > files.length * 0.25 && inside.length > 10 ? [name] : [])));
  const named = [...top].flatMap(([name, inside]) => [
    [name, inside] as const,
    ...(deep.has(name) ? [...groups(inside, 2)].filter(([, below]) => below.length > 1) : []),
  ]);
  const listed = named.filter(([name]) => !/^\.(vscode|idea|devcontainer|husky|changeset)/.test(name)).slice(0, OUTLINE_LIMITS.folders);
  return Promise.all(
    listed.map(async ([name, inside]) => ({
      name,
      files: inside.length,
      language: mainLanguage(inside),
      about: await aboutFolder(name, inside, read),
    })),
  );
}

function groups(files: readonly string[], depth: number): Map<string, string[]> {
  return Map.groupBy(
    files.filter((file) => file.split('/').length > depth),
    (file) => file.split('/').slice(0, depth).join('/'),
  );
}

function mainLanguage(files: readonly string[]): string | null {
  return countLanguages(files)[0]?.name ?? null;
}

/** What the folder says of itself: a README's first words, a Go package comment, a Rust crate's first line, a manifest's description. */
async function aboutFolder(name: string, inside: readonly string[], read: Repository['read']): Promise<string | null> {
  const readme = inside.find((file) => new RegExp(`^${escapeRegExp(name)}/readme\\.md$`, 'i').test(file));
  const { summary, title } = readme === undefined ? { summary: null, title: null } : summaryOf((await read(readme)) ?? '');
  if (summary !== null || title !== null) return cut(summary ?? title ?? '', 160);
  const doc = inside.includes(`${name}/doc.go`) ? await read(`${name}/doc.go`) : null;
  const goDoc = doc === null ? undefined : /(?:\/\*\s*|\/\/ )(Package \w+[^\n]*)/.exec(doc)?.[1];
  const cargo = inside.includes(`${name}/Cargo.toml`) ? await read(`${name}/Cargo.toml`) : null;
  const crate = cargo === null ? undefined : /^description\s*=\s*(?:"""\s*)?"?([^"\n]+)/m.exec(cargo)?.[1];
  const initPy = inside.includes(`${name}/__init__.py`) ? await read(`${name}/__init__.py`) : null;
  const python = initPy === null ? undefined : /^(?:"""|''')\s*([^\n"']+)/.exec(initPy)?.[1];
  const found = goDoc ?? crate ?? python;
  return found === undefined ? null : cut(found.trim(), 160);
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function countTests(files: readonly string[]): { folder: string; files: number }[] {
  const tests = files.filter(isTest);
  const folders = Map.groupBy(
    tests,
    (file) =>
      file
        .split('/')
        .slice(0, Math.min(2, file.split('/').length - 1))
        .join('/') || '.',
  );
  return [...folders]
    .map(([folder, all]) => ({ folder, files: all.length }))
    .toSorted((a, b) => b.files - a.files)
    .slice(0, 8);
}

async function readWorkflows({ files, read }: Repository): Promise<Workflow[]> {
  const sources = files.filter((file) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(file)).slice(0, OUTLINE_LIMITS.workflows);
  const found = await Promise.all(sources.map(async (source) => workflowOf(source, (await read(source)) ?? '')));
  return found.flatMap((each) => each ?? []);
}

function workflowOf(source: string, text: string): Workflow | null {
  try {
    const file = recordOf(parse(text));
    const on = file['on'] ?? file['true'];
    const triggers = typeof on === 'string' ? [on] : Array.isArray(on) ? on.map(String) : Object.keys(recordOf(on));
    const steps = Object.values(recordOf(file['jobs'])).flatMap((job) => {
      const list: unknown = recordOf(job)['steps'];
      return Array.isArray(list) ? list.map(recordOf) : [];
    });
    const runs = steps
      .flatMap(({ run }) => (typeof run === 'string' ? run.split('\n') : []))
      .map((line) => line.trim())
      // a shell's own words say little of what is checked
      .filter((line) => !SHELL_NOISE.test(line));
    const name = typeof file['name'] === 'string' ? file['name'] : (source.split('/').at(-1) ?? source);
    const checks = triggers.some((each) => ['push', 'pull_request', 'merge_group'].includes(each)) && !NO_CHECK.test(`${name} ${source}`);
    return { source, name, on: triggers, runs: [...new Set(runs)].slice(0, OUTLINE_LIMITS.runs), checks };
  } catch {
    return null; // a workflow that is no YAML runs nothing
  }
}

async function readGuides({ files, read }: Repository): Promise<Outline['guides']> {
  const sources = files.filter((file) => GUIDES.test(file)).slice(0, OUTLINE_LIMITS.guides);
  return Promise.all(
    sources.map(async (source) => {
      const text = ((await read(source)) ?? '').replaceAll(/```[\s\S]*?(```|$)/g, '');
      const headings = [...text.matchAll(/^#{1,3}\s+(.+?)\s*#*$/gm)].map((match) => prose(match[1] ?? '') || (match[1] ?? ''));
      return { source, headings: headings.slice(0, OUTLINE_LIMITS.headings) };
    }),
  );
}

async function firstInstructions({ files, read }: Repository): Promise<Outline['instructions']> {
  const source = INSTRUCTIONS.find((file) => files.includes(file));
  const text = source === undefined ? null : await read(source);
  return source === undefined || text === null || text.trim() === '' ? null : { source, text };
}

async function readVariables({ files, read }: Repository): Promise<Outline['variables']> {
  const sources = files.filter((file) => /^(?:[^/]+\/)?\.env(\.[\w-]*)?(\.?(example|sample|template|dist))?$/.test(file) && !file.endsWith('.local'));
  const found = await Promise.all(
    sources.map(async (source) => {
      const names = [...((await read(source)) ?? '').matchAll(/^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=/gm)].map((match) => match[1] ?? '');
      return { source, names: [...new Set(names)].slice(0, OUTLINE_LIMITS.variables) };
    }),
  );
  return found.filter(({ names }) => names.length > 0);
}

async function firstText(read: Repository['read'], names: readonly string[]): Promise<string | null> {
  for (const name of names) {
    const text = await read(name);
    if (text !== null) return text;
  }
  return null;
}

function licenseOf(text: string | null): string | null {
  if (text === null) return null;
  const known: readonly [RegExp, string][] = [
    [/Apache License\s+Version 2\.0/i, 'Apache-2.0'],
    [/GNU AFFERO GENERAL PUBLIC LICENSE/i, 'AGPL'],
    [/GNU LESSER GENERAL PUBLIC LICENSE/i, 'LGPL'],
    [/GNU GENERAL PUBLIC LICENSE/i, 'GPL'],
    [/Mozilla Public License/i, 'MPL'],
    [/Permission is hereby granted, free of charge/i, 'MIT'],
    [/Redistribution and use in source and binary forms/i, 'BSD'],
    [/Permission to use, copy, modify, and\/or distribute/i, 'ISC'],
  ];
  return known.find(([words]) => words.test(text))?.[1] ?? null;
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
