/**
 * The words of protocol translation: what a client's request becomes, and what its answer is written from. The level between
 * protocols is the AI SDK's `LanguageModelV4`. Types only; the way in is `translate.ts`.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { Usage } from '../../../kernel/messages.ts';
import type { ProviderKind } from '../../../runtime/models/prompt.ts';

export const CHAT_PROTOCOLS = ['anthropic', 'openai_chat', 'openai_responses', 'google'] as const;
/** Protocols in which a client asks a model to answer. */
export type ChatProtocol = (typeof CHAT_PROTOCOLS)[number];
export type Protocol = ChatProtocol | 'openai_embeddings';

/** What the path says in Gemini's protocol and the body in the others; null where the body says it. */
export type RequestPlace = { model: string | null; stream: boolean | null };

/** A client's request as the AI SDK's call, without its signal. */
export type TranslatedRequest = {
  protocol: ChatProtocol;
  /** As the client wrote it: an alias, a model's own name, or `provider/model`. */
  model: string;
  stream: boolean;
  /** The body as it came and was checked: what an answer repeats of it (Responses), or is shaped by (`stream_options`). */
  body: JsonObject;
  options: LanguageModelV4CallOptions;
  /** Which member of the client's request an option came from (`topK`: `top_k`), to name it by when a provider cannot do it. */
  names: Readonly<Record<string, string>>;
  /** Members that mean nothing to another provider and nothing to the answer (`metadata.user_id`): told, not refused. */
  ignored: readonly string[];
};

/** A request as one provider takes it. */
export type FittedRequest = { options: LanguageModelV4CallOptions; ignored: readonly string[] };

/** What stands in an answer beside what the model said. */
export type AnswerContext = {
  request: TranslatedRequest;
  /** Unique; letters, digits and `_` only. Every id in the answer is made from it, with the protocol's own prefix. */
  id: string;
  /** The model's name as the client is told it. */
  model: string;
  nowMs: number;
};

/** Writes one streamed answer, part by part. Each call answers text to send, possibly none. */
export type StreamWriter = {
  write(part: LanguageModelV4StreamPart): string;
  /** After the last part; what the protocol still owes when the stream ended without `finish` is an error event. */
  end(): string;
  /** A failure after the stream has begun; nothing may follow. */
  fail(error: ClientError): string;
};

export type Translation = {
  /** @throws AppError `invalid_input` with every fault and its place. */
  readRequest(body: JsonObject, place: RequestPlace): TranslatedRequest;
  writeResult(context: AnswerContext, result: LanguageModelV4GenerateResult): JsonObject;
  streamWriter(context: AnswerContext): StreamWriter;
};

/** The provider that will be asked, which decides what of a request can be kept. */
export type Target = { kind: ProviderKind; provider: string; model: string };

/** What a client is told when there is no answer. Statuses outside the table are written as the nearest one of their class. */
export type ClientError = {
  /** HTTP status: 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504 or 529. */
  status: number;
  message: string;
  /** A code of ours or of the provider (`budget_exhausted`); where the protocol has a place for one. */
  code?: string | null;
  /** The member at fault, as in `messages.3.content`. */
  param?: string | null;
  requestId?: string | null;
  retryAfterMs?: number | null;
};

export type WrittenError = { status: number; headers: Record<string, string>; body: string };

/** What is known of an answer so far, read from the provider's own bytes. */
export type Reading = {
  /** The provider's own count, as last said; null before it said any. */
  usage: Usage | null;
  /** True when the count is the final one: the answer came to its end. */
  final: boolean;
  /** Tokens of the text, reasoning and arguments seen so far, estimated: what stands for output when the answer breaks off. */
  seenOutputTokens: number;
  model: string | null;
  /** The provider's own word for why it ended; null while it has not. */
  finish: string | null;
  error: { type: string | null; message: string } | null;
};

/** Reads usage on the way, from bytes in any chunking; holds no more than a few kilobytes. */
export type UsageReader = { push(chunk: Uint8Array): void; read(): Reading };

/** A model as lists show it. */
export type ModelListing = {
  /** What a client writes to ask for it. */
  id: string;
  provider: string;
  displayName: string;
  windowTokens: number;
  maxOutputTokens: number;
  createdMs: number;
  kind: 'chat' | 'embedding';
};
