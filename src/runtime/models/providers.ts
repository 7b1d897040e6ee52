/**
 * The providers (spec GTW-1): built-in ones, and any OpenAI-compatible server by a name of its own. Adding a protocol is one
 * case here and its package. The packages are loaded on first use, so that an idle process does not carry them.
 */
import type { EmbeddingModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { AppError, unreachable, type Fault } from '../../kernel/errors.ts';
import type { Fetch } from './http.ts';
import type { ProviderKind } from './prompt.ts';

/** As in the configuration: `keyEnv` names the variable that holds the key. */
export type ProviderSettings = { kind: ProviderKind; baseUrl?: string | undefined; keyEnv?: string | undefined };

export type Provider = {
  name: string;
  kind: ProviderKind;
  /** Ends before the protocol's own path, as in `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Names that may hold its key, in order; empty when it needs none. */
  keyNames: readonly string[];
};

const BASE_URLS: Readonly<Partial<Record<ProviderKind, string>>> = {
  anthropic: 'https://api.anthropic.com/v1',
  openai: 'https://api.openai.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
};

const BUILT_IN: readonly Provider[] = [
  { name: 'anthropic', kind: 'anthropic', baseUrl: 'https://api.anthropic.com/v1', keyNames: ['ANTHROPIC_API_KEY'] },
  { name: 'openai', kind: 'openai', baseUrl: 'https://api.openai.com/v1', keyNames: ['OPENAI_API_KEY'] },
  {
    name: 'google',
    kind: 'google',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    keyNames: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  },
  { name: 'openrouter', kind: 'openai-compatible', baseUrl: 'https://openrouter.ai/api/v1', keyNames: ['OPENROUTER_API_KEY'] },
  { name: 'ollama', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:11434/v1', keyNames: [] },
];

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** Built-in providers with the configured ones over them. @throws AppError `configuration` with every fault. */
export function providersFrom(settings: Readonly<Record<string, ProviderSettings>>, reserved: string): ReadonlyMap<string, Provider> {
  const providers = new Map(BUILT_IN.map((provider) => [provider.name, provider]));
  const faults: Fault[] = [];
  for (const [name, { kind, baseUrl, keyEnv }] of Object.entries(settings)) {
    const known = providers.get(name);
    const same = known?.kind === kind ? known : undefined;
    const url = baseUrl ?? same?.baseUrl ?? BASE_URLS[kind];
    if (!NAME.test(name) || name === reserved) faults.push({ path: `providers.${name}`, message: 'is no name a provider can have' });
    if (url === undefined) faults.push({ path: `providers.${name}.baseUrl`, message: 'is needed for an OpenAI-compatible provider' });
    // A key that was not named never goes to a server that was.
    const keyNames = keyEnv === undefined ? (same?.keyNames ?? []) : [keyEnv];
    providers.set(name, { name, kind, baseUrl: (url ?? '').replace(/\/+$/, ''), keyNames });
  }
  if (faults.length > 0) throw new AppError('configuration', 'The providers have faults.', { faults, next: 'Mend what is listed.' });
  return providers;
}

export type Opening = { apiKey: string | undefined; fetch: Fetch; generateId: () => string };

/** A model of a provider, ready for one call. Address and key are always given: the SDKs would look into the environment. */
export async function openModel(provider: Provider, model: string, { apiKey, fetch, generateId }: Opening): Promise<LanguageModelV4> {
  const settings = { baseURL: provider.baseUrl, apiKey: apiKey ?? 'none', fetch };
  switch (provider.kind) {
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic({ ...settings, generateId }).languageModel(model);
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI(settings).responses(model);
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle({ ...settings, generateId }).languageModel(model);
    }
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const { apiKey: _none, ...keyless } = settings;
      const protocol = { name: provider.name, includeUsage: true, supportsStructuredOutputs: true };
      return createOpenAICompatible({ ...protocol, ...(apiKey === undefined ? keyless : settings) }).languageModel(model);
    }
    default:
      return unreachable(provider.kind);
  }
}

/** An embedding model of a provider. @throws AppError `unsupported` for a provider that has none. */
export async function openEmbeddingModel(
  provider: Provider,
  model: string,
  { apiKey, fetch }: Omit<Opening, 'generateId'>,
): Promise<EmbeddingModelV4> {
  const settings = { baseURL: provider.baseUrl, apiKey: apiKey ?? 'none', fetch };
  switch (provider.kind) {
    case 'anthropic':
      throw new AppError('unsupported', 'Anthropic has no embedding models.', { next: 'Ask for a model of another provider.' });
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI(settings).embeddingModel(model);
    }
    case 'google': {
      const { createGoogle } = await import('@ai-sdk/google');
      return createGoogle(settings).embeddingModel(model);
    }
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const { apiKey: _none, ...keyless } = settings;
      return createOpenAICompatible({ name: provider.name, ...(apiKey === undefined ? keyless : settings) }).embeddingModel(model);
    }
    default:
      return unreachable(provider.kind);
  }
}
