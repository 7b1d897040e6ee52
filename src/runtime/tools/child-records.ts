/**
 * What is left of children after this process was killed: each long-lived or foreign child is recorded below the home folder while
 * it lives, and at the next start those whose owner is gone are ended with their whole group. A process is known by its id and the
 * moment it started, so that a reused id is never killed.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { killGroup, killMarked, type RunProcess } from './child-process.ts';

const Record = z.object({ pid: z.int(), identity: z.string(), owner: z.int(), ownerIdentity: z.string(), mark: z.string(), what: z.string() });

export type ChildRecords = {
  /** Call the answer when the child is gone. Never throws: a full disk must not stop a tool. */
  add(child: { pid: number; mark: string; what: string }): Promise<() => Promise<void>>;
  /** Ends the children of processes that are gone, and says how many there were. Call once at start. */
  reap(): Promise<number>;
};

/** `identify` answers when a process started, in any form that two never share; null when it is not there. */
export type Identify = (pid: number) => Promise<string | null>;

export function createChildRecords({ folder, identify, pid: owner }: { folder: string; identify: Identify; pid: number }): ChildRecords {
  return {
    async add(child) {
      const path = join(folder, `${child.pid}.json`);
      try {
        const [identity, ownerIdentity] = await Promise.all([identify(child.pid), identify(owner)]);
        if (identity === null || ownerIdentity === null) return async () => undefined;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(path, JSON.stringify({ ...child, identity, owner, ownerIdentity }), { mode: 0o600 });
      } catch {
        // without a record the child is still ended with its call; only a kill of this very process would leave it
      }
      return () => rm(path, { force: true });
    },

    async reap() {
      let reaped = 0;
      for (const name of await namesIn(folder)) {
        const path = join(folder, name);
        const record = await read(path);
        if (record !== null && (await identify(record.owner)) === record.ownerIdentity) continue;
        if (record !== null && (await identify(record.pid)) === record.identity) {
          killGroup(record.pid);
          reaped += 1;
        }
        // the leader may be gone while what it started lives on
        if (record !== null) await killMarked(record.mark);
        await rm(path, { force: true });
      }
      return reaped;
    },
  };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json'));
  } catch {
    return []; // nothing was ever recorded
  }
}

async function read(path: string): Promise<z.infer<typeof Record> | null> {
  try {
    return Record.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null; // cut off by the crash it is about: nothing can be learned from it
  }
}

/** Linux: start time in ticks since boot, with the boot's id. Elsewhere: what `ps` says, to the second. */
export function createIdentify(deps: { run: RunProcess; platform: NodeJS.Platform; deadlineMs: () => number }): Identify {
  if (deps.platform === 'linux') {
    return async (pid) => {
      try {
        const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'latin1'), readFile('/proc/sys/kernel/random/boot_id', 'latin1')]);
        // the name in parentheses may hold anything; the fields count from behind it
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return fields[0] === 'Z' ? null : `${boot.trim()} ${fields[19] ?? ''}`;
      } catch {
        return null; // no such process
      }
    };
  }
  return async (pid) => {
    const request = { cwd: '/', env: { LC_ALL: 'C' }, deadlineMs: deps.deadlineMs(), signal: new AbortController().signal, maxBytes: 1_000 };
    const result = await deps.run({ ...request, argv: ['/bin/ps', '-o', 'lstart=', '-p', String(pid)] });
    return result.stdout.toString('latin1').trim() || null;
  };
}
