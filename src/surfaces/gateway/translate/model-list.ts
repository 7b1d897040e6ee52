/** Models as each protocol lists them, with what its clients read of window, output and abilities. */
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import type { ModelListing } from './protocol.ts';

export type ListForm = 'anthropic' | 'openai_chat' | 'google';

/** All at once: there are dozens, not thousands. */
export function writeModels(form: ListForm, models: readonly ModelListing[]): JsonObject {
  const data = models.map((model) => writeModel(form, model));
  switch (form) {
    case 'anthropic':
      return { data, has_more: false, first_id: models[0]?.id ?? null, last_id: models.at(-1)?.id ?? null };
    case 'openai_chat':
      return { object: 'list', data };
    case 'google':
      return { models: data };
  }
}

export function writeModel(form: ListForm, model: ModelListing): JsonObject {
  const { id, provider, displayName, windowTokens, maxOutputTokens, createdMs, kind } = model;
  const chat = kind === 'chat';
  const facts = { context_window: windowTokens, max_output_tokens: maxOutputTokens, capabilities: capabilitiesOf(chat) };
  switch (form) {
    case 'anthropic':
      return {
        type: 'model',
        id,
        display_name: displayName,
        created_at: new Date(createdMs).toISOString(),
        max_input_tokens: windowTokens,
        max_tokens: maxOutputTokens,
        // Said by name only for models of Anthropic's own, by Anthropic: what is true of all of them stands in `windlass`.
        capabilities: null,
        windlass: facts,
      };
    case 'openai_chat':
      return { id, object: 'model', created: Math.floor(createdMs / 1_000), owned_by: provider, ...facts };
    case 'google':
      return {
        name: `models/${id}`,
        displayName,
        version: id,
        inputTokenLimit: windowTokens,
        outputTokenLimit: maxOutputTokens,
        supportedGenerationMethods: chat ? ['generateContent', 'streamGenerateContent', 'countTokens'] : ['embedContent'],
      };
  }
}

/** What the gateway can carry to every provider; whether a model is good at it is the model's. */
function capabilitiesOf(chat: boolean): string[] {
  return chat ? ['chat', 'streaming', 'tools', 'images', 'structured_output'] : ['embeddings'];
}
