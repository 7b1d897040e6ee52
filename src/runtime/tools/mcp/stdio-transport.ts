/**
 * The client's end of an MCP server on stdio. The SDK's own transport adds variables of ours to the environment and kills one process
 * only; this one gives the child exactly what is named, a process group of its own, and a record by which a crash leaves no orphan.
 */
import type { ChildProcess } from 'node:child_process';
import { ReadBuffer, serializeMessage, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError, toAppError } from '../../../kernel/errors.ts';
import { CHILD_MARK, killGroup, killMarked, type Spawn } from '../child-process.ts';
import type { ChildRecords } from '../child-records.ts';

/** Of one message; a server that sends more without an end is stopped. */
const MESSAGE_BYTES = 10_000_000;
/** Kept of what the server writes to stderr, for the reason shown when it fails. */
const STDERR_CHARS = 4_000;
/** What a server gets to end by itself once its input is closed. */
const CLOSE_MS = 1_000;

export type StdioOptions = {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** Unique to this server of this process. */
  mark: string;
  name: string;
  onSpawned: () => void;
};
type StdioDeps = { spawn: Spawn; clock: Clock; records: ChildRecords };

export type StdioTransport = Transport & {
  /** Ends the whole group; resolves when its leader is gone. */
  close(): Promise<void>;
  /** How it ended, and its last words on stderr. */
  lastWords(): string;
  /** The SDK knows a stdio transport by these two. */
  readonly stderr: null;
  readonly pid: number | null;
};

export function createStdioTransport(options: StdioOptions, deps: StdioDeps): StdioTransport {
  const words = { end: '', stderr: '' };
  let child: ChildProcess | null = null;
  let exited: Promise<void> = Promise.resolve();

  const transport: StdioTransport = {
    stderr: null,
    get pid() {
      return child?.pid ?? null;
    },
    lastWords: () => [words.end, words.stderr.trim()].filter(Boolean).join('; '),

    async start() {
      const started = await spawnServer(options, deps);
      child = started;
      const gone = watch(started, words, transport);
      options.onSpawned();
      const forget = await deps.records.add({ pid: started.pid ?? 0, mark: options.mark, what: `tool server ${options.name}` });
      exited = gone.then(async () => {
        await killMarked(options.mark);
        await forget();
        transport.onclose?.();
      });
    },

    async send(message) {
      const input = child?.stdin;
      if (!input || input.destroyed || !input.writable) throw new AppError('unavailable', 'the server is not running');
      if (input.write(serializeMessage(message))) return;
      await new Promise<void>((resolve) => {
        input.once('drain', resolve);
        input.once('close', resolve);
      });
    },

    async close() {
      child?.stdin?.end();
      const enough = new AbortController();
      await Promise.race([exited, deps.clock.sleep(CLOSE_MS, enough.signal)]);
      enough.abort();
      killGroup(child?.pid);
      await exited;
    },
  };
  return transport;
}

async function spawnServer({ argv, cwd, env, mark }: StdioOptions, { spawn }: StdioDeps): Promise<ChildProcess> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { ...env, [CHILD_MARK]: mark },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

/** Passes messages on; resolves when the process is gone. */
function watch(child: ChildProcess, words: { end: string; stderr: string }, transport: Transport): Promise<void> {
  const buffer = new ReadBuffer({ maxBufferSize: MESSAGE_BYTES });
  child.stdout?.on('data', (chunk: Buffer) => {
    try {
      buffer.append(chunk);
    } catch {
      // over its limit: the server floods, and nothing it says can be told apart any more
      words.end = `it sent a message of over ${MESSAGE_BYTES} bytes`;
      killGroup(child.pid);
      return;
    }
    deliver(buffer, transport);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    words.stderr = (words.stderr + chunk.toString('utf8')).slice(-STDERR_CHARS);
  });
  // a broken pipe means that it is ending, which `exit` tells
  child.stdin?.on('error', () => undefined);
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      words.end ||= signal === null ? `it exited with code ${code ?? 'none'}` : `it was ended by ${signal}`;
      killGroup(child.pid);
      resolve();
    });
  });
}

function deliver(buffer: ReadBuffer, transport: Transport): void {
  for (;;) {
    try {
      const message: JSONRPCMessage | null = buffer.readMessage();
      if (message === null) return;
      transport.onmessage?.(message);
    } catch (thrown) {
      // a line that is JSON but no message: said to the client, and the next line may be good
      transport.onerror?.(toAppError(thrown));
    }
  }
}
