/**
 * Between a client on standard input and output and the server's `/mcp`: messages pass as they are, in both eras. It knows no tool and
 * decides nothing; every refusal is the server's, or says that there is none.
 */
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { parseFrames, problemError } from '../api.ts';
import { compareVersions } from '../cli/connection.ts';
import type { RequestId } from './message.ts';
import { Message, refusalOf, revisionOf, routingHeaders, serverVersionOf, withoutAsking } from './message.ts';
import type { Place } from './server-link.ts';
import { createServerLink } from './server-link.ts';
import type { Session } from './session.ts';
import { POST_HEADERS, createSessions } from './session.ts';

export type BridgeDeps = {
  /** @throws AppError */
  locate: () => Promise<Place>;
  fetch: typeof globalThis.fetch;
  /** Which tools of the server; its usual ones when left out. */
  toolset?: string | undefined;
  /** Code of the project that the client was launched on: what its tools write stays there. */
  project?: string | undefined;
  /** Nobody is there to be asked, whatever the client says of itself. */
  unattended?: boolean;
  clock: Clock;
  /** Of this code. */
  version: string;
  write: (message: object) => void;
  /** For the person who reads the client's log. */
  warn: (line: string) => void;
};

export type Bridge = {
  /** One line from the client; resolves when it has been answered. Throws nothing. */
  take(line: string): Promise<void>;
  /** Ends the session and what is still open. */
  close(): Promise<void>;
};

export function createBridge(deps: BridgeDeps): Bridge {
  const send = createServerLink(deps);
  const sessions = createSessions({ send, clock: deps.clock, write: deps.write });
  const relay = createRelay(deps);
  /** Requests under way that are cancelled by closing their connection, as of revision 2026-07-28. */
  const open = new Map<RequestId, AbortController>();

  const post = (message: Message, session: Session | null, signal: AbortSignal): Promise<Response> => {
    const revision = revisionOf(message);
    const era = revision === null ? session?.headers : routingHeaders(message, revision);
    return send({ method: 'POST', headers: { ...POST_HEADERS, ...era }, body: JSON.stringify(message), signal });
  };

  const forward = async (message: Message, signal: AbortSignal): Promise<void> => {
    if (message.method === 'initialize') {
      const response = await post(message, null, signal);
      const answer = await relay(response, message);
      const revision = answer?.result?.protocolVersion;
      if (revision !== undefined) sessions.begin({ response, initialize: message, revision });
      return;
    }
    const session = revisionOf(message) === null ? sessions.current() : null;
    const response = await post(message, session, signal);
    if (response.status === 404 && session !== null) {
      await response.text();
      await relay(await post(message, await sessions.reopen(session, signal), signal), message);
      return;
    }
    await relay(response, message);
    if (message.method === 'notifications/initialized' && session !== null) void sessions.listen(session);
  };

  return {
    async take(line) {
      const parsed = parse(line);
      const message = parsed !== null && deps.unattended === true ? withoutAsking(parsed) : parsed;
      if (message === null) return deps.write({ jsonrpc: '2.0', id: null, error: { code: -32700, message: 'This line is no JSON-RPC message.' } });
      const cancelled = message.method === 'notifications/cancelled' ? open.get(message.params?.['requestId'] as RequestId) : undefined;
      if (cancelled !== undefined) return cancelled.abort();
      const over = new AbortController();
      const id = requestId(message);
      if (id !== null && revisionOf(message) !== null) open.set(id, over);
      try {
        await forward(message, over.signal);
      } catch (error) {
        // Cancelled by the client, which waits for nothing any more; or a failure that the client is told of.
        if (over.signal.aborted) return;
        const failure = error instanceof AppError ? error : broken(error);
        if (id === null) deps.warn(failure.message);
        else deps.write(refusalOf(id, failure));
      } finally {
        if (id !== null) open.delete(id);
      }
    },
    async close() {
      for (const over of open.values()) over.abort();
      await sessions.close();
    },
  };
}

/** Passes everything in a response on to the client; answers the message that answers the request. @throws AppError when there is none. */
function createRelay(deps: BridgeDeps): (response: Response, request: Message) => Promise<Message | null> {
  let told = false;
  const pass = (raw: unknown, request: Message): Message | null => {
    const message = Message.safeParse(raw).data;
    if (message === undefined) {
      deps.write(raw as object); // a batch of revision 2025-03-26: not looked into
      return null;
    }
    const version = serverVersionOf(message);
    const notice = version === null || told ? null : versionNotice(deps.version, version);
    if (notice !== null && request.method === 'tools/call' && message.result?.content !== undefined) {
      told = true;
      message.result.content.push({ type: 'text', text: notice });
    }
    deps.write(message);
    return message.method === undefined && message.id === request.id ? message : null;
  };
  return async (response, request) => {
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok && !type.startsWith('application/json')) throw await problemError(response);
    if (response.status === 202 || response.body === null) return null;
    let answer: Message | null = null;
    if (type.startsWith('text/event-stream')) {
      for await (const { data } of parseFrames(response.body)) answer = pass(JSON.parse(data), request) ?? answer;
    } else {
      const refused = await response.json();
      answer = response.ok ? pass(refused, request) : passRefusal(refused, { request, deps });
    }
    if (answer === null && requestId(request) !== null) throw broken(null);
    return answer;
  };
}

/** A refusal may come before the server has read whose request it is: then its id is missing. */
function passRefusal(raw: unknown, { request, deps }: { request: Message; deps: BridgeDeps }): Message | null {
  const message = Message.safeParse(raw).data;
  const id = requestId(request);
  if (message === undefined || id === null) return null;
  const answer = { ...message, id };
  deps.write(answer);
  return answer;
}

function requestId({ id, method }: Message): RequestId | null {
  return id === undefined || method === undefined ? null : id;
}

function broken(cause: unknown): AppError {
  return new AppError('unavailable', 'The connection to Windlass ended before it had answered.', {
    next: 'Call again; what was started goes on and is found with run_list.',
    cause,
  });
}

function parse(line: string): Message | null {
  try {
    return Message.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null; // no JSON: the client is told
  }
}

/** Spec MCP-4; null when both are of one version. */
function versionNotice(own: string, server: string): string | null {
  const order = compareVersions(own, server);
  if (order === 0) return null;
  return order < 0
    ? `(This connection to Windlass runs version ${own}, the server is ${server}: reconnect the MCP server in your client to bring it up to date.)`
    : `(The running Windlass server is version ${server}, ${own} is installed: restart it to bring it up to date.)`;
}
