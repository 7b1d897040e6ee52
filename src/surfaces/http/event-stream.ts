/**
 * A run's journal as server-sent events: `id` is the sequence number, so that a client that lost its connection goes on from
 * `Last-Event-ID`. Previews carry no id: they are not journal.
 */
import { streamSSE } from 'hono/streaming';
import type { SSEStreamingApi } from 'hono/streaming';
import { AppError } from '../../kernel/errors.ts';
import { parseId } from '../../kernel/ids.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import { entryViewOf } from '../../runtime/runs/run-views.ts';
import type { Watch, WatchFrame } from '../../runtime/runs/watch.ts';
import type { HttpApp, HttpContext } from './context.ts';
import { API_PREFIX } from './openapi.ts';
import type { WhileAllowed } from './while-allowed.ts';

export type EventStreamDeps = {
  watch: Watch;
  exists: (org: OrgId, run: RunId) => Promise<boolean>;
  /** Ends every stream when the server stops; readers come back with their cursor. */
  closing: AbortSignal;
  whileAllowed: WhileAllowed;
  log: Log;
};

/** Readers at once in this process: each looks at its journal every second. */
export const STREAMS_MAX = 500;

/** For `first` of the app: it takes GET /runs/{id}/events only when an event stream is asked for. */
export function mountEventStream(app: HttpApp, deps: EventStreamDeps): { open: () => number } {
  let open = 0;
  app.get(`${API_PREFIX}/runs/:id/events`, async (c, next) => {
    if (!(c.req.header('accept') ?? '').includes('text/event-stream')) return next();
    c.set('operation', 'runs.events');
    const { org, ...principal } = c.get('principal');
    authorise(principal, 'runs.read');
    const run = parseId('run', c.req.param('id'));
    const afterSeq = cursorOf(c);
    if (!(await deps.exists(org, run))) throw new AppError('not_found', `There is no run ${run}.`, { next: 'List runs: windlass runs' });
    if (open >= STREAMS_MAX || deps.closing.aborted) {
      throw new AppError('unavailable', 'No more event streams can be opened here now.', { next: 'Read by cursor, or try again in a while.' });
    }
    open += 1;
    const gone = new AbortController();
    const { signal, release } = deps.whileAllowed(c.get('recheck'), [gone.signal, deps.closing]);
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.abort());
      try {
        await send(stream, deps.watch({ org, run, afterSeq, signal }));
      } catch (error) {
        // headers are sent: the reader sees the end of the stream and comes back with its cursor
        if (!gone.signal.aborted) deps.log('warn', 'an event stream broke off', { correlation: c.get('correlation'), run, error });
      } finally {
        release();
        open -= 1;
      }
    });
  });
  return { open: () => open };
}

/** A reader that comes back has the later cursor in `Last-Event-ID`; its address still names the first. */
function cursorOf(c: HttpContext): number {
  const text = c.req.header('last-event-id') ?? c.req.query('after') ?? '0';
  const seq = /^\d{1,15}$/.test(text) ? Number(text) : null;
  if (seq === null) throw new AppError('invalid_input', 'The cursor must be the sequence number of an entry.', { next: 'Leave it out to begin.' });
  return seq;
}

async function send(stream: SSEStreamingApi, frames: AsyncIterable<WatchFrame>): Promise<void> {
  for await (const frame of frames) {
    if (frame.kind === 'idle') await stream.write(': still here\n\n');
    else if (frame.kind === 'preview') await stream.writeSSE({ event: 'preview', data: JSON.stringify(frame.preview) });
    else await stream.writeSSE({ id: String(frame.entry.seq), event: 'entry', data: JSON.stringify(entryViewOf(frame.entry)) });
  }
}
