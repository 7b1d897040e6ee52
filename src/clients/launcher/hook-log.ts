/** What hooks of one CLI session remember between their calls: lines that are only added, so that hooks at the same time need no lock. */
import { appendFile, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { CliName } from './coding-cli.ts';
import { Attempt } from './struggle.ts';

const Entry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('session'), id: z.string(), startCommit: z.string().nullable() }),
  z.object({ kind: z.literal('heartbeat'), nextAtMs: z.int() }),
  z.object({ kind: z.literal('call'), attempt: Attempt }),
  /** The form was shown: what came before counts no longer. */
  z.object({ kind: z.literal('stopped') }),
  z.object({ kind: z.literal('reminded') }),
  /** A call into another project was refused. */
  z.object({ kind: z.literal('refused'), target: z.string(), what: z.string() }),
]);
export type Entry = z.infer<typeof Entry>;

export type Remembered = {
  session: { id: string; startCommit: string | null } | null;
  nextHeartbeatAtMs: number;
  /** Since the last stop. */
  attempts: readonly Attempt[];
  edited: boolean;
  reminded: boolean;
  /** Calls into other projects that were refused, since the last stop. */
  refused: readonly { target: string; what: string }[];
};

/** The end of the file that is read: some thousand calls. */
const READ_BYTES = 1024 * 1024;

export type HookLog = { add(entry: Entry): Promise<void>; read(): Promise<Remembered> };

export function createHookLog(home: string, cli: CliName, clientSession: string): HookLog {
  const path = join(home, 'launcher', 'sessions', `${cli}-${clientSession.replaceAll(/[^\w-]/g, '_')}.jsonl`);
  return {
    async add(entry) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await appendFile(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    },
    read: async () => fold(await readEnd(path)),
  };
}

function fold(text: string): Remembered {
  let now: Remembered = { session: null, nextHeartbeatAtMs: 0, attempts: [], edited: false, reminded: false, refused: [] };
  for (const line of text.split('\n')) {
    const entry = parse(line);
    if (entry === null) continue;
    if (entry.kind === 'session') now = { ...now, session: { id: entry.id, startCommit: now.session?.startCommit ?? entry.startCommit } };
    else if (entry.kind === 'heartbeat') now = { ...now, nextHeartbeatAtMs: entry.nextAtMs };
    else if (entry.kind === 'call')
      now = { ...now, attempts: [...now.attempts, entry.attempt], edited: now.edited || (entry.attempt.edit && entry.attempt.error === null) };
    else if (entry.kind === 'refused') now = { ...now, refused: [...now.refused, { target: entry.target, what: entry.what }] };
    else if (entry.kind === 'stopped') now = { ...now, attempts: [], refused: [] };
    else now = { ...now, reminded: true };
  }
  return now;
}

function parse(line: string): Entry | null {
  try {
    return line === '' ? null : (Entry.safeParse(JSON.parse(line)).data ?? null);
  } catch {
    return null; // the first line of a part, or one that a full disk cut
  }
}

async function readEnd(path: string): Promise<string> {
  const file = await open(path).catch(() => null); // the first hook of this session
  if (file === null) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, READ_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8');
  } finally {
    await file.close();
  }
}
