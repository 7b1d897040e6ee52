/**
 * Embeddings for the platform's own searches: one configured model, every call metered and held to the organization's budgets like any other.
 * What clients ask of embeddings goes through the model gateway instead.
 */
import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { ActorId, Ids, OrgId } from '../../kernel/ids.ts';
import { storedId } from '../../kernel/ids.ts';
import { NO_USAGE } from '../../kernel/messages.ts';
import type { CallOutcome, Ledger, Price } from '../../platform/budgets/ledger.ts';
import { classify } from './classify.ts';
import { boundedFetch, newExchange, type Fetch } from './http.ts';
import { DEFAULT_MODEL_LIMITS } from './limits.ts';
import { openEmbeddingModel, providersFrom, type ProviderSettings } from './providers.ts';
import { tokensAtMost } from './tokens.ts';

export type EmbedderDeps = {
  clock: Clock;
  fetch: Fetch;
  credential: (name: string) => string | undefined;
  providers: Readonly<Record<string, ProviderSettings>>;
  price: (model: string) => Price | null;
  ledger: Ledger;
  ids: Ids;
};

/** Vectors in the order of the texts. @throws AppError `budget_exhausted`, or `unavailable` when the provider fails or is not there */
export type Embedder = { model: string; embed(org: OrgId, texts: readonly string[]): Promise<Float32Array[]> };

const EMBED_MS = 30_000;
const SYSTEM: ActorId = storedId('act', 'system');

/** @throws AppError `configuration` for a model of an unknown provider */
export function createEmbedder(deps: EmbedderDeps, model: string): Embedder {
  const slash = model.indexOf('/');
  const provider = providersFrom(deps.providers, 'rehearsal').get(model.slice(0, Math.max(0, slash)));
  if (provider === undefined || provider.kind === 'anthropic')
    throw new AppError('configuration', `embeddings: "${model}" names no provider that has embeddings.`, {
      next: 'Write provider/model, as in openai/text-embedding-3-small or ollama/nomic-embed-text.',
    });
  const { clock, ledger } = deps;
  return {
    model,
    async embed(org, texts) {
      const planned = {
        place: { org, project: null, agent: null, key: null, run: null, actor: SYSTEM, correlation: deps.ids.next('cor') },
        ...{ model, protocol: 'openai_embeddings' as const, maxOutputTokens: 0, price: deps.price(model), rehearsed: false, facts: {} },
        inputTokens: texts.reduce((sum, text) => sum + tokensAtMost(text), 0),
      };
      const begun = await ledger.begin(planned);
      if (!begun.ok) throw new AppError('budget_exhausted', begun.refusal.message);
      const startedMs = clock.nowMs();
      const exchange = newExchange();
      const told = (kind: CallOutcome['kind'], rest: Partial<CallOutcome>): Promise<unknown> =>
        ledger.end(begun.call, {
          kind,
          usage: null,
          status: null,
          ms: clock.nowMs() - startedMs,
          firstByteMs: null,
          failure: null,
          facts: {},
          ...rest,
        });
      const secret = provider.keyNames.map((name) => deps.credential(name)).find((value) => value !== undefined && value !== '');
      const over = new AbortController();
      const done = new AbortController();
      void clock.sleep(EMBED_MS, done.signal).then(() => over.abort());
      try {
        const fetch = boundedFetch({ fetch: deps.fetch, clock, limits: DEFAULT_MODEL_LIMITS, exchange });
        const opened = await openEmbeddingModel(provider, model.slice(slash + 1), { apiKey: secret, fetch });
        const { vectors, tokens } = await embedAll(opened, texts, over.signal);
        await told('replied', { status: 200, usage: { ...NO_USAGE, inputTokens: tokens ?? planned.inputTokens, estimated: tokens === null } });
        return vectors;
      } catch (error) {
        const failure = classify(error, { provider: provider.name, exchange, nowMs: clock.nowMs(), secret });
        await told(failure.sent ? 'failed' : 'not_sent', { usage: failure.usage, failure: failure.message });
        throw new AppError('unavailable', `The embedding model ${model} failed: ${failure.message}`, { cause: error });
      } finally {
        done.abort();
      }
    },
  };
}

/** `tokens` is null when the provider did not say. @throws what the provider throws */
async function embedAll(model: EmbeddingModelV4, texts: readonly string[], abortSignal: AbortSignal) {
  const size = Math.max(1, (await model.maxEmbeddingsPerCall) ?? texts.length);
  const vectors: Float32Array[] = [];
  let tokens: number | null = 0;
  for (let at = 0; at < texts.length; at += size) {
    const values = texts.slice(at, at + size);
    const { embeddings, usage } = await model.doEmbed({ values, abortSignal });
    if (embeddings.length !== values.length)
      throw new AppError('unavailable', `It answered ${embeddings.length} embeddings for ${values.length} texts.`);
    vectors.push(...embeddings.map((numbers) => Float32Array.from(numbers)));
    tokens = tokens === null || usage === undefined ? null : tokens + usage.tokens;
  }
  return { vectors, tokens };
}
