/**
 * A run's journal as server-sent events: `id` is the sequence number, so that a client that lost its connection goes on from
 * `Last-Event-ID`. Previews carry no id: they are not journal.
 */
import { streamSSE } from 'hono/streaming';
import { AppError } from '../../kernel/errors.ts';
import { parseId } from '../../kernel/ids.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { authorise } from '../../platform/identity/permissions.ts';
import type { Watch } from '../../runtime/runs/watch.ts';
import type { HttpApp } from './app.ts';
import { API_PREFIX } from './openapi.ts';

export type EventStreamDeps = { watch: Watch; exists: (org: OrgId, run: RunId) => Promise<boolean> };

/** For `first` of the app: it takes GET /runs/{id}/events only when an event stream is asked for. */
export function mountEventStream(app: HttpApp, deps: EventStreamDeps): void {
  app.get(`${API_PREFIX}/runs/:id/events`, async (c, next) => {
    if (!(c.req.header('accept') ?? '').includes('text/event-stream')) return next();
    const principal = c.get('principal');
    authorise(principal, 'runs.read');
    const run = parseId('run', c.req.param('id'));
    if (!(await deps.exists(principal.org, run)))
      throw new AppError('not_found', `There is no run ${run}.`, { next: '`windlass runs` lists what there is.' });
    const afterSeq = Number(c.req.header('last-event-id') ?? c.req.query('after') ?? 0);
    if (!Number.isSafeInteger(afterSeq) || afterSeq < 0) throw new AppError('invalid_input', 'The cursor must be the sequence number of an entry.');
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      for await (const frame of deps.watch({ org: principal.org, run, afterSeq, signal: gone.signal })) {
        if (frame.kind === 'idle') await stream.write(': still here\n\n');
        else if (frame.kind === 'preview') await stream.writeSSE({ event: 'preview', data: JSON.stringify(frame.preview) });
        else {
          const { seq, position, atMs, actor, effectId, hash, event } = frame.entry;
          await stream.writeSSE({ id: String(seq), event: 'entry', data: JSON.stringify({ seq, position, atMs, actor, effectId, hash, event }) });
        }
      }
    });
  });
}
