/** The client's side of one call: what has gone out, whether it still listens, when it can take more. Knows nothing of what is said. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type Reply = {
  /** Whether headers have gone out. */
  begun(): boolean;
  /** Whether the client has gone away before its answer was whole. */
  gone(): boolean;
  /** Called once, at once when it has gone already. */
  onGone(listener: () => void): void;
  begin(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void;
  /** False when the client takes no more for now: `onDrain` tells when. */
  write(bytes: Uint8Array | string): boolean;
  onDrain(listener: () => void): void;
  end(): void;
  /** Headers and a whole body in one write. */
  answer(status: number, headers: Readonly<Record<string, string | readonly string[]>>, body: Uint8Array | string): void;
  /** Ends the connection, so that half an answer is not taken for a whole one. */
  cut(): void;
};

export function replyTo(request: IncomingMessage, response: ServerResponse): Reply {
  const listeners: (() => void)[] = [];
  let gone = false;
  response.once('close', () => {
    if (response.writableFinished) return;
    gone = true;
    for (const tell of listeners) tell();
  });
  const open = (): boolean => !response.destroyed && !response.writableEnded;
  return {
    begun: () => response.headersSent,
    gone: () => gone,
    onGone(listener) {
      if (gone) listener();
      else listeners.push(listener);
    },
    begin(status, headers) {
      if (open() && !response.headersSent) response.writeHead(status, headers as Record<string, string | string[]>);
    },
    write: (bytes) => (open() ? response.write(bytes) : true),
    onDrain: (listener) => void response.once('drain', listener),
    end() {
      if (open()) response.end();
    },
    answer(status, headers, body) {
      if (!open() || response.headersSent) return;
      // what was not read of the request would be taken for the next one
      const close = request.complete ? {} : { connection: 'close' };
      response.writeHead(status, { ...(headers as Record<string, string | string[]>), ...close, 'content-length': Buffer.byteLength(body) });
      response.end(body);
    },
    cut: () => void response.destroy(),
  };
}
