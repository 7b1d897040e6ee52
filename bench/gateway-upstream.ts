/**
 * What stands behind the gateways of a benchmark, in a process of its own: a provider that answers Chat Completions by the model's name, and
 * the bare pipe, which is the least that a proxy in Node can do. `node gateway-upstream.ts provider | pipe [url]`; prints its port.
 */
import { Agent, createServer, request as send } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const USAGE = { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50 };
const CHUNKS = 20;
const DELAY_MS = 50;

const whole = (bytes: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...{ id: 'c', object: 'chat.completion', created: 1, model: 'bench' },
      choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(bytes) }, finish_reason: 'stop' }],
      usage: USAGE,
    }),
  );
const ANSWERS: Readonly<Record<string, Buffer>> = { small: whole(1_000), large: whole(100_000), slow: whole(1_000) };

const event = (data: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(data)}\n\n`);
const chunk = (delta: object, finish_reason: string | null): Buffer =>
  event({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta, finish_reason }] });
const EVENTS = [
  ...Array.from({ length: CHUNKS }, (_, index) => chunk({ content: `word ${index} ` }, null)),
  chunk({}, 'stop'),
  event({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage: USAGE }),
  Buffer.from('data: [DONE]\n\n'),
];

const provider: RequestListener = (request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on(
    'end',
    () => void answer(/"model": ?"(?:[a-z]+\/)?([a-z]+)"/.exec((parts[0] ?? Buffer.alloc(0)).toString('latin1', 0, 200))?.[1] ?? '', response),
  );
};

async function answer(model: string, response: ServerResponse): Promise<void> {
  if (model === 'stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const each of EVENTS) {
      response.write(each);
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
    return;
  }
  if (model === 'slow') await sleep(DELAY_MS);
  const body = ANSWERS[model];
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json', 'content-length': body?.byteLength ?? 0 });
  response.end(body);
}

function pipeTo(url: string): RequestListener {
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(url);
  return (request: IncomingMessage, response) => {
    const out = send({ agent, hostname, port, path: request.url, method: request.method ?? 'GET', headers: request.headers }, (back) => {
      response.writeHead(back.statusCode ?? 502, back.headers);
      back.pipe(response);
    });
    out.on('error', () => response.destroy());
    request.pipe(out);
  };
}

const [, , role, url = ''] = process.argv;
const server = createServer(role === 'pipe' ? pipeTo(url) : provider);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
