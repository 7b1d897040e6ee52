/**
 * One child process, run to its end: no shell, an environment of exactly what is named, a process group of its own that is
 * killed at the deadline, on abort and after the exit, so that nothing it started lives on (benchmark R6). Not a sandbox.
 */
import type { ChildProcess, spawn as nodeSpawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { TOOL_LIMITS } from './limits.ts';

/** Marks what we started, so that a grandchild that left its group is still found. */
export const CHILD_MARK = 'WINDLASS_CHILD';

/** Looks for marked processes at most this often: one that forks faster than it can be killed is left to its own limits. */
const MARK_ROUNDS = 5;

export type Spawn = typeof nodeSpawn;

export type ProcessRequest = {
  /** Program and arguments. */
  argv: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment of the child. */
  env: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  deadlineMs: number;
  signal: AbortSignal;
  /** Bytes of stdout and of stderr that are kept; a child that writes on is read and its output dropped. */
  maxBytes: number;
  stdin?: string | Uint8Array;
  /** Look for descendants that left the process group, too (Linux), by this text of its own. For programs that are not ours to trust. */
  mark?: string;
  /** Told the process id once it runs; its answer is called when the process is gone. */
  onStarted?: (pid: number) => Promise<() => Promise<void>>;
};

export type ProcessResult = {
  /** `unstarted`: the program is missing or may not be executed; `detail` says why. */
  ended: 'exit' | 'signal' | 'deadline' | 'aborted' | 'unstarted';
  exitCode: number | null;
  stdout: Buffer;
  stderr: Buffer;
  /** Output was dropped beyond `maxBytes`. */
  cut: boolean;
  detail: string;
};

export type RunProcess = (request: ProcessRequest) => Promise<ProcessResult>;

export function createProcessRunner(deps: { spawn: Spawn; clock: Clock }): RunProcess {
  return async (request) => {
    const env = request.mark === undefined ? request.env : { ...request.env, [CHILD_MARK]: request.mark };
    const [program, ...args] = request.argv;
    const out = collector(request.maxBytes);
    const err = collector(request.maxBytes);
    const over = new AbortController();
    let why: 'deadline' | 'aborted' | null = null;
    let child: ChildProcess;
    try {
      child = deps.spawn(program, args, { cwd: request.cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    } catch (thrown) {
      // spawn throws at once for arguments no process can have (a NUL), and answers by event for everything else
      return { ended: 'unstarted', exitCode: null, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), cut: false, detail: String(thrown) };
    }
    const stop = (reason: 'deadline' | 'aborted'): void => {
      why ??= reason;
      killGroup(child.pid);
    };
    const abort = (): void => stop('aborted');
    request.signal.addEventListener('abort', abort, { once: true });
    if (request.signal.aborted) abort();
    void deps.clock.sleep(Math.max(0, request.deadlineMs - deps.clock.nowMs()), over.signal).then(() => {
      if (!over.signal.aborted) stop('deadline');
    });
    child.stdout?.on('data', (chunk: Buffer) => out.take(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.take(chunk));
    // a child that exits without reading its input breaks the pipe: its exit code tells what matters
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(request.stdin ?? '');
    const closed = new Promise<void>((resolve) => void child.once('close', resolve));
    const started = child.pid === undefined ? undefined : request.onStarted?.(child.pid);
    const end = await ending(child);
    over.abort();
    request.signal.removeEventListener('abort', abort);
    killGroup(child.pid);
    if (request.mark !== undefined) await killMarked(request.mark);
    // what was written before the end is still in the pipes; a stranger that inherited them may hold them open for ever
    const drained = new AbortController();
    await Promise.race([closed, deps.clock.sleep(TOOL_LIMITS.graceMs, drained.signal)]);
    drained.abort();
    child.stdout?.destroy();
    child.stderr?.destroy();
    await (
      await started
    )?.();
    const ended = why ?? (end.error ? 'unstarted' : end.code === null ? 'signal' : 'exit');
    return {
      ended,
      exitCode: end.code,
      stdout: out.bytes(),
      stderr: err.bytes(),
      cut: out.cut() || err.cut(),
      detail: end.error?.message ?? end.signal ?? '',
    };
  };
}

type Ending = { code: number | null; signal: NodeJS.Signals | null; error: Error | null };

/** Resolves when the child is gone, not when its pipes close. */
function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
  });
}

/** SIGKILL to the whole group of `pid`. Nothing left of it is the wanted state. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the group is gone already
  }
}

/** Kills every process that carries our mark in its environment, wherever it moved. Linux only; elsewhere the group must do. */
export async function killMarked(mark: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < MARK_ROUNDS && (await killOnce(`${CHILD_MARK}=${mark}\0`)) > 0; round += 1);
}

async function killOnce(needle: string): Promise<number> {
  let killed = 0;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (!(await readFile(`/proc/${entry}/environ`, 'latin1')).includes(needle)) continue;
      process.kill(Number(entry), 'SIGKILL');
      killed += 1;
    } catch {
      // gone meanwhile, or another user's: in neither case ours to kill
    }
  }
  return killed;
}

function collector(maxBytes: number): { take(chunk: Buffer): void; bytes(): Buffer; cut(): boolean } {
  const chunks: Buffer[] = [];
  let size = 0;
  let dropped = false;
  return {
    take(chunk) {
      const room = maxBytes - size;
      if (chunk.length > room) dropped = true;
      if (room <= 0) return;
      const kept = chunk.length > room ? Buffer.from(chunk.subarray(0, room)) : chunk;
      chunks.push(kept);
      size += kept.length;
    },
    bytes: () => Buffer.concat(chunks),
    cut: () => dropped,
  };
}
