/**
 * One try at a model whose provider speaks another protocol than the client: translated to the AI SDK's call and back, part by part. Rehearsals come
 * this way too. What each protocol's words mean is `translate/`.
 */
import { UnsupportedFunctionalityError, type LanguageModelV4CallOptions, type LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, toAppError } from '../../kernel/errors.ts';
import { NO_USAGE, type Usage } from '../../kernel/messages.ts';
import { classify } from '../../runtime/models/classify.ts';
import { modelFailure } from '../../runtime/models/failure.ts';
import { boundedFetch, newExchange, type Exchange, type Fetch } from '../../runtime/models/http.ts';
import { DEFAULT_MODEL_LIMITS } from '../../runtime/models/limits.ts';
import type { ModelFailure } from '../../runtime/models/model.ts';
import { openEmbeddingModel, openModel, type Opening } from '../../runtime/models/providers.ts';
import type { Rehearsal } from '../../runtime/models/rehearsal.ts';
import type { TellWarnings } from '../../runtime/models/warnings.ts';
import type { Attempt, Changes } from './attempt.ts';
import type { Serving } from './call.ts';
import type { Held, Passed } from './exchange.ts';
import { partsOf, rehearsalRequest } from './rehearsed.ts';
import { usageOf } from './translate/answer.ts';
import { collectResult } from './translate/collect.ts';
import { embed, readEmbeddings, writeEmbeddings } from './translate/embeddings.ts';
import { failureError } from './translate/errors.ts';
import { fit } from './translate/fit.ts';
import type { AnswerContext, TranslatedRequest } from './translate/protocol.ts';
import { readRequest, streamWriter, writeResult } from './translate/translate.ts';

export type Translating = {
  clock: Clock;
  fetch: Fetch;
  rehearsal: Rehearsal;
  /** Letters and digits. */
  newId: () => string;
  timeouts: { firstByteMs: number; idleMs: number };
  /** Aborted when the server stops. */
  closing: AbortSignal;
  tellWarnings: TellWarnings;
};

export type TranslatedTry = {
  attempt: Attempt;
  changes: Changes;
  named: () => Record<string, string>;
  collected: { push(bytes: Uint8Array): void } | null;
};

/** How far one try has come. */
type Progress = {
  exchange: Exchange;
  startedMs: number;
  firstByteMs: number | null;
  usage: Usage | null;
  seenChars: number;
  finish: string | null;
  held: Held | null;
};

const JSON_TYPE = { 'content-type': 'application/json' } as const;
const STREAM_TYPE = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' } as const;

export async function translated(deps: Translating, serving: Serving, at: TranslatedTry): Promise<Passed> {
  const { reply } = serving;
  const progress: Progress = {
    ...{ exchange: newExchange(), startedMs: deps.clock.nowMs(), firstByteMs: null, usage: null, seenChars: 0, finish: null, held: null },
  };
  const stop = new AbortController();
  reply.onGone(() => stop.abort());
  deps.closing.addEventListener('abort', () => stop.abort(), { once: true, signal: stop.signal });
  const failure = await carriedOut(deps, serving, { ...at, progress, stop }).then(
    () => null,
    (error: unknown) => failureOf(error, { deps, at, progress, gone: reply.gone() }),
  );
  stop.abort();
  if (failure === null && reply.begun()) reply.end();
  return {
    ...{ failure, firstByteMs: progress.firstByteMs, held: failure === null ? progress.held : null },
    status: progress.firstByteMs === null ? null : 200,
    reading: {
      ...{ usage: progress.usage, final: failure === null, finish: progress.finish, error: null, model: at.attempt.name },
      seenOutputTokens: Math.ceil(progress.seenChars / 3),
    },
  };
}

type Running = TranslatedTry & { progress: Progress; stop: AbortController };

