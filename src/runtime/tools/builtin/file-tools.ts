/**
 * Reading files of the checkout: `file_read`, `file_list`, `file_search` (spec TOL-13). Works on a folder that is no repository, too.
 * Patterns are searched by `git grep` in a child with a deadline, so that no expression of a model can hold up this process.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { matchesGlob } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { AppError } from '../../../kernel/errors.ts';
import { TOOL_LIMITS } from '../limits.ts';
import { withinTime } from '../time-bound.ts';
import type { Tool, ToolOutcome } from '../tool.ts';
import { confine, openFile, type Place, type Roots } from './checkout.ts';
import { defineTool, done, failed } from './define.ts';
import { hasRepository, type Git, type GitOptions } from './git-process.ts';

const LINES_MAX = 2_000;
const LINE_CHARS = 4_000;
/** Bytes of a file that are read through to find and count lines. */
const SCAN_BYTES = 64_000_000;
const SNIFF_BYTES = 8_000;
const ENTRIES_MAX = 2_000;
const WALK_MAX = 20_000;
const WALK_DEPTH = 24;
const MATCHES_MAX = 500;
const SEARCH_BYTES = 1_000_000;
const GLOB_CHARS = 200;

const Path = z.string().min(1).max(4_096).describe('Relative to the top of the checkout');
const Glob = z
  .string()
  .max(GLOB_CHARS)
  .regex(/^(?:[^{]*\{?){0,3}[^{]*$/, 'at most three { in a pattern')
  .optional()
  .describe('Only paths that match, as in src/**/*.ts');

const Ignored = z.boolean().default(false).describe('Also what the repository ignores, such as logs and build output');

type Deps = { git: Git; roots: Roots };

export function createFileTools(deps: Deps): Tool[] {
  return [readTool(deps), listTool(deps), searchTool(deps)];
}

function readTool({ roots }: Deps): Tool {
  return defineTool({
    name: 'file_read',
    description: `Text of a file, at most ${LINES_MAX} lines at once, from \`startLine\` on or the last \`tail\` lines. A binary file is only described.`,
    input: z.strictObject({
      path: Path,
      startLine: z.int().min(1).default(1),
      lines: z.int().min(1).max(LINES_MAX).default(500),
      tail: z.int().min(1).max(LINES_MAX).optional().describe('Only the last lines, instead of startLine and lines'),
    }),
    taints: ['private'],
    async run(args, context) {
      const place = await confine(await roots.readFrom(context), args.path, context);
      const window = args.tail === undefined ? { first: args.startLine, count: args.lines } : { first: null, count: args.tail };
      return readLines(place, window, context.signal);
    },
  });
}

type Window = { first: number | null; count: number };

async function readLines(place: Place, window: Window, signal: AbortSignal): Promise<ToolOutcome> {
  await using file = await openFile(place);
  const bytes = (await file.stat()).size;
  const head = Buffer.alloc(Math.min(bytes, SNIFF_BYTES));
  await file.read(head, 0, head.length, 0);
  if (head.includes(0)) return done(`"${place.shown}" is a binary file of ${bytes} bytes.`, { path: place.shown, bytes, binary: true });

  const start = window.first === null ? Math.max(0, bytes - SCAN_BYTES) : 0;
  const stream = createReadStream('', { fd: file.fd, autoClose: false, start, end: start + SCAN_BYTES - 1, signal });
  const kept: string[] = [];
  let seen = 0;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    seen += 1;
    if (window.first !== null && (seen < window.first || kept.length === window.count)) continue;
    kept.push(line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)} [line cut: ${line.length} characters]` : line);
    if (kept.length > window.count) kept.shift();
  }
  const whole = bytes <= SCAN_BYTES;
  const startLine = window.first ?? seen - kept.length + 1;
  const endLine = startLine + kept.length - 1;
  const total = whole ? `${seen}` : `more than ${seen}`;
  if (kept.length === 0 && seen > 0) return failed(`"${place.shown}" has ${total} lines; line ${startLine} is beyond its end.`);
  const note = startLine > 1 || endLine < seen || !whole ? `[lines ${startLine} to ${endLine} of ${total}]\n` : '';
  return done(note + kept.join('\n'), {
    path: place.shown,
    bytes,
    binary: false,
    startLine,
    endLine,
    lines: seen,
    linesExact: whole,
    text: kept.join('\n'),
  });
}

function listTool(deps: Deps): Tool {
  return defineTool({
    name: 'file_list',
    description: 'Files below a folder, in order; what the repository ignores is left out unless asked for.',
    input: z.strictObject({ path: Path.default('.'), glob: Glob, ignored: Ignored, limit: z.int().min(1).max(ENTRIES_MAX).default(500) }),
    taints: ['private'],
    async run(args, context) {
      const root = await deps.roots.readFrom(context);
      const place = await confine(root, args.path, context);
      if (!place.exists) return failed(`There is no folder "${place.shown}". List the top with path "." to see what is there.`);
      const options = { signal: context.signal, deadlineMs: context.deadlineMs };
      const found = await listFiles(deps.git, { root, place, ignored: args.ignored, options });
      const glob = args.glob;
      const matching = glob === undefined ? found.files : matchingGlob(found.files, glob, (path) => path);
      const files = matching.slice(0, args.limit);
      const more = found.cut || matching.length > files.length;
      const total = found.cut ? `at least ${matching.length}` : `${matching.length}`;
      const text = files.length === 0 ? 'No files match.' : files.join('\n') + (more ? `\n[${files.length} of ${total} files]` : '');
      return done(text, { path: place.shown, files, shown: files.length, total: matching.length, totalExact: !found.cut });
    },
  });
}

/** A glob is a model's: it gets a bounded time. @throws AppError `invalid_input` */
function matchingGlob<T>(items: readonly T[], glob: string, pathOf: (item: T) => string): T[] {
  const found = withinTime(TOOL_LIMITS.globMs, () => items.filter((item) => matchesGlob(pathOf(item), glob)));
  if (found === null) throw new AppError('invalid_input', 'The glob takes too long to match.', { next: 'Use fewer stars in it.' });
  return found.value;
}

async function listFiles(
  git: Git,
  { root, place, ignored, options }: { root: string; place: Place; ignored: boolean; options: GitOptions },
): Promise<{ files: string[]; cut: boolean }> {
  if (!(await hasRepository(git, { root, options }))) return walk(root, place.shown, options.signal);
  const excluded = ignored ? [] : ['--exclude-standard'];
  const listed = await git(root, ['ls-files', '-z', '--cached', '--others', ...excluded, '--deduplicate', '--', place.shown], options);
  const files = listed.text.split('\0').filter(Boolean).toSorted();
  return { files: files.slice(0, WALK_MAX), cut: listed.cut || files.length > WALK_MAX };
}

/** Links are named, never followed. */
async function walk(root: string, top: string, signal: AbortSignal): Promise<{ files: string[]; cut: boolean }> {
  const files: string[] = [];
  const folders = [{ path: top === '.' ? '' : top, depth: 0 }];
  let cut = false;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (files.length >= WALK_MAX || signal.aborted) return { files: files.toSorted(), cut: true };
    for (const entry of await readdir(`${root}/${folder.path}`, { withFileTypes: true })) {
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (!entry.isDirectory()) files.push(path);
      else if (folder.depth >= WALK_DEPTH) cut = true;
      else if (entry.name !== '.git') folders.push({ path, depth: folder.depth + 1 });
    }
  }
  return { files: files.toSorted().slice(0, WALK_MAX), cut };
}

function searchTool(deps: Deps): Tool {
  return defineTool({
    name: 'file_search',
    description: 'Lines of files that hold a text or, with `regex`, match a POSIX extended regular expression; with file and line number.',
    input: z.strictObject({
      pattern: z.string().min(1).max(1_000),
      regex: z.boolean().default(false),
      ignoreCase: z.boolean().default(false),
      path: Path.default('.'),
      glob: Glob,
      ignored: Ignored,
      limit: z.int().min(1).max(MATCHES_MAX).default(100),
    }),
    taints: ['private'],
    async run(args, context) {
      const root = await deps.roots.readFrom(context);
      const place = await confine(root, args.path, context);
      const options: GitOptions = { signal: context.signal, deadlineMs: context.deadlineMs, maxBytes: SEARCH_BYTES, alsoOk: [1] };
      const where = (await hasRepository(deps.git, { root, options })) ? ['--untracked'] : ['--no-index'];
      const flags = [
        '-n',
        '-I',
        '-z',
        '--full-name',
        '--no-color',
        '--no-textconv',
        ...(args.regex ? ['-E'] : ['-F']),
        ...(args.ignoreCase ? ['-i'] : []),
      ];
      const out = await deps.git(
        root,
        ['grep', ...flags, ...where, args.ignored ? '--no-exclude-standard' : '--exclude-standard', '-e', args.pattern, '--', place.shown],
        options,
      );
      const glob = args.glob;
      const parsed = parseGrep(out.text);
      const all = glob === undefined ? parsed : matchingGlob(parsed, glob, (match) => match.path);
      const matches = all.slice(0, args.limit);
      const more = out.cut || all.length > matches.length;
      const lines = matches.map((match) => `${match.path}:${match.line}: ${match.text}`);
      const total = out.cut ? `at least ${all.length}` : `${all.length}`;
      const text =
        lines.length === 0 ? 'Nothing matches.' : lines.join('\n') + (more ? `\n[${matches.length} of ${total} matches; narrow the search]` : '');
      return done(text, { pattern: args.pattern, matches, shown: matches.length, total: all.length, totalExact: !out.cut });
    },
  });
}

/** `git grep -n -z`: path NUL line NUL text newline. */
function parseGrep(text: string): { path: string; line: number; text: string }[] {
  const matches: { path: string; line: number; text: string }[] = [];
  for (const match of text.matchAll(/([^\0\n]+)\0(\d+)\0(.*)\n/g)) {
    const [, path = '', line = '', found = ''] = match;
    matches.push({ path, line: Number(line), text: found.length > LINE_CHARS ? `${found.slice(0, LINE_CHARS)}...` : found });
  }
  return matches;
}
