/**
 * A translated request for one provider: what that provider cannot do is refused by the client's own name for it, before anything is
 * spent. What only hints at how to answer is told as ignored instead.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import type { Fault } from '../../../kernel/errors.ts';
import { isStrict, type ProviderKind } from '../../../runtime/models/prompt.ts';
import { faulty } from './accept.ts';
import type { FittedRequest, Target, TranslatedRequest } from './protocol.ts';

type Options = LanguageModelV4CallOptions;
type ProviderOptions = NonNullable<Options['providerOptions']>[string];
type Option = 'stopSequences' | 'seed' | 'presencePenalty' | 'frequencyPenalty';

/** Settings that a provider's protocol has no member for. */
const CANNOT: Readonly<Record<ProviderKind, readonly Option[]>> = {
  anthropic: ['seed', 'presencePenalty', 'frequencyPenalty'],
  openai: ['stopSequences', 'seed', 'presencePenalty', 'frequencyPenalty'],
  'openai-compatible': [],
  google: [],
};
/** What says nothing, so that leaving it out loses nothing. */
const NOTHING: Readonly<Partial<Record<Option, number>>> = { presencePenalty: 0, frequencyPenalty: 0 };
/** OpenAI's models that think take no sampling settings. */
const THINKING_MODELS = /^(?:o\d|gpt-(?:[5-9]|\d\d))(?!.*chat)/;

/** @throws AppError `invalid_input` naming each member that this provider cannot carry out. */
export function fit(request: TranslatedRequest, target: Target): FittedRequest {
  const faults = faultsOf(request, target);
  if (faults.length > 0) throw faulty(faults);
  const { anthropic = {}, openai = {}, google = {} } = request.options.providerOptions ?? {};
  const ignored = [...request.ignored];
  const options: Options = { ...request.options, prompt: promptFor(request.options.prompt, target.kind) };
  for (const option of ['presencePenalty', 'frequencyPenalty'] as const) if (options[option] === NOTHING[option]) delete options[option];
  const { textVerbosity, ...others } = openai;
  if (textVerbosity !== undefined && target.kind !== 'openai' && target.kind !== 'openai-compatible') ignored.push('verbosity');
  for (const option of untaken(target)) {
    if (options[option] !== undefined && (option === 'topK' || options[option] !== 1)) ignored.push(request.names[option] ?? option);
    delete options[option];
  }
  if (target.kind === 'google' && systemsLater(options.prompt)) {
    ignored.push('system messages after the first of the user');
    options.prompt = options.prompt.map(asUser);
  }
  switch (target.kind) {
    case 'anthropic':
      // What Anthropic's own client said of thinking stands above the level made from it.
      if (anthropic['thinking'] !== undefined || anthropic['effort'] !== undefined) delete options.reasoning;
      options.providerOptions = { anthropic };
      break;
    case 'openai':
      options.providerOptions = { openai: { ...openai, ...openaiOptions(request, anthropic) } };
      break;
    case 'openai-compatible':
      options.providerOptions = {
        [target.provider]: { ...(anthropic['disableParallelToolUse'] === true ? { parallel_tool_calls: false } : {}) },
        openaiCompatible: {
          ...(textVerbosity === undefined ? {} : { textVerbosity }),
          strictJsonSchema: others['strictJsonSchema'] ?? strictSchema(options),
        },
      };
      break;
    case 'google':
      options.providerOptions = { google: thoughtsOf(request, google) };
      break;
  }
  return { options, ignored };
}

/** How a model picks its words is a hint that coding CLIs always send: where a provider has no such setting, it is told and left out. */
function untaken({ kind, model }: Target): ('topK' | 'topP' | 'temperature')[] {
  if (kind === 'openai') return THINKING_MODELS.test(model) ? ['topK', 'topP', 'temperature'] : ['topK'];
  return kind === 'openai-compatible' ? ['topK'] : [];
}

/** Gemini has one place for instructions; what comes later is handed on as the user's, who may say less than the system. */
function asUser(message: LanguageModelV4Message, index: number, prompt: Options['prompt']): LanguageModelV4Message {
  if (message.role !== 'system' || prompt.slice(0, index).every(({ role }) => role === 'system')) return message;
  return { role: 'user', content: [{ type: 'text', text: message.content }] };
}