async function carriedOut(deps: Translating, serving: Serving, running: Running): Promise<void> {
  const { call } = serving;
  const { attempt, changes, progress } = running;
  const { ask } = call.endpoint;
  if (ask.kind === 'embed') return heardFrom(deps, running, embedded(deps, serving, running));
  if (ask.kind !== 'answer') throw new AppError('unsupported', `${attempt.model} is of another protocol: this cannot be translated.`);
  if (call.endpoint.protocol === 'google' && call.ask.stream && !/[?&]alt=sse(?:&|$)/.test(call.endpoint.query)) {
    throw new AppError('unsupported', 'A translated stream comes as server-sent events only.', { next: 'Add alt=sse to the address.' });
  }
  const request = readRequest(ask.protocol, call.ask.json, { model: ask.model, stream: ask.stream });
  const { options, ignored } = fitted(request, attempt);
  changes.named.push(...ignored.map((name) => `${name} ignored`));
  const limited = call.ask.maxOutputTokens !== null || changes.maxOutputTokens < attempt.maxOutputTokens;
  const asked: LanguageModelV4CallOptions = {
    ...options,
    ...(limited ? { maxOutputTokens: changes.maxOutputTokens } : {}),
    abortSignal: running.stop.signal,
  };
  const context: AnswerContext = { request, id: deps.newId(), model: call.ask.model, nowMs: deps.clock.nowMs() };
  progress.exchange.heardMs = deps.clock.nowMs();
  await heardFrom(
    deps,
    running,
    call.ask.stream ? streamed(deps, serving, { ...running, context, asked }) : whole(deps, serving, { ...running, context, asked }),
  );
}

function fitted(request: TranslatedRequest, { provider, name }: Attempt): ReturnType<typeof fit> {
  return provider === null
    ? { options: request.options, ignored: request.ignored }
    : fit(request, { kind: provider.kind, provider: provider.name, model: name });
}

/** Embeddings of a provider that does not speak OpenAI's protocol. */
async function embedded(deps: Translating, { call, reply }: Serving, { attempt, progress, collected, stop }: Running): Promise<void> {
  const { provider, name } = attempt;
  if (provider === null) throw new AppError('unsupported', 'A rehearsal has no embeddings.');
  const request = readEmbeddings(call.ask.json);
  progress.exchange.heardMs = deps.clock.nowMs();
  const model = await openEmbeddingModel(provider, name, opening(deps, { attempt, progress }));
  const found = await embed(model, request, stop.signal);
  progress.firstByteMs = deps.clock.nowMs() - progress.startedMs;
  progress.usage = { ...NO_USAGE, inputTokens: found.inputTokens, estimated: found.estimated };
  progress.finish = 'stop';
  const body = Buffer.from(JSON.stringify(writeEmbeddings(request, { ...found, model: call.ask.model })));
  collected?.push(body);
  if (!reply.gone()) progress.held = { status: 200, headers: { ...JSON_TYPE }, body };
}

type Asking = Running & { context: AnswerContext; asked: LanguageModelV4CallOptions };

/** Streamed from the provider all the same, so that silence is noticed. */
async function whole(deps: Translating, serving: Serving, asking: Asking): Promise<void> {
  const { context, collected, progress } = asking;
  const result = await collectResult(seen(deps, asking, await partsFrom(deps, asking)));
  if (progress.finish === null) throw new AppError('unavailable', 'The answer broke off before its end.');
  const body = Buffer.from(JSON.stringify(writeResult(context, result)));
  collected?.push(body);
  if (!serving.reply.gone()) progress.held = { status: 200, headers: { ...JSON_TYPE }, body };
}

async function streamed(deps: Translating, serving: Serving, asking: Asking): Promise<void> {
  const { reply } = serving;
  const { progress, context } = asking;
  const writer = streamWriter(context);
  const send = async (text: string): Promise<void> => {
    if (text === '') return;
    if (!reply.begun()) reply.begin(200, { ...STREAM_TYPE, ...asking.named() });
    asking.collected?.push(Buffer.from(text));
    if (!reply.write(text)) await new Promise<void>((resolve) => (reply.onDrain(resolve), reply.onGone(resolve)));
  };
  try {
    for await (const part of seen(deps, asking, await partsFrom(deps, asking))) {
      if (part.type === 'error') throw part.error;
      if (reply.gone()) throw new AppError('unavailable', 'The client has gone.');
      await send(writer.write(part));
    }
    if (progress.finish === null) throw new AppError('unavailable', 'The answer broke off before its end.');
    await send(writer.end());
  } catch (error) {
    if (reply.begun() && !reply.gone()) {
      reply.write(writer.fail(failureError(failureOf(error, { deps, at: asking, progress, gone: false }))));
      reply.end();
    }
    throw error;
  }
}

async function partsFrom(deps: Translating, asking: Asking): Promise<AsyncIterable<LanguageModelV4StreamPart>> {
  if (asking.attempt.provider !== null) return (await (await open(deps, asking)).doStream(asking.asked)).stream;
  const parts = partsOf(await rehearse(deps, asking));
  return (async function* each() {
    yield* parts;
  })();
}

