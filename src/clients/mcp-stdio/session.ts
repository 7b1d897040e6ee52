/**
 * The session of a client that speaks a revision before 2026-07-28. The server keeps sessions in memory; when it has forgotten this one,
 * it is opened again with what the client said first, and the client notices nothing.
 */
import type { Clock } from '../../kernel/clock.ts';
import { parseFrames, problemError } from '../api.ts';
import type { Message } from './message.ts';
import type { Send } from './server-link.ts';

export type Session = { headers: Readonly<Record<string, string>>; initialize: Message; over: AbortController };

export type Sessions = {
  current(): Session | null;
  /** After an answer to `initialize`; `revision` is the one that was agreed on. */
  begin(answer: { response: Response; initialize: Message; revision: string }): void;
  /** Opens another in place of a lost one; null when the server keeps none. @throws AppError */
  reopen(lost: Session, signal: AbortSignal): Promise<Session | null>;
  /** Passes on what the server says unasked, for as long as the session lasts. */
  listen(session: Session): Promise<void>;
  close(): Promise<void>;
};

export const POST_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' } as const;
const RECONNECT_MS = 1_000;
const GOODBYE_MS = 1_000;

export function createSessions(deps: { send: Send; clock: Clock; write: (message: object) => void }): Sessions {
  let current: Session | null = null;
  let reopening: Promise<Session | null> | null = null;
  const begin: Sessions['begin'] = ({ response, initialize, revision }) => {
    const id = response.headers.get('mcp-session-id');
    current?.over.abort();
    current = id === null ? null : { headers: { 'mcp-session-id': id, 'mcp-protocol-version': revision }, initialize, over: new AbortController() };
  };
  const listen = async ({ headers, over: { signal } }: Session): Promise<void> => {
    while (!signal.aborted) {
      try {
        const response = await deps.send({ method: 'GET', headers: { accept: 'text/event-stream', ...headers }, signal });
        if (response.status === 404 || response.status === 405) return;
        if (response.ok && response.body !== null) for await (const { data } of parseFrames(response.body)) deps.write(JSON.parse(data) as object);
      } catch {
        // The server is away: the next request says so to the client, this only tries again.
      }
      await deps.clock.sleep(RECONNECT_MS, signal);
    }
  };
  const openAgain = async ({ initialize, headers }: Session, signal: AbortSignal): Promise<Session | null> => {
    const response = await deps.send({ method: 'POST', headers: POST_HEADERS, body: JSON.stringify(initialize), signal });
    if (!response.ok) throw await problemError(response);
    await response.text();
    begin({ response, initialize, revision: headers['mcp-protocol-version'] ?? '' });
    const opened = current;
    if (opened === null) return null;
    const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await (await deps.send({ method: 'POST', headers: { ...POST_HEADERS, ...opened.headers }, body, signal })).text();
    void listen(opened);
    return opened;
  };
  return {
    current: () => current,
    begin,
    listen,
    async reopen(lost, signal) {
      // Several requests may find it lost at once: the first opens another, the others use that.
      if (current !== lost) return current;
      reopening ??= openAgain(lost, signal).finally(() => (reopening = null));
      return reopening;
    },
    async close() {
      if (current === null) return;
      const { headers, over } = current;
      current = null;
      over.abort();
      const enough = new AbortController();
      void deps.clock.sleep(GOODBYE_MS, enough.signal).then(() => enough.abort());
      await deps.send({ method: 'DELETE', headers, signal: enough.signal }).catch(() => {}); // the server lets it time out as well
      enough.abort();
    },
  };
}
