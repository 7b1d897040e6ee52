/**
 * The feed of changes as server-sent events: one stream for a whole browser. `id` is the position, so that a reader that lost its
 * connection goes on from `Last-Event-ID`. It ends when the key or session it was opened with does.
 */
import { streamSSE } from 'hono/streaming';
import { AppError } from '../../kernel/errors.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Feed } from '../../runtime/feed/service.ts';
import type { HttpApp } from './context.ts';
import { API_PREFIX } from './openapi.ts';
import type { WhileAllowed } from './while-allowed.ts';

export type FeedStreamDeps = { feed: Pick<Feed, 'follow'>; whileAllowed: WhileAllowed; closing: AbortSignal; log: Log };

/** Readers at once in this process. */
export const FEED_STREAMS_MAX = 500;

/** For `first` of the app: it takes GET /feed only when an event stream is asked for. */
export function mountFeedStream(app: HttpApp, deps: FeedStreamDeps): { open: () => number } {
  let open = 0;
  app.get(`${API_PREFIX}/feed`, async (c, next) => {
    if (!(c.req.header('accept') ?? '').includes('text/event-stream')) return next();
    c.set('operation', 'feed.read');
    const principal = c.get('principal');
    authorise(principal, 'runs.read');
    const text = c.req.header('last-event-id') ?? c.req.query('after') ?? null;
    if (text !== null && !/^\d{1,15}$/.test(text)) {
      throw new AppError('invalid_input', 'The cursor must be a position.', { next: 'Leave it out to begin now.' });
    }
    if (open >= FEED_STREAMS_MAX || deps.closing.aborted) {
      throw new AppError('unavailable', 'No more event streams can be opened here now.', { next: 'Read by cursor, or try again in a while.' });
    }
    open += 1;
    const gone = new AbortController();
    const { signal, release } = deps.whileAllowed(c.get('recheck'), [gone.signal, deps.closing]);
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => gone.abort());
      try {
        for await (const frame of deps.feed.follow({ principal, after: text === null ? null : Number(text), signal })) {
          if (frame.kind === 'idle') await stream.write(': still here\n\n');
          else await stream.writeSSE({ id: String(frame.position), event: 'changes', data: JSON.stringify(frame.items) });
        }
        if (!gone.signal.aborted && !deps.closing.aborted) await stream.writeSSE({ event: 'ended', data: 'signed out' });
      } catch (error) {
        // headers are sent: the reader sees the end of the stream and comes back with its cursor
        if (!gone.signal.aborted) deps.log('warn', 'the feed broke off', { correlation: c.get('correlation'), error });
      } finally {
        release();
        open -= 1;
      }
    });
  });
  return { open: () => open };
}
