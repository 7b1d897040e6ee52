/** Embeddings in OpenAI's form over any provider's embedding model. */
import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import { z } from 'zod';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { AppError } from '../../../kernel/errors.ts';
import { estimateTokens } from '../../../runtime/models/tokens.ts';
import { accept, Count, orNone, Told } from './accept.ts';

/** Texts of one request, as OpenAI bounds them. */
const VALUES_MAX = 2_048;
/** Texts of one call to a provider that names no bound of its own. */
const CALL_VALUES = 100;

const Text = z.string().min(1, { error: 'is empty' });
const Embeddings = z.strictObject({
  model: z.string().min(1),
  input: z.union([Text, z.array(Text, { error: 'must be texts: tokens of one model mean nothing to another' }).min(1).max(VALUES_MAX)]),
  encoding_format: z.enum(['float', 'base64']).nullish().transform(orNone),
  dimensions: Count.nullish().transform(orNone),
  user: Told,
});

export type EmbeddingRequest = { model: string; values: string[]; base64: boolean; dimensions: number | null };
export type Embedded = { embeddings: readonly (readonly number[])[]; inputTokens: number; estimated: boolean };

/** A body of `POST /v1/embeddings`. @throws AppError `invalid_input` */
export function readEmbeddings(body: JsonObject): EmbeddingRequest {
  const { model, input, encoding_format, dimensions } = accept(Embeddings, body);
  return { model, values: typeof input === 'string' ? [input] : input, base64: encoding_format === 'base64', dimensions: dimensions ?? null };
}

/** In as many calls as the provider needs, one after the other. @throws what the provider throws. */
export async function embed(model: EmbeddingModelV4, request: EmbeddingRequest, abortSignal: AbortSignal): Promise<Embedded> {
  const { values, dimensions } = request;
  const size = Math.max(1, Math.min((await model.maxEmbeddingsPerCall) ?? CALL_VALUES, VALUES_MAX));
  const embeddings: (readonly number[])[] = [];
  let inputTokens = 0;
  let estimated = false;
  for (let at = 0; at < values.length; at += size) {
    const part = values.slice(at, at + size);
    const result = await model.doEmbed({ values: part, abortSignal, ...(dimensions === null ? {} : { dimensions }) });
    if (result.embeddings.length !== part.length)
      throw new AppError('unavailable', `The provider answered ${result.embeddings.length} embeddings for ${part.length} texts.`);
    embeddings.push(...result.embeddings);
    estimated ||= result.usage === undefined;
    inputTokens += result.usage?.tokens ?? part.reduce((sum, text) => sum + estimateTokens(text), 0);
  }
  return { embeddings, inputTokens, estimated };
}

export function writeEmbeddings(request: EmbeddingRequest, { model, embeddings, inputTokens }: Embedded & { model: string }): JsonObject {
  const data = embeddings.map((numbers, index) => ({ object: 'embedding', index, embedding: request.base64 ? base64Of(numbers) : numbers }));
  return { object: 'list', data, model, usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } };
}

/** 32-bit floats, little-endian, as OpenAI's clients ask for by default. */
function base64Of(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * 4);
  return bytes.toString('base64');
}
