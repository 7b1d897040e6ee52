/**
 * A server on loopback that is nothing but protocol translation: each client protocol at the paths its official clients use, over any
 * `LanguageModelV4`. What the gateway does around it (keys, budgets, routing) is not here.
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EmbeddingModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { AppError } from '../../src/kernel/errors.ts';
import { parseBody } from '../../src/surfaces/gateway/translate/accept.ts';
import { collectResult } from '../../src/surfaces/gateway/translate/collect.ts';
import { countInputTokens, writeCountTokens } from '../../src/surfaces/gateway/translate/count-tokens.ts';
import { embed, readEmbeddings, writeEmbeddings } from '../../src/surfaces/gateway/translate/embeddings.ts';
import { clientError, writeError } from '../../src/surfaces/gateway/translate/errors.ts';
import { fit } from '../../src/surfaces/gateway/translate/fit.ts';
import { writeModel, writeModels } from '../../src/surfaces/gateway/translate/model-list.ts';
import type { ModelListing, Protocol, RequestPlace, Target, TranslatedRequest } from '../../src/surfaces/gateway/translate/protocol.ts';
import { readRequest, streamWriter, writeResult } from '../../src/surfaces/gateway/translate/translate.ts';

export type TranslationServer = AsyncDisposable & { url: string; requests: TranslatedRequest[] };
export type Serving = {
  model: LanguageModelV4;
  target?: Target;
  embedding?: EmbeddingModelV4;
  listings?: readonly ModelListing[];
  /** Thrown in place of an answer. */
  failure?: Error;
};

const NOWHERE: RequestPlace = { model: null, stream: null };

export async function startTranslationServer(serving: Serving): Promise<TranslationServer> {
  const requests: TranslatedRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://loopback');
      const protocol = protocolOf(url.pathname, request.headers);
      handle(serving, { protocol, url, body: Buffer.concat(chunks), requests }, response).catch((error: unknown) => {
        const written = writeError(protocol, { ...clientError(error), requestId: 'req_1' });
        response.writeHead(written.status, written.headers).end(written.body);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function protocolOf(path: string, headers: IncomingHttpHeaders): Protocol {
  if (headers['x-goog-api-key'] !== undefined) return 'google';
  if (path.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined) return 'anthropic';
  if (path.endsWith('/embeddings')) return 'openai_embeddings';
  return path.endsWith('/responses') ? 'openai_responses' : 'openai_chat';
}

type Asked = { protocol: Protocol; url: URL; body: Buffer; requests: TranslatedRequest[] };

async function handle(serving: Serving, asked: Asked, response: ServerResponse): Promise<void> {
  if (serving.failure !== undefined) throw serving.failure;
  const { protocol, url, body } = asked;
  const json = (value: unknown): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (/\/models\/?[^:]*$/.test(url.pathname)) return json(models(protocol, url.pathname, serving.listings ?? []));
  if (protocol === 'openai_embeddings') {
    const read = readEmbeddings(parseBody(body));
    if (serving.embedding === undefined) throw new AppError('not_found', 'There are no embeddings.');
    return json(writeEmbeddings(read, { model: read.model, ...(await embed(serving.embedding, read, new AbortController().signal)) }));
  }
  const place = placeOf(url);
  if (url.pathname.endsWith('count_tokens') || url.pathname.endsWith(':countTokens')) {
    return json(writeCountTokens(protocol === 'google' ? 'google' : 'anthropic', countInputTokens(protocol, parseBody(body), place)));
  }
  const request = readRequest(protocol, parseBody(body), place);
  asked.requests.push(request);
  const { options } = fit(request, serving.target ?? { kind: 'openai-compatible', provider: 'scripted', model: 'scripted' });
  const context = { request, id: 'abc123', model: request.model, nowMs: 1_780_000_000_000 };
  const { stream } = await serving.model.doStream(options);
  if (!request.stream) return json(writeResult(context, await collectResult(stream)));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const writer = streamWriter(context);
  for await (const part of stream) response.write(writer.write(part));
  response.end(writer.end());
}

function placeOf(url: URL): RequestPlace {
  const [, model, verb] = /\/models\/([^:]+):(\w+)$/.exec(url.pathname) ?? [];
  return model === undefined ? NOWHERE : { model: decodeURIComponent(model), stream: verb === 'streamGenerateContent' };
}

function models(protocol: Protocol, path: string, listings: readonly ModelListing[]): unknown {
  const form = protocol === 'google' || protocol === 'anthropic' ? protocol : 'openai_chat';
  const name = path.replace(/^.*\/models\/?/, '');
  if (name === '') return writeModels(form, listings);
  const found = listings.find(({ id }) => id === decodeURIComponent(name));
  if (found === undefined) throw new AppError('not_found', `There is no model ${name}.`);
  return writeModel(form, found);
}
