/** The body of OpenAI Chat Completions: what of it can be translated, and a word for what cannot. */
import { z } from 'zod';
import { Count, only, orNone, refused, Schema, Told } from './accept.ts';

const Text = z.strictObject({ type: z.literal('text'), text: z.string(), prompt_cache_breakpoint: Told });
export const Texts = z.union([z.string(), z.array(Text)]);
export type Texts = z.infer<typeof Texts>;
const name = refused('names of speakers are not translated');
const UserPartIn = z.discriminatedUnion('type', [
  Text,
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string(), detail: z.enum(['auto', 'low', 'high', 'original']).nullish().transform(orNone) }),
    prompt_cache_breakpoint: Told,
  }),
  z.strictObject({
    type: z.literal('file'),
    file: z.strictObject({
      file_data: z.string(),
      filename: z.string().nullish().transform(orNone),
      file_id: refused('a file at OpenAI is not at another provider: send its data'),
    }),
    prompt_cache_breakpoint: Told,
  }),
]);
const Call = z.strictObject({
  id: z.string().min(1),
  type: z.literal('function', { error: 'only function tools are translated' }).optional(),
  function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
  index: Told,
  /** Where Google's own compatible endpoint puts the signature of a call. */
  extra_content: z
    .looseObject({ google: z.looseObject({ thought_signature: z.string().optional() }).optional() })
    .nullish()
    .transform(orNone),
});
export const Message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: Texts, name }),
  z.strictObject({ role: z.literal('developer'), content: Texts, name }),
  z.strictObject({ role: z.literal('user'), content: z.union([z.string(), z.array(UserPartIn)]), name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z
      .union([z.string(), z.array(z.discriminatedUnion('type', [Text, z.strictObject({ type: z.literal('refusal'), refusal: z.string() })]))])
      .nullish()
      .transform(orNone),
    refusal: z.string().nullish().transform(orNone),
    tool_calls: z.array(Call).nullish().transform(orNone),
    reasoning_content: z.string().nullish().transform(orNone),
    annotations: Told,
    name,
    audio: refused('audio is not translated'),
    function_call: refused('function_call is replaced by tool_calls'),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: Texts, name: Told }),
]);
export type Message = z.infer<typeof Message>;

const Tool = z.strictObject({
  type: z.literal('function', { error: 'only function tools are translated' }),
  function: z.strictObject({
    name: z.string().min(1),
    description: z.string().nullish().transform(orNone),
    parameters: Schema.nullish().transform(orNone),
    strict: z.boolean().nullish().transform(orNone),
  }),
});
const Format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().nullish().transform(orNone),
      schema: Schema.optional(),
      strict: z.boolean().nullish().transform(orNone),
    }),
  }),
]);
export const Effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

export const Chat = z.strictObject({
  model: z.string().min(1),
  messages: z.array(Message).min(1),
  stream: z.boolean().nullish().transform(orNone),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish().transform(orNone), include_obfuscation: Told })
    .nullish()
    .transform(orNone),
  max_tokens: Count.nullish().transform(orNone),
  max_completion_tokens: Count.nullish().transform(orNone),
  temperature: z.number().min(0).max(2).nullish().transform(orNone),
  top_p: z.number().min(0).max(1).nullish().transform(orNone),
  frequency_penalty: z.number().min(-2).max(2).nullish().transform(orNone),
  presence_penalty: z.number().min(-2).max(2).nullish().transform(orNone),
  seed: z.int().nullish().transform(orNone),
  stop: z
    .union([z.string(), z.array(z.string())])
    .nullish()
    .transform(orNone),
  tools: z.array(Tool).nullish().transform(orNone),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function', { error: 'only one function can be chosen' }), function: z.strictObject({ name: z.string() }) }),
    ])
    .nullish()
    .transform(orNone),
  parallel_tool_calls: z.boolean().nullish().transform(orNone),
  response_format: Format.nullish().transform(orNone),
  reasoning_effort: Effort.nullish().transform(orNone),
  verbosity: z.enum(['low', 'medium', 'high']).nullish().transform(orNone),
  n: only([1], 'one answer is translated, not several'),
  logprobs: refused('probabilities of tokens are not translated'),
  top_logprobs: only([0], 'probabilities of tokens are not translated'),
  logit_bias: z
    .record(z.string(), z.never({ error: 'a bias of tokens means nothing to another tokenizer' }))
    .nullish()
    .transform(orNone),
  modalities: z
    .array(z.literal('text', { error: 'only text is answered' }))
    .nullish()
    .transform(orNone),
  audio: refused('audio is not translated'),
  prediction: refused('a predicted output is not translated'),
  web_search_options: refused('search at OpenAI is not at another provider'),
  functions: refused('functions are replaced by tools'),
  function_call: refused('function_call is replaced by tool_choice'),
  store: refused('answers are not stored'),
  moderation: refused('moderation at OpenAI is not at another provider'),
  service_tier: only(['auto', 'default'], 'only the default tier is translated'),
  metadata: Told,
  user: Told,
  safety_identifier: Told,
  prompt_cache_key: z.string().nullish().transform(orNone),
  prompt_cache_retention: Told,
  prompt_cache_options: Told,
});
export type Chat = z.infer<typeof Chat>;
