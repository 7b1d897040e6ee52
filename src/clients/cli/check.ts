/** One thing that `doctor` looks at: what it found, and what to do about it. */
export type Check = {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly next: string | null;
};

export function ok(name: string, found: string): Check {
  return { name, state: 'ok', found, next: null };
}

export function warn(name: string, found: string, next: string): Check {
  return { name, state: 'warn', found, next };
}

export function fail(name: string, found: string, next: string): Check {
  return { name, state: 'fail', found, next };
}

/** Whether a process of this id is there, be it somebody else's. */
export function isAlive(pid: number, kill: (pid: number, signal: 0) => unknown): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // there, and not ours to signal
  }
}