/** Nothing is stored at the provider, so that what it thought comes back encrypted and can be returned (as the harness does). */
function openaiOptions(request: TranslatedRequest, anthropic: Record<string, unknown>): Record<string, string | boolean> {
  const shown = anthropic['thinking'] as { type?: string; display?: string } | undefined;
  const summary = shown !== undefined && shown.type !== 'disabled' && shown.display !== 'omitted';
  const strict = request.options.providerOptions?.['openai']?.['strictJsonSchema'];
  return {
    store: false,
    strictJsonSchema: typeof strict === 'boolean' ? strict : strictSchema(request.options),
    ...(summary ? { reasoningSummary: 'auto' } : {}),
    ...(anthropic['disableParallelToolUse'] === true ? { parallelToolCalls: false } : {}),
  };
}

function strictSchema({ responseFormat }: Options): boolean {
  return responseFormat?.type === 'json' && responseFormat.schema !== undefined && isStrict(responseFormat.schema);
}

/** Gemini shows its thoughts only to who asks; a client of Anthropic or Responses that asked for thinking expects to see it. */
function thoughtsOf(request: TranslatedRequest, google: ProviderOptions): ProviderOptions {
  const asked = request.options.providerOptions?.['anthropic']?.['thinking'] as { type?: string } | undefined;
  const summary = request.options.providerOptions?.['openai']?.['reasoningSummary'];
  const wanted = (asked !== undefined && asked.type !== 'disabled') || (request.protocol === 'openai_responses' && summary !== undefined);
  return wanted ? { ...google, thinkingConfig: { includeThoughts: true } } : google;
}

function faultsOf({ options, names }: TranslatedRequest, { kind }: Target): Fault[] {
  const faults: Fault[] = [];
  const cannot = (option: string, message: string): void => void faults.push({ path: names[option] ?? option, message });
  for (const option of CANNOT[kind]) {
    const value = options[option];
    if (value === undefined || value === NOTHING[option] || (Array.isArray(value) && value.length === 0)) continue;
    cannot(option, `is not known to ${kind} providers`);
  }
  if (kind === 'anthropic' && (options.temperature ?? 0) > 1) cannot('temperature', 'Anthropic takes 0 to 1');
  if (kind === 'anthropic' && options.responseFormat?.type === 'json' && options.responseFormat.schema === undefined) {
    cannot('responseFormat', 'Anthropic answers JSON by a schema only: give one');
  }
  if (kind === 'google' && options.providerOptions?.['anthropic']?.['disableParallelToolUse'] === true && (options.tools ?? []).length > 1) {
    cannot('parallel', 'Gemini cannot be kept from calling several functions at once');
  }
  return faults;
}

function systemsLater(prompt: Options['prompt']): boolean {
  const first = prompt.findIndex(({ role }) => role !== 'system');
  return first >= 0 && prompt.slice(first).some(({ role }) => role === 'system');
}

/** Instructions are one text but for Anthropic, which marks parts of them; tools that answer with images say them beside where they cannot. */
function promptFor(prompt: Options['prompt'], kind: ProviderKind): Options['prompt'] {
  if (kind === 'anthropic') return prompt;
  const first = prompt.findIndex(({ role }) => role !== 'system');
  const systems = prompt.slice(0, first < 0 ? prompt.length : first);
  const text = systems.map(({ content }) => content as string).join('\n\n');
  const rest = prompt.slice(systems.length);
  const leading: LanguageModelV4Message[] = systems.length === 0 ? [] : [{ role: 'system', content: text }];
  return [...leading, ...(kind === 'openai-compatible' ? rest.flatMap(filesBeside) : rest)];
}

/** Chat Completions takes only text from a tool: files follow as a message of the user. */
function filesBeside(message: LanguageModelV4Message): LanguageModelV4Message[] {
  if (message.role !== 'tool') return [message];
  const files: Extract<LanguageModelV4Message, { role: 'user' }>['content'] = [];
  const content = message.content.map((part) => {
    if (part.type !== 'tool-result' || part.output.type !== 'content') return part;
    const texts: string[] = [];
    for (const piece of part.output.value) {
      if (piece.type === 'text') texts.push(piece.text);
      else if (piece.type === 'file') {
        files.push({ type: 'text', text: `A file from ${part.toolName} (${part.toolCallId}):` }, piece);
      }
    }
    return { ...part, output: { type: 'text' as const, value: texts.join('\n') || 'The files follow.' } };
  });
  return files.length === 0
    ? [{ ...message, content }]
    : [
        { ...message, content },
        { role: 'user', content: files },
      ];
}
