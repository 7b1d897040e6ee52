/**
 * A server on loopback that plays a model provider: it answers each request with the next behaviour and records what came.
 * The protocols' own words are in `provider-protocols.ts`.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/kernel/clock.ts';

/** What to do with one request. `after` says how a stream goes on after its events: ends, falls silent, or loses its connection. */
export type Behaviour =
  | { status: number; body: string; headers?: Record<string, string> }
  | { events: readonly string[]; after?: 'end' | 'hang' | 'drop' }
  | { drip: string; everyMs: number }
  | 'silent';

export type Recorded = { path: string; headers: IncomingHttpHeaders; body: unknown };

export type ProviderServer = AsyncDisposable & {
  url: string;
  requests: Recorded[];
  next(...behaviours: Behaviour[]): void;
};

export async function startProviderServer(): Promise<ProviderServer> {
  const requests: Recorded[] = [];
  const queue: Behaviour[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      requests.push({ path: request.url ?? '', headers: request.headers, body: text === '' ? null : (JSON.parse(text) as unknown) });
      behave(queue.shift() ?? { status: 418, body: 'the test has no behaviour for this request' }, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    next: (...behaviours) => void queue.push(...behaviours),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function behave(behaviour: Behaviour, response: ServerResponse): void {
  if (behaviour === 'silent') return;
  if ('status' in behaviour) {
    response.writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers });
    response.end(behaviour.body);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if ('drip' in behaviour) {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    void drip(behaviour, response, gone.signal);
    return;
  }
  for (const event of behaviour.events) response.write(event);
  if (behaviour.after === 'drop') response.write('', () => response.destroy());
  else if (behaviour.after !== 'hang') response.end();
}

async function drip({ drip: text, everyMs }: { drip: string; everyMs: number }, response: ServerResponse, gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    response.write(text);
    await systemClock.sleep(everyMs, gone);
  }
}
