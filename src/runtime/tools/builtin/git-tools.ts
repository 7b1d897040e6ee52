/**
 * Reading a repository: `git_log`, `git_diff`, `git_show`, `git_blame`, `git_status` (spec TOL-13). Each answers readable text and
 * the same as structured JSON. A project's own checkout is `private`, not `untrusted`: its owner put it there, and without that
 * no agent could read the code and do anything outside. Text from strangers inside it is what an agent for such a repository declares.
 */
import { z } from 'zod';
import type { Json } from '../../../kernel/canonical-json.ts';
import { cutText } from '../call.ts';
import type { Tool, ToolContext } from '../tool.ts';
import { confine, type Roots } from './checkout.ts';
import { defineTool, done } from './define.ts';
import { COMMIT_FORMAT, parseBlame, parseCommits, parseNumstat, parseStatus, totals, type ChangedFile, type Commit } from './git-parse.ts';
import { resolveCommit, type Git, type GitOptions } from './git-process.ts';

const COMMITS_MAX = 200;
const PATHS_MAX = 50;
const PATCH_CHARS = 300_000;
const BLAME_LINES = 1_000;
/** Never run what a repository names for showing its files. */
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color'] as const;

const Revision = z.string().min(1).max(250).describe('A branch, tag or hash, also with ~n, as in HEAD~3');
const Paths = z.array(z.string().min(1).max(4_096)).max(PATHS_MAX).default([]).describe('Only these files or folders, relative to the top');

const ContextLines = z.int().min(0).max(50).default(3).describe('Lines around each change');

type Deps = { git: Git; roots: Roots };
type At = { root: string; options: GitOptions; beyond: Pick<ToolContext, 'outside'> };

export function createGitTools(deps: Deps): Tool[] {
  return [logTool(deps), diffTool(deps), showTool(deps), blameTool(deps), statusTool(deps)];
}

async function at({ roots }: Deps, context: ToolContext): Promise<At> {
  const { signal, deadlineMs, outside } = context;
  return { root: await roots.readFrom(context), options: { signal, deadlineMs }, beyond: outside === undefined ? {} : { outside } };
}

/** Paths as arguments after `--`, each checked; a path that is gone from the work tree is still one of its history. */
async function pathArgs({ root, beyond }: Pick<At, 'root' | 'beyond'>, paths: readonly string[]): Promise<string[]> {
  const places = await Promise.all(paths.map((path) => confine(root, path, beyond)));
  return ['--', ...places.map((place) => place.shown)];
}

function logTool(deps: Deps): Tool {
  return defineTool({
    name: 'git_log',
    description: 'Commits of the repository, newest first, with author, date, subject and what each changed.',
    input: z.strictObject({
      revision: Revision.default('HEAD'),
      since: z.string().max(60).optional().describe('Only commits after this date or age, as in 2026-11-01 or "7 days ago"'),
      until: z.string().max(60).optional().describe('Only commits before this date or age'),
      author: z.string().max(200).optional().describe('Only commits whose author contains this text'),
      message: z.string().max(200).optional().describe('Only commits whose message contains this text'),
      paths: Paths,
      limit: z.int().min(1).max(COMMITS_MAX).default(20),
    }),
    taints: ['private'],
    async run(args, context) {
      const { root, options, beyond } = await at(deps, context);
      const commit = await resolveCommit(deps.git, { root, revision: args.revision, options });
      const filters = [
        ...(args.since === undefined ? [] : [`--since=${args.since}`]),
        ...(args.until === undefined ? [] : [`--until=${args.until}`]),
        ...(args.author === undefined ? [] : [`--author=${args.author}`]),
        ...(args.message === undefined ? [] : [`--grep=${args.message}`]),
      ];
      const log = await deps.git(
        root,
        [
          'log',
          '-z',
          '--numstat',
          '-M',
          ...PLAIN,
          COMMIT_FORMAT,
          '--fixed-strings',
          '-i',
          `--max-count=${args.limit + 1}`,
          ...filters,
          '--end-of-options',
          commit,
          ...(await pathArgs({ root, beyond }, args.paths)),
        ],
        options,
      );
      const found = parseCommits(log.text);
      const commits = found.slice(0, args.limit);
      const more = found.length > args.limit || log.cut;
      const text =
        commits.length === 0
          ? 'No commits match.'
          : commits.map(commitLine).join('\n') +
            (more ? `\n[more than ${commits.length} commits match; narrow the question or raise the limit]` : '');
      return done(text, { revision: args.revision, head: commit, commits: commits.map(commitJson), shown: commits.length, more });
    },
  });
}

function diffTool(deps: Deps): Tool {
  return defineTool({
    name: 'git_diff',
    description:
      'Differences between two commits, or between a commit and the work tree when `to` is left out. With `patch` false only the list of files.',
    input: z.strictObject({
      from: Revision.default('HEAD'),
      to: Revision.optional(),
      paths: Paths,
      patch: z.boolean().default(true),
      context: ContextLines,
    }),
    taints: ['private'],
    async run(args, context) {
      const { root, options, beyond } = await at(deps, context);
      const from = await resolveCommit(deps.git, { root, revision: args.from, options });
      const to = args.to === undefined ? null : await resolveCommit(deps.git, { root, revision: args.to, options });
      const what = ['--end-of-options', from, ...(to === null ? [] : [to]), ...(await pathArgs({ root, beyond }, args.paths))];
      const reading = { ...options, workTree: to === null };
      const files = parseNumstat((await deps.git(root, ['diff', '--numstat', '-z', '-M', ...PLAIN, ...what], reading)).text.split('\0'));
      const patch = args.patch
        ? await deps.git(root, ['diff', '-p', '-M', `-U${args.context}`, ...PLAIN, ...what], { ...reading, maxBytes: PATCH_CHARS })
        : null;
      return changeOutcome(`${args.from} to ${args.to ?? 'the work tree'}`, { head: { from, to }, files, patch });
    },
  });
}

