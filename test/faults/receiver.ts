/**
 * What the tools of a fault test act on: an HTTP server outside the killed process that counts effects. It honours idempotency
 * keys for `put_keyed`, can be asked for an effect, and answers late or never when it is told to.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One effect that really happened. `step` is which of the run's steps it belongs to, whatever call carried it out. */
export type Effect = { tool: string; run: string; step: string; key: string };

export type Receiver = {
  url: string;
  effects(): readonly Effect[];
  /** Requests that arrived, effects or not. */
  requests(): number;
  /** The next effect of this run is applied and kept without an answer; resolves when it is there, with what answers it. */
  holdNext(run: string): Promise<() => void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startReceiver(): Promise<Receiver> {
  const effects: Effect[] = [];
  const byKey = new Set<string>();
  const held = new Map<string, (answer: () => void) => void>();
  let requests = 0;

  const put = (effect: Effect, response: ServerResponse): void => {
    requests += 1;
    const id = `${effect.tool} ${effect.key}`;
    if (effect.tool !== 'put_keyed' || !byKey.has(id)) effects.push(effect);
    byKey.add(id);
    const answer = (): void => void response.writeHead(200).end();
    const hold = held.get(effect.run);
    if (hold === undefined) return answer();
    held.delete(effect.run);
    hold(answer);
  };

  const server = createServer((request, response) => {
    const given = new URL(request.url ?? '/', 'http://receiver').searchParams;
    const [tool, run, step, key] = ['tool', 'run', 'step', 'key'].map((name) => given.get(name) ?? '') as [string, string, string, string];
    request.resume();
    if (request.method === 'POST') put({ tool, run, step, key }, response);
    else response.writeHead(byKey.has(`${tool} ${key}`) ? 200 : 404).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    effects: () => effects,
    requests: () => requests,
    holdNext: (run) => new Promise((resolve) => void held.set(run, resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
