/**
 * Sessions of clients before revision 2026-07-28, in the memory of this process: another process answers 404 and the client
 * initialises again. Bounded in number and idle time. A session belongs to the key that opened it.
 */
import type { AuthInfo, EventStore, JSONRPCMessage, McpServer } from '@modelcontextprotocol/server';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import type { Clock } from '../../kernel/clock.ts';

export const SESSION_LIMITS = {
  /** In one process; the one idle longest makes room. */
  count: 1_000,
  idleMs: 30 * 60_000,
  /** Messages kept so that a client whose connection broke gets what it missed. */
  events: 256,
} as const;

type Session = { transport: WebStandardStreamableHTTPServerTransport; server: McpServer; key: string; usedAtMs: number };

export type SessionLeg = {
  handle(request: Request, options: { auth: AuthInfo; key: string; create: () => McpServer }): Promise<Response>;
  close(): Promise<void>;
};

export function createSessionLeg(deps: { clock: Clock; newId: () => string; onFault: (error: unknown) => void }): SessionLeg {
  /** In the order of last use. */
  const sessions = new Map<string, Session>();
  const end = (id: string): void => {
    const session = sessions.get(id);
    sessions.delete(id);
    session?.server.close().catch(deps.onFault);
  };
  const sweep = (nowMs: number): void => {
    for (const [id, session] of sessions) {
      if (sessions.size < SESSION_LIMITS.count && nowMs - session.usedAtMs < SESSION_LIMITS.idleMs) return;
      end(id);
    }
  };
  const open = async (key: string, create: () => McpServer): Promise<WebStandardStreamableHTTPServerTransport> => {
    const server = create();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: deps.newId,
      eventStore: createEventStore(),
      onsessioninitialized: (id) => void sessions.set(id, { transport, server, key, usedAtMs: deps.clock.nowMs() }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  };
  return {
    async handle(request, { auth, key, create }) {
      const nowMs = deps.clock.nowMs();
      sweep(nowMs);
      const id = request.headers.get('mcp-session-id');
      if (id === null) {
        // Only `initialize` comes without one; the transport refuses the rest.
        if (request.method !== 'POST') return refusal(400, 'This needs the Mcp-Session-Id that initialize answered.');
        return (await open(key, create)).handleRequest(request, { authInfo: auth });
      }
      const session = sessions.get(id);
      if (session === undefined || session.key !== key) {
        return refusal(404, 'There is no such session: it ended, was idle too long, or is another process’s. Initialise again.');
      }
      session.usedAtMs = nowMs;
      sessions.delete(id);
      sessions.set(id, session);
      return session.transport.handleRequest(request, { authInfo: auth });
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.server.close()));
      sessions.clear();
    },
  };
}

function refusal(status: 400 | 404, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: status === 404 ? -32001 : -32000, message }, id: null }, { status });
}

/** The last messages of one session, of all its streams together; an id is stream and number. */
function createEventStore(): EventStore {
  const events: { id: string; stream: string; message: JSONRPCMessage }[] = [];
  let count = 0;
  return {
    async storeEvent(stream, message) {
      count += 1;
      const id = `${stream}/${count}`;
      events.push({ id, stream, message });
      if (events.length > SESSION_LIMITS.events) events.shift();
      return id;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const stream = lastEventId.slice(0, lastEventId.lastIndexOf('/'));
      const after = Number(lastEventId.slice(lastEventId.lastIndexOf('/') + 1));
      for (const event of events) {
        if (event.stream !== stream || Number(event.id.slice(event.id.lastIndexOf('/') + 1)) <= after) continue;
        // The message that opens a stream is empty: it only gives the client an id to come back with.
        if (Object.keys(event.message).length > 0) await send(event.id, event.message);
      }
      return stream;
    },
  };
}
