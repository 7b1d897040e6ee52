/**
 * The tool that waits for news of a run. It reads the journal from the caller's cursor, stays until the run ends, asks a person or
 * the time is up, and reports progress meanwhile to clients that asked for it.
 */
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import type { Entry, RunEvent } from '../../kernel/events.ts';
import { parseId } from '../../kernel/ids.ts';
import { isFinal } from '../../kernel/run-status.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import { renderTranscript } from '../../runtime/runs/transcript.ts';
import type { Watch } from '../../runtime/runs/watch.ts';
import { whatNext } from './render.ts';
import type { McpCall, Tool } from './toolset.ts';
import { answer, tool } from './toolset.ts';
import { RunIdArgument } from './tool-inputs.ts';

const WAIT_SECONDS = { usual: 20, most: 55 } as const;
const MAX_ENTRIES = 200;
/** The journal may hold long results; the resource has them whole. */
const MAX_CHARS = 20_000;

export function runWatchTool(deps: { watch: Watch; clock: Clock }): Tool {
  return tool({
    name: 'run_watch',
    title: 'Follow a run',
    description: `Tells what happened in a run after a cursor. Waits for news until the run ends, asks a person or the time is up, and answers the cursor to go on from.`,
    input: z.strictObject({
      id: RunIdArgument,
      after: z.int().nonnegative().default(0).meta({ description: 'The cursor of the answer before; 0 for everything.' }),
      waitSeconds: z.number().min(0).max(WAIT_SECONDS.most).default(WAIT_SECONDS.usual),
    }),
    uses: [runOperations.get, runOperations.events],
    async run({ id, after, waitSeconds }, call) {
      const before = await call.invoke(runOperations.get, { id });
      const over = isFinal(before.status) && before.headSeq <= after;
      const entries = over ? [] : await collect(deps, { id, after, waitMs: waitSeconds * 1000 }, call);
      const run = over ? before : await call.invoke(runOperations.get, { id });
      const cursor = entries.at(-1)?.seq ?? after;
      const more = isFinal(run.status) ? '' : ` Go on with after ${cursor}.`;
      const story = entries.length === 0 ? 'Nothing new.' : shorten(renderTranscript(entries));
      return answer(`${story}\n\n---\n\n\`${id}\` is **${run.status}**${run.reason === '' ? '' : `: ${run.reason}`}. ${whatNext(run)}${more}`, {
        ...{ id, status: run.status, waitingFor: run.waitingFor, waitingOn: run.waitingOn, ended: isFinal(run.status), cursor },
        events: entries.map(({ seq, atMs, event }) => ({ seq, atMs, type: event?.type ?? 'deleted' })),
      });
    },
  });
}

type Wanted = { id: string; after: number; waitMs: number };

async function collect(deps: { watch: Watch; clock: Clock }, { id, after, waitMs }: Wanted, call: McpCall): Promise<Entry[]> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, call.sdk.mcpReq.signal]);
  void deps.clock.sleep(waitMs, signal).then(() => over.abort());
  const entries: Entry[] = [];
  try {
    for await (const frame of deps.watch({ org: call.caller.principal.org, run: parseId('run', id), afterSeq: after, signal })) {
      if (frame.kind !== 'entry') continue;
      entries.push(frame.entry);
      await reportProgress(call, frame.entry);
      if (entries.length >= MAX_ENTRIES || (frame.entry.event !== null && asksAPerson(frame.entry.event))) break;
    }
  } finally {
    over.abort();
  }
  return entries;
}

function asksAPerson(event: RunEvent): boolean {
  return event.type === 'run.waiting' && (event.for === 'approval' || event.for === 'input' || event.for === 'outcome');
}

/** Only for a client that gave a token; the number is the sequence, which only grows. */
async function reportProgress(call: McpCall, { seq, event }: Entry): Promise<void> {
  const progressToken = call.sdk.mcpReq._meta?.progressToken;
  if (progressToken === undefined || event === null) return;
  const message = event.type === 'progress' ? `${event.phase}, ${event.percent} %: ${event.message}` : event.type;
  await call.sdk.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: seq, message } });
}

function shorten(text: string): string {
  if (text.length <= MAX_CHARS) return text.trimEnd();
  return `${text.slice(0, MAX_CHARS).trimEnd()}\n\n*${text.length - MAX_CHARS} more characters: read the resource windlass://runs/{id}, or watch on in smaller steps.*`;
}