async function* seen(
  { clock, tellWarnings }: Translating,
  { progress, attempt }: Running,
  parts: AsyncIterable<LanguageModelV4StreamPart>,
): AsyncIterable<LanguageModelV4StreamPart> {
  for await (const part of parts) {
    progress.exchange.heardMs = clock.nowMs();
    if (part.type === 'stream-start') tellWarnings(attempt.model, part.warnings);
    see(progress, part);
    if (!NOT_AN_ANSWER.has(part.type)) progress.firstByteMs ??= clock.nowMs() - progress.startedMs;
    yield part;
  }
}

/** Parts that come before a provider has said anything. */
const NOT_AN_ANSWER: ReadonlySet<string> = new Set(['stream-start', 'response-metadata', 'error']);

function see(progress: Progress, part: LanguageModelV4StreamPart): void {
  if (part.type === 'text-delta' || part.type === 'reasoning-delta' || part.type === 'tool-input-delta')
    progress.seenChars += Buffer.byteLength(part.delta);
  if (part.type !== 'finish') return;
  progress.usage = usageOf(part.usage);
  if (part.finishReason.unified !== 'error' && part.finishReason.unified !== 'interrupted')
    progress.finish = part.finishReason.raw ?? part.finishReason.unified;
}

/** A failure of a script that is carried to where every failure is told. */
const SCRIPTED = Symbol('failure of a rehearsal');
type Scripted = AppError & { [SCRIPTED]?: ModelFailure };

async function rehearse({ rehearsal }: Translating, { attempt, asked, progress, stop }: Asking) {
  progress.exchange.sent = true;
  const outcome = await rehearsal.play(attempt.name, rehearsalRequest(attempt.model, asked), { signal: stop.signal, onDelta: undefined });
  if (outcome.ok) return outcome.reply;
  throw Object.assign(new AppError('unavailable', outcome.failure.message), { [SCRIPTED]: outcome.failure });
}

async function open(deps: Translating, { attempt, progress }: Asking) {
  const { provider, name } = attempt;
  if (provider === null) throw toAppError('a rehearsal has no provider');
  return openModel(provider, name, opening(deps, { attempt, progress }));
}

function opening({ clock, fetch, newId }: Translating, { attempt, progress }: { attempt: Attempt; progress: Progress }): Opening {
  const { credential } = attempt;
  const bounded = boundedFetch({ fetch, clock, limits: DEFAULT_MODEL_LIMITS, exchange: progress.exchange });
  return { apiKey: credential.whose === 'ours' ? credential.key : undefined, fetch: bounded, generateId: newId };
}

/** Rejects when nothing is heard for too long. */
async function heardFrom({ clock, timeouts }: Translating, { progress, stop }: Running, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const silent = (async () => {
    while (!over.signal.aborted) {
      const mostMs = progress.firstByteMs === null ? timeouts.firstByteMs : timeouts.idleMs;
      const leftMs = progress.exchange.heardMs + mostMs - clock.nowMs();
      if (leftMs <= 0)
        throw Object.assign(new AppError('unavailable', 'silent'), {
          [SCRIPTED]: modelFailure('timeout', 'The provider gave no word for too long.', { sent: true }),
        });
      await clock.sleep(leftMs, over.signal);
    }
  })();
  try {
    await Promise.race([work, silent]);
  } finally {
    over.abort();
    stop.abort();
    silent.catch(() => undefined);
    work.catch(() => undefined);
  }
}

type Failing = { deps: Translating; at: TranslatedTry; progress: Progress; gone: boolean };

function failureOf(error: unknown, { deps, at, progress, gone }: Failing): ModelFailure {
  if (gone) return modelFailure('aborted', 'The client has gone.', { sent: progress.exchange.sent });
  if (deps.closing.aborted) return modelFailure('interrupted', 'The gateway is stopping.', { sent: progress.exchange.sent });
  const scripted = error instanceof AppError ? (error as Scripted)[SCRIPTED] : undefined;
  if (scripted !== undefined) return scripted;
  if (error instanceof AppError && !progress.exchange.sent) {
    const next = error.next === undefined ? '' : ` ${error.next}`;
    return modelFailure('invalid_request', `${error.message}${/[.!?]$/.test(error.message) ? '' : '.'}${next}`, { sent: false });
  }
  if (UnsupportedFunctionalityError.isInstance(error)) {
    return modelFailure('invalid_request', `This cannot be translated for the provider: ${error.functionality}.`, { sent: false });
  }
  if (error instanceof AppError) return modelFailure('malformed', error.message, { sent: true });
  const { provider, credential } = at.attempt;
  return classify(error, {
    ...{ provider: provider?.name ?? 'rehearsal', exchange: progress.exchange, nowMs: deps.clock.nowMs() },
    secret: credential.whose === 'ours' ? credential.key : undefined,
  });
}
