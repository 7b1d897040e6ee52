/** The body of Gemini's generateContent and countTokens: what of it can be translated, and a word for what cannot. */
import { z } from 'zod';
import { Count, only, orNone, refused, Schema, Told } from './accept.ts';

const signature = { thought: z.boolean().nullish().transform(orNone), thoughtSignature: z.string().nullish().transform(orNone), partMetadata: Told };
export const Part = z.strictObject({
  text: z.string().optional(),
  inlineData: z.strictObject({ mimeType: z.string(), data: z.string(), displayName: z.string().nullish().transform(orNone) }).optional(),
  fileData: z.strictObject({ mimeType: z.string().nullish().transform(orNone), fileUri: z.string(), displayName: Told }).optional(),
  functionCall: z
    .strictObject({ id: z.string().nullish().transform(orNone), name: z.string().min(1), args: Schema.nullish().transform(orNone) })
    .optional(),
  functionResponse: z
    .strictObject({
      id: z.string().nullish().transform(orNone),
      name: z.string().min(1),
      response: Schema.nullish().transform(orNone),
      parts: refused('files in the answer of a function are not translated'),
      willContinue: refused('answers in pieces are not translated'),
      scheduling: Told,
    })
    .optional(),
  executableCode: refused('code run at Google is not translated'),
  codeExecutionResult: refused('code run at Google is not translated'),
  videoMetadata: refused('video is not translated'),
  mediaResolution: Told,
  ...signature,
});
export type Part = z.infer<typeof Part>;
const Content = z.strictObject({ role: z.enum(['user', 'model', 'function']).nullish().transform(orNone), parts: z.array(Part) });
const System = z.union([z.string(), z.strictObject({ role: Told, parts: z.array(z.strictObject({ text: z.string(), ...signature })) })]);

const atGoogle = refused('a tool that runs at Google is not at another provider');
const Tool = z.strictObject({
  functionDeclarations: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        description: z.string().nullish().transform(orNone),
        parameters: Schema.nullish().transform(orNone),
        parametersJsonSchema: Schema.nullish().transform(orNone),
        response: Told,
        responseJsonSchema: Told,
        behavior: only(['BLOCKING', 'UNSPECIFIED'], 'calls that go on in the background are not translated'),
      }),
    )
    .nullish()
    .transform(orNone),
  googleSearch: atGoogle,
  googleSearchRetrieval: atGoogle,
  codeExecution: atGoogle,
  urlContext: atGoogle,
  computerUse: atGoogle,
  googleMaps: atGoogle,
  fileSearch: atGoogle,
  mcpServers: atGoogle,
  retrieval: atGoogle,
});
export const Config = z.strictObject({
  temperature: z.number().min(0).max(2).nullish().transform(orNone),
  topP: z.number().min(0).max(1).nullish().transform(orNone),
  topK: z.number().nonnegative().nullish().transform(orNone),
  maxOutputTokens: Count.nullish().transform(orNone),
  stopSequences: z.array(z.string()).nullish().transform(orNone),
  seed: z.int().nullish().transform(orNone),
  presencePenalty: z.number().nullish().transform(orNone),
  frequencyPenalty: z.number().nullish().transform(orNone),
  responseMimeType: z.enum(['text/plain', 'application/json'], { error: 'text and JSON can be answered' }).nullish().transform(orNone),
  responseSchema: Schema.nullish().transform(orNone),
  responseJsonSchema: Schema.nullish().transform(orNone),
  _responseJsonSchema: Schema.nullish().transform(orNone),
  thinkingConfig: z
    .strictObject({
      includeThoughts: z.boolean().nullish().transform(orNone),
      thinkingBudget: z.int().min(-1).nullish().transform(orNone),
      thinkingLevel: z.string().nullish().transform(orNone),
    })
    .nullish()
    .transform(orNone),
  candidateCount: only([1], 'one answer is translated, not several'),
  responseLogprobs: refused('probabilities of tokens are not translated'),
  logprobs: refused('probabilities of tokens are not translated'),
  responseModalities: z
    .array(z.string().regex(/^text$/i, { error: 'only text is answered' }))
    .nullish()
    .transform(orNone),
  speechConfig: refused('speech is not translated'),
  imageConfig: refused('images are not made here'),
  audioTimestamp: refused('audio is not translated'),
  enableEnhancedCivicAnswers: refused('is known to Google only'),
  mediaResolution: Told,
});
export type Config = z.infer<typeof Config>;
export const Generate = z.strictObject({
  model: z.string().nullish().transform(orNone),
  contents: z.array(Content).min(1),
  systemInstruction: System.nullish().transform(orNone),
  system_instruction: System.nullish().transform(orNone),
  tools: z.array(Tool).nullish().transform(orNone),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z
        .strictObject({
          mode: z.enum(['MODE_UNSPECIFIED', 'AUTO', 'ANY', 'NONE', 'VALIDATED']).nullish().transform(orNone),
          allowedFunctionNames: z.array(z.string()).nullish().transform(orNone),
          streamFunctionCallArguments: Told,
        })
        .nullish()
        .transform(orNone),
      retrievalConfig: refused('retrieval at Google is not translated'),
      includeServerSideToolInvocations: refused('tools at Google are not translated'),
    })
    .nullish()
    .transform(orNone),
  generationConfig: Config.nullish().transform(orNone),
  cachedContent: refused('a cache at Google is not at another provider: send the content'),
  safetySettings: Told,
  labels: Told,
  serviceTier: only(['standard', 'STANDARD'], 'only the standard tier is translated'),
  store: Told,
});
export type Generate = z.infer<typeof Generate>;
export const CountTokens = z.strictObject({ contents: z.array(Content).optional(), generateContentRequest: Generate.optional() });