function showTool(deps: Deps): Tool {
  return defineTool({
    name: 'git_show',
    description: 'One commit: its message, author and date, the files it changed and, unless `patch` is false, the differences.',
    input: z.strictObject({ revision: Revision.default('HEAD'), paths: Paths, patch: z.boolean().default(true), context: ContextLines }),
    taints: ['private'],
    async run(args, context) {
      const { root, options, beyond } = await at(deps, context);
      const hash = await resolveCommit(deps.git, { root, revision: args.revision, options });
      const paths = await pathArgs({ root, beyond }, args.paths);
      const head = await deps.git(
        root,
        ['log', '-z', '--numstat', '-M', '--max-count=1', '--first-parent', '-m', ...PLAIN, COMMIT_FORMAT, '--end-of-options', hash],
        options,
      );
      const commit = parseCommits(head.text)[0];
      if (!commit) return done('The commit cannot be shown.');
      const patch = args.patch
        ? await deps.git(
            root,
            [
              'log',
              '-p',
              '-M',
              `-U${args.context}`,
              '--max-count=1',
              '--first-parent',
              '-m',
              '--format=tformat:',
              ...PLAIN,
              '--end-of-options',
              hash,
              ...paths,
            ],
            { ...options, maxBytes: PATCH_CHARS },
          )
        : null;
      const title = `commit ${commit.hash}\nauthor ${commit.author} <${commit.email}>\ndate ${commit.date}\n\n${commit.subject}${commit.body === '' ? '' : `\n\n${commit.body}`}`;
      return changeOutcome(title, { head: commitJson(commit), files: commit.files, patch });
    },
  });
}

function blameTool(deps: Deps): Tool {
  return defineTool({
    name: 'git_blame',
    description: 'Who last changed each line of a file, when and in which commit.',
    input: z.strictObject({
      path: z.string().min(1).max(4_096),
      revision: Revision.default('HEAD'),
      startLine: z.int().min(1).default(1),
      lines: z.int().min(1).max(BLAME_LINES).default(200),
    }),
    taints: ['private'],
    async run(args, context) {
      const { root, options, beyond } = await at(deps, context);
      const commit = await resolveCommit(deps.git, { root, revision: args.revision, options });
      const paths = await pathArgs({ root, beyond }, [args.path]);
      const range = `-L${args.startLine},+${args.lines}`;
      const blamed = parseBlame((await deps.git(root, ['blame', '--line-porcelain', '--no-textconv', range, commit, ...paths], options)).text);
      const text = blamed
        .map((one) => `${String(one.line).padStart(5)} ${one.hash.slice(0, 10)} ${one.date.slice(0, 10)} ${one.author}: ${one.text}`)
        .join('\n');
      return done(text, { path: args.path, revision: commit, lines: blamed });
    },
  });
}

function statusTool(deps: Deps): Tool {
  return defineTool({
    name: 'git_status',
    description: 'Branch, distance to its upstream, and the files that differ from the last commit.',
    input: z.strictObject({}),
    taints: ['private'],
    async run(_args, context) {
      const { root, options } = await at(deps, context);
      const out = await deps.git(root, ['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=all', '--ignore-submodules=all'], {
        ...options,
        workTree: true,
      });
      const status = parseStatus(out.text);
      const branch = `on ${status.branch ?? 'no branch'}${status.upstream === null ? '' : `, ${status.ahead} ahead of and ${status.behind} behind ${status.upstream}`}`;
      const files = status.files.map((file) => `${file.state}: ${file.oldPath === null ? '' : `${file.oldPath} -> `}${file.path}`);
      return done([branch, ...(files.length === 0 ? ['nothing changed'] : files)].join('\n'), { ...status, clean: files.length === 0 });
    },
  });
}

function changeOutcome(
  title: string,
  { head, files, patch }: { head: { [key: string]: Json }; files: ChangedFile[]; patch: { text: string; cut: boolean } | null },
) {
  const sum = totals(files);
  const list = files.map((file) => `  ${fileLine(file)}`).join('\n');
  const shown =
    patch === null ? '' : `\n\n${cutText(patch.text, PATCH_CHARS)}${patch.cut ? '\n[the patch is longer; name paths to see the rest]' : ''}`;
  const text = files.length === 0 ? `${title}\n\nno differences` : `${title}\n\n${countLine(sum)}\n${list}${shown}`;
  return done(text, { ...head, ...sum, files, ...(patch === null ? {} : { patch: patch.text, patchCut: patch.cut }) });
}

function commitJson(commit: Commit): { [key: string]: Json } {
  return { ...commit, short: commit.hash.slice(0, 10) };
}

function commitLine(commit: Commit): string {
  return `${commit.hash.slice(0, 10)} ${commit.date.slice(0, 10)} ${commit.author}: ${commit.subject} (${countLine(commit)})`;
}

function countLine(sum: { filesChanged: number; insertions: number; deletions: number }): string {
  return `${sum.filesChanged} ${sum.filesChanged === 1 ? 'file' : 'files'}, +${sum.insertions} -${sum.deletions}`;
}

function fileLine(file: ChangedFile): string {
  const name = file.oldPath === null ? file.path : `${file.oldPath} -> ${file.path}`;
  return file.binary ? `${name} (binary)` : `${name} +${file.insertions ?? 0} -${file.deletions ?? 0}`;
}
