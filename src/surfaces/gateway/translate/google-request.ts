/** Gemini, the way in: a body of `:generateContent`, `:streamGenerateContent` or `:countTokens` as the AI SDK's call. */
import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { Json, JsonObject } from '../../../kernel/canonical-json.ts';
import { accept, faulty, given, toldOf } from './accept.ts';
import { unwrap } from './carrier.ts';
import { CountTokens, Generate, type Config, type Part } from './google-body.ts';
import { jsonSchemaOf } from './google-schema.ts';
import {
  fileFromData,
  fileFromUrl,
  functionTool,
  jsonFormat,
  levelOf,
  promptBuilder,
  type AssistantPart,
  type ToolOutput,
  type UserPart,
} from './prompt-parts.ts';
import type { RequestPlace, TranslatedRequest } from './protocol.ts';

const TOLD = ['safetySettings', 'labels', 'store'] as const;
const NAMES = Object.fromEntries(
  ['temperature', 'topP', 'topK', 'stopSequences', 'seed', 'presencePenalty', 'frequencyPenalty', 'responseFormat'].map((option) => [
    option,
    `generationConfig.${option === 'responseFormat' ? 'responseMimeType' : option}`,
  ]),
);

/** @throws AppError `invalid_input` */
export function readGoogle(body: JsonObject, place: RequestPlace): TranslatedRequest {
  const read = accept(Generate, body);
  const model = (place.model ?? read.model ?? '').replace(/^models\//, '');
  if (model === '') throw faulty([{ path: 'model', message: 'is missing from the path' }]);
  return { protocol: 'google', model, stream: place.stream ?? false, body, options: optionsOf(read), names: NAMES, ignored: toldOf(body, TOLD) };
}

/** A body of `:countTokens`: contents alone, or a whole request. */
export function readGoogleCount(body: JsonObject, place: RequestPlace): TranslatedRequest {
  const { contents, generateContentRequest } = accept(CountTokens, body);
  if (generateContentRequest !== undefined) return readGoogle(body['generateContentRequest'] as JsonObject, place);
  return readGoogle({ contents: (contents ?? []) as unknown as Json }, place);
}

function optionsOf(read: Generate): LanguageModelV4CallOptions {
  const config: Partial<Config> = read.generationConfig ?? {};
  const calling = read.toolConfig?.functionCallingConfig;
  const allowed = calling?.mode === 'ANY' ? (calling.allowedFunctionNames ?? []) : [];
  const declared = (read.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []);
  const tools = declared.filter(({ name }) => allowed.length === 0 || allowed.includes(name));
  return {
    prompt: promptOf(read),
    ...given({
      maxOutputTokens: config.maxOutputTokens,
      temperature: config.temperature,
      topP: config.topP,
      topK: config.topK,
      stopSequences: config.stopSequences,
      seed: config.seed,
      presencePenalty: config.presencePenalty,
      frequencyPenalty: config.frequencyPenalty,
      reasoning: reasoningOf(config.thinkingConfig),
      responseFormat: formatOf(config),
      tools: tools.length === 0 ? undefined : tools.map((tool) => functionTool({ ...tool, schema: parametersOf(tool) })),
      toolChoice: choiceOf(calling?.mode, allowed),
    }),
    providerOptions: thoughtsOf(config.thinkingConfig),
  };
}

function parametersOf(tool: { parameters?: JsonObject | undefined; parametersJsonSchema?: JsonObject | undefined }): JsonObject {
  if (tool.parametersJsonSchema !== undefined) return tool.parametersJsonSchema;
  return tool.parameters === undefined ? { type: 'object', properties: {} } : jsonSchemaOf(tool.parameters);
}

function choiceOf(mode: string | null | undefined, allowed: readonly string[]): LanguageModelV4CallOptions['toolChoice'] {
  const [one, ...more] = allowed;
  if (mode === 'NONE') return { type: 'none' };
  if (mode === 'ANY') return one !== undefined && more.length === 0 ? { type: 'tool', toolName: one } : { type: 'required' };
  return mode === 'AUTO' || mode === 'VALIDATED' ? { type: 'auto' } : undefined;
}

function formatOf(config: Partial<Config>): LanguageModelV4CallOptions['responseFormat'] {
  if (config.responseMimeType !== 'application/json') return undefined;
  const schema =
    config.responseJsonSchema ??
    config._responseJsonSchema ??
    (config.responseSchema === undefined ? undefined : jsonSchemaOf(config.responseSchema));
  return jsonFormat({ schema });
}

const LEVELS = ['minimal', 'low', 'medium', 'high'] as const;

function reasoningOf(thinking: Config['thinkingConfig']): LanguageModelV4CallOptions['reasoning'] {
  const level = thinking?.thinkingLevel?.toLowerCase();
  if (level !== undefined) return LEVELS.find((known) => known === level);
  const budget = thinking?.thinkingBudget;
  return budget === undefined || budget < 0 ? undefined : budget === 0 ? 'none' : levelOf(budget);
}

/** Who wants to see thoughts is given summaries where a provider asks for the word. */
function thoughtsOf(thinking: Config['thinkingConfig']): SharedV4ProviderOptions {
  return thinking?.includeThoughts === true ? { google: { thinkingConfig: { includeThoughts: true } }, openai: { reasoningSummary: 'auto' } } : {};
}

function promptOf(read: Generate): LanguageModelV4CallOptions['prompt'] {
  const prompt = promptBuilder();
  const system = read.systemInstruction ?? read.system_instruction;
  const instructions = typeof system === 'string' ? system : (system?.parts ?? []).map(({ text }) => text).join('\n\n');
  if (instructions !== '') prompt.system(instructions);
  const calls = callIds();
  for (const [index, { role, parts }] of read.contents.entries()) {
    for (const [at, part] of parts.entries()) {
      const path = `contents.${index}.parts.${at}`;
      if (role === 'model') prompt.assistant(...modelPart(part, path, calls));
      else if (part.functionResponse === undefined) prompt.user(...userPart(part, path));
      else {
        const { name, id, response } = part.functionResponse;
        const toolCallId = calls.answered(name, id ?? null);
        if (toolCallId === null) throw faulty([{ path: `${path}.functionResponse`, message: `answers a call of ${name} that is not before it` }]);
        prompt.tool({ type: 'tool-result', toolCallId, toolName: name, output: outputOf(response ?? {}) });
      }
    }
  }
  if (!prompt.messages.some(({ role }) => role !== 'system')) throw faulty([{ path: 'contents', message: 'say nothing' }]);
  return prompt.messages;
}

/** Gemini's clients may leave ids out: an answer then belongs to the first call of that function that has none yet. */
function callIds(): { called(name: string, id: string | null): string; answered(name: string, id: string | null): string | null } {
  const open: { name: string; id: string }[] = [];
  let made = 0;
  return {
    called(name, id) {
      const given = id ?? `call_${(made += 1)}`;
      open.push({ name, id: given });
      return given;
    },
    answered(name, id) {
      const found = open.findIndex((call) => call.name === name && (id === null || call.id === id));
      return found < 0 ? null : (open.splice(found, 1)[0]?.id ?? null);
    },
  };
}

function modelPart(part: Part, path: string, calls: ReturnType<typeof callIds>): AssistantPart[] {
  const signed = part.thoughtSignature ?? '';
  const options = signed === '' ? {} : { providerOptions: unwrap(signed)?.options ?? { google: { thoughtSignature: signed } } };
  if (part.functionCall !== undefined) {
    const { name, id, args } = part.functionCall;
    return [{ type: 'tool-call', toolCallId: calls.called(name, id ?? null), toolName: name, input: args ?? {}, ...options }];
  }
  if (part.text === undefined) throw faulty([{ path, message: 'of the model must be a text or a functionCall' }]);
  if (part.thought === true) return [{ type: 'reasoning', text: part.text, ...options }];
  return part.text === '' && signed === '' ? [] : [{ type: 'text', text: part.text, ...options }];
}

function userPart(part: Part, path: string): UserPart[] {
  if (part.text !== undefined) return part.text === '' ? [] : [{ type: 'text', text: part.text }];
  if (part.inlineData !== undefined) return [fileFromData(part.inlineData.data, part.inlineData.mimeType, `${path}.inlineData`)];
  if (part.fileData !== undefined) return [fileFromUrl(part.fileData.fileUri, `${path}.fileData.fileUri`, part.fileData.mimeType ?? 'image/*')];
  throw faulty([{ path, message: 'of the user must be a text, inlineData, fileData or functionResponse' }]);
}

/** `output` and `error` are the members that Google's clients give an answer. */
function outputOf(response: JsonObject): ToolOutput {
  const names = Object.keys(response);
  const value = names.length === 1 ? (response['output'] ?? response['result'] ?? response['error']) : undefined;
  const failed = names.length === 1 && names[0] === 'error';
  if (typeof value === 'string') return { type: failed ? 'error-text' : 'text', value };
  return { type: failed ? 'error-json' : 'json', value: (value ?? response) as never };
}
