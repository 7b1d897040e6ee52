/** An endpoint of embeddings on loopback whose vectors say what a text is about. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const KINDS = ['wait', 'money', 'name', 'file'];

/** Speaks OpenAI's embeddings: texts about waiting, patience included, lie near each other. */
export async function embeddingServer() {
  const state = { down: false, asked: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      state.asked += 1;
      const { input } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { input: string[] };
      if (state.down) return void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"down"}}');
      const vector = (text: string): number[] =>
        KINDS.map((kind) => (text.includes(kind) || (kind === 'wait' && text.includes('patience')) ? 1 : 0.01));
      const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vector(text) }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data, model: 'm', usage: { prompt_tokens: 7, total_tokens: 7 } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispose = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, [Symbol.asyncDispose]: dispose };
}
