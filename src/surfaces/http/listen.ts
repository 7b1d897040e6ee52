/** The listening socket: loopback unless told, a clear word when the port is taken, connections let go at the end. */
import { getRequestListener } from '@hono/node-server';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpApp } from './context.ts';

export type Listening = { url: string; port: number; close(): Promise<void> };

/** How long open requests may take to end before their connections are closed. */
const DRAIN_MS = 3_000;
const IDLE_LOOK_MS = 25;

export type ListenOptions = {
  host: string;
  port: number;
  clock: Clock;
  /** Asked before the app: true for a request that it answers itself. */
  first?: (request: IncomingMessage, response: ServerResponse) => boolean;
};

/** @throws AppError `unavailable` when the address is in use or not ours. */
export async function listen(app: HttpApp, options: ListenOptions): Promise<Listening> {
  const serve = getRequestListener(app.fetch);
  const server = createServer((request, response) => {
    if (options.first?.(request, response) !== true) void serve(request, response);
  });
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const shown = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${shown}:${port}`, port, close: () => close(server, { unused, clock: options.clock }) };
}

/** `unused` are connections that never brought a request: clients open them ahead, and Node does not count them as idle. */
async function close(server: Server, { unused, clock }: { unused: ReadonlySet<Socket>; clock: Clock }): Promise<void> {
  const drained = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).then(() => drained.abort());
  // A connection whose answer ends from now on is kept alive by Node, so idle ones are looked for again and again.
  for (let waitedMs = 0; waitedMs < DRAIN_MS && !drained.signal.aborted; waitedMs += IDLE_LOOK_MS) {
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
    await clock.sleep(IDLE_LOOK_MS, drained.signal);
  }
  server.closeAllConnections();
  await closed;
}

function listenError(error: NodeJS.ErrnoException, options: { host: string; port: number }): AppError {
  if (error.code === 'EADDRINUSE') {
    return new AppError('unavailable', `Port ${options.port} on ${options.host} is already in use.`, {
      next: `Stop what holds it, or start with another one: WINDLASS_PORT=${options.port + 1} npm start`,
      cause: error,
    });
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL') {
    return new AppError('unavailable', `Windlass may not listen on ${options.host}:${options.port}: ${error.message}.`, {
      next: 'Choose a port above 1023 and an address of this machine.',
      cause: error,
    });
  }
  return new AppError('unavailable', `Windlass cannot listen on ${options.host}:${options.port}: ${error.message}.`, { cause: error });
}
