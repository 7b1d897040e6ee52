/**
 * A model provider on loopback that real coding CLIs talk to, in the protocol that each of them speaks. A script says what the model
 * answers to each request, from the tools it was offered and the results it has seen.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, Protocol } from './provider-protocols.ts';
import { PROTOCOLS, at } from './provider-protocols.ts';

export type Asked = {
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: unknown;
  /** Names of the tools that the model may call. */
  tools: readonly string[];
  /** The whole request as text, to look for what reached the model. */
  text: string;
};

export type ModelUpstream = AsyncDisposable & { url: string; asked: Asked[] };

/** `answer` is asked once for each request that offers tools; requests without tools (titles, routing) get a word. */
export async function startModelUpstream(answer: (asked: Asked) => Answer): Promise<ModelUpstream> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const path = request.url ?? '';
      const protocol = protocolOf(path);
      if (protocol === undefined || request.method !== 'POST') {
        response.writeHead(path.includes('/models') ? 200 : 404, { 'content-type': 'application/json' });
        response.end(JSON.stringify(path.includes('/models') ? { object: 'list', data: [], models: [] } : { error: { message: 'not here' } }));
        return;
      }
      const body: unknown = JSON.parse(text);
      const one: Asked = { path, headers: request.headers, body, tools: toolsOf(body), text };
      asked.push(one);
      if (/count_?tokens/i.test(path)) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ input_tokens: 10, totalTokens: 10 }));
        return;
      }
      const events = protocol.events(answer(one));
      if (path.includes(':generateContent')) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(events[0]?.replace(/^data: /, ''));
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events.join(''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function protocolOf(path: string): Protocol | undefined {
  const name = path.includes('/messages') ? 'anthropic' : path.includes('/responses') ? 'openai' : path.includes('models/') ? 'google' : '';
  return PROTOCOLS.find((each) => each.name === name);
}

type Named = { name?: unknown; function?: { name?: unknown }; functionDeclarations?: Named[]; tools?: Named[]; type?: unknown };

/** Names as the model writes them; those in a namespace with it before them. */
function toolsOf(body: unknown): string[] {
  const tools = at(body, 'tools');
  const names = (tool: Named, prefix: string): string[] => {
    if (Array.isArray(tool.functionDeclarations)) return tool.functionDeclarations.flatMap((each) => names(each, prefix));
    if (Array.isArray(tool.tools)) return tool.tools.flatMap((each) => names(each, `${String(tool.name)}/`));
    return typeof tool.name === 'string' ? [prefix + tool.name] : [];
  };
  return Array.isArray(tools) ? (tools as Named[]).flatMap((tool) => names(tool, '')) : [];
}
