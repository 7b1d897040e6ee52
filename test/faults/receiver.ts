/**
 * What the tools of a fault test act on: an HTTP server outside the killed process that counts effects. One path honours
 * idempotency keys, one can be asked whether it has one, one knows neither.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Receiver = {
  url: string;
  /** Effects that really happened, in order. */
  effects(): readonly { tool: string; key: string }[];
  /** Requests that arrived, effects or not. */
  requests(): number;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startReceiver(): Promise<Receiver> {
  const effects: { tool: string; key: string }[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://receiver');
    const [tool, key] = [url.searchParams.get('tool') ?? '', url.searchParams.get('key') ?? ''];
    const known = effects.some((effect) => effect.key === key && effect.tool === tool);
    if (request.method === 'POST') {
      requests += 1;
      if (tool !== 'put_keyed' || !known) effects.push({ tool, key });
    }
    request.resume();
    response.writeHead(request.method === 'POST' || known ? 200 : 404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    effects: () => effects,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
