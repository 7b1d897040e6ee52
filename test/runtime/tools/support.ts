/** What the tools' tests share: contexts, a repository made on the spot, processes looked up by a mark. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JsonObject } from '../../../src/kernel/canonical-json.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { storedId } from '../../../src/kernel/ids.ts';
import { createGit, type Git } from '../../../src/runtime/tools/builtin/git-process.ts';
import { createWorktrees, type Worktrees } from '../../../src/runtime/tools/builtin/worktrees.ts';
import { boundTool, type CallDeps } from '../../../src/runtime/tools/call.ts';
import { createProcessRunner } from '../../../src/runtime/tools/child-process.ts';
import type { Tool, ToolContext, ToolOutcome } from '../../../src/runtime/tools/tool.ts';
import { createValidator } from '../../../src/runtime/tools/validate.ts';

export const ORG = storedId('org', 'org_01jd2m7x9c4qf8w3v5k6t1z0ab');

export function contextOf(part: Partial<ToolContext> = {}): ToolContext {
  return {
    org: ORG,
    project: null,
    run: storedId('run', 'run_01jd2m7x9c4qf8w3v5k6t1z0ab'),
    agent: 'repo-digest',
    callId: 'call_1',
    key: 'key-1',
    signal: new AbortController().signal,
    deadlineMs: systemClock.nowMs() + 60_000,
    checkout: null,
    networkAllow: [],
    ...part,
  };
}

const check = createValidator();

export function callDeps(part: Partial<CallDeps> = {}): CallDeps {
  return { clock: systemClock, check, scrub: { text: (text) => text, json: (value) => value }, onFault: () => undefined, ...part };
}

export function temporaryFolder(): { path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'windlass-tools-')));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export const runProcess = createProcessRunner({ spawn, clock: systemClock });

export type Repository = {
  path: string;
  home: string;
  git: Git;
  worktrees: Worktrees;
  raw(...args: string[]): string;
  put(path: string, content: string): void;
} & Disposable;

/** A repository with two commits; `raw` is git as a person at the keyboard runs it. */
export function temporaryRepository(): Repository {
  const folder = temporaryFolder();
  const path = join(folder.path, 'checkout');
  const home = join(folder.path, 'home');
  mkdirSync(path);
  mkdirSync(home);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder.path, GIT_CONFIG_NOSYSTEM: '1' };
  const raw = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada Example', '-c', 'user.email=ada@example.org', ...args], {
      cwd: path,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const put = (name: string, content: string): void => {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  };
  raw('init', '-q', '-b', 'main');
  put('readme.md', '# Example\n\nfirst line\n');
  put('src/a.ts', 'export const a = 1;\n');
  raw('add', '.');
  raw('commit', '-q', '-m', 'Start');
  put('src/a.ts', 'export const a = 2;\nexport const b = 3;\n');
  put('src/with space.ts', 'needle here\n');
  raw('add', '.');
  raw('commit', '-q', '-m', 'Change a, add another', '-m', 'Because of the example.');
  const git = createGit({ run: runProcess, path: process.env['PATH'] ?? '' });
  const worktrees = createWorktrees({ git, folder: join(home, 'worktrees') });
  return { path, home, git, worktrees, raw, put, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** A call as the harness makes it: bounded and checked. */
export function caller(tools: readonly Tool[], context: ToolContext): (name: string, args?: JsonObject) => Promise<ToolOutcome> {
  const deps = callDeps();
  return (name, args = {}) => {
    const tool = tools.find((one) => one.spec.name === name);
    if (!tool) throw new TypeError(`no tool ${name}`);
    return boundTool(tool, deps).call(args, context);
  };
}

/** Process ids whose environment holds `text` (Linux). */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return (
          readFileSync(`/proc/${entry}/environ`, 'latin1').includes(text) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${entry}/stat`, 'latin1'))
        );
      } catch {
        return false; // gone while we looked
      }
    })
    .map(Number);
}
