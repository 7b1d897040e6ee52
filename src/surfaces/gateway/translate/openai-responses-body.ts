/** The body of OpenAI Responses: what of it can be translated, and a word for what cannot. */
import { z } from 'zod';
import { Count, only, orNone, refused, Schema, Told } from './accept.ts';
import { Effort } from './openai-chat-body.ts';

const Status = z.enum(['in_progress', 'completed', 'incomplete']).nullish().transform(orNone);
const file_id = refused('a file at OpenAI is not at another provider: send its data');
const InputText = z.strictObject({ type: z.literal('input_text'), text: z.string(), prompt_cache_breakpoint: Told });
const InputImage = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string({ error: 'an image needs its data or an address' }),
  detail: z.enum(['auto', 'low', 'high', 'original']).nullish().transform(orNone),
  file_id,
  prompt_cache_breakpoint: Told,
});
const InputFile = z.strictObject({
  type: z.literal('input_file'),
  file_data: z.string().nullish().transform(orNone),
  file_url: z.string().nullish().transform(orNone),
  filename: z.string().nullish().transform(orNone),
  detail: Told,
  file_id,
  prompt_cache_breakpoint: Told,
});
const OutputText = z.strictObject({ type: z.literal('output_text'), text: z.string(), annotations: Told, logprobs: Told });
const Refusal = z.strictObject({ type: z.literal('refusal'), refusal: z.string() });
const Input = z.discriminatedUnion('type', [InputText, InputImage, InputFile]);

const Message = z.strictObject({
  type: z.literal('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [InputText, InputImage, InputFile, OutputText, Refusal]))]),
  id: Told,
  status: Status,
  phase: Told,
});
const FunctionCall = z.strictObject({
  type: z.literal('function_call'),
  call_id: z.string().min(1),
  name: z.string().min(1),
  arguments: z.string(),
  id: Told,
  status: Status,
  caller: z
    .looseObject({ type: only(['direct'], 'calls made by a program are not translated') })
    .nullish()
    .transform(orNone),
  namespace: z.string().nullish().transform(orNone),
  async: refused('calls that go on in the background are not translated'),
});
export const FunctionOutput = z.strictObject({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.union([z.string(), z.array(Input)]),
  id: Told,
  status: Status,
});
const Reasoning = z.strictObject({
  type: z.literal('reasoning'),
  id: z.string().nullish().transform(orNone),
  summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
  content: z
    .array(z.strictObject({ type: z.literal('reasoning_text'), text: z.string() }))
    .nullish()
    .transform(orNone),
  encrypted_content: z.string().nullish().transform(orNone),
  status: Status,
});
export type FunctionOutput = z.infer<typeof FunctionOutput>;
/** A message need not say that it is one. */
export const Item = z.preprocess(
  (item) => (typeof item === 'object' && item !== null && !('type' in item) && 'role' in item ? { ...item, type: 'message' } : item),
  z.discriminatedUnion('type', [Message, FunctionCall, FunctionOutput, Reasoning]),
);
export type Item = z.infer<typeof Item>;

const FunctionTool = z.strictObject({
  type: z.literal('function', { error: 'only function tools are translated; a built-in tool runs at OpenAI' }),
  name: z.string().min(1),
  description: z.string().nullish().transform(orNone),
  parameters: Schema.nullish().transform(orNone),
  strict: z.boolean().nullish().transform(orNone),
  output_schema: Told,
  async: refused('calls that go on in the background are not translated'),
  defer_loading: refused('tools that are loaded later are not translated'),
  allowed_callers: z
    .array(z.literal('direct', { error: 'only direct calls are translated' }))
    .nullish()
    .transform(orNone),
});
/** A built-in tool has members of its own: it is refused for what it is, not for them. */
const Tool = z.preprocess(
  (tool) =>
    typeof tool === 'object' && tool !== null && 'type' in tool && tool.type !== 'function' && tool.type !== 'namespace' ? { type: tool.type } : tool,
  z.discriminatedUnion('type', [
    FunctionTool,
    z.strictObject({ type: z.literal('namespace'), name: z.string().min(1), description: Told, tools: z.array(FunctionTool) }),
  ]),
);
const Format = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string(),
    description: z.string().nullish().transform(orNone),
    schema: Schema,
    strict: z.boolean().nullish().transform(orNone),
  }),
]);

export const Responses = z.strictObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(Item)]),
  instructions: z.string().nullish().transform(orNone),
  stream: z.boolean().nullish().transform(orNone),
  stream_options: z.strictObject({ include_obfuscation: Told }).nullish().transform(orNone),
  max_output_tokens: Count.nullish().transform(orNone),
  temperature: z.number().min(0).max(2).nullish().transform(orNone),
  top_p: z.number().min(0).max(1).nullish().transform(orNone),
  tools: z.array(Tool).nullish().transform(orNone),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.strictObject({ type: z.literal('function', { error: 'only one function can be chosen' }), name: z.string() }),
    ])
    .nullish()
    .transform(orNone),
  parallel_tool_calls: z.boolean().nullish().transform(orNone),
  text: z
    .strictObject({ format: Format.nullish().transform(orNone), verbosity: z.enum(['low', 'medium', 'high']).nullish().transform(orNone) })
    .nullish()
    .transform(orNone),
  reasoning: z
    .strictObject({
      effort: Effort.nullish().transform(orNone),
      summary: z.enum(['auto', 'concise', 'detailed']).nullish().transform(orNone),
      generate_summary: z.enum(['auto', 'concise', 'detailed']).nullish().transform(orNone),
      context: only(['auto'], 'only the usual context of reasoning is translated'),
      mode: only(['standard'], 'only the standard mode of reasoning is translated'),
    })
    .nullish()
    .transform(orNone),
  include: z
    .array(z.literal('reasoning.encrypted_content', { error: 'only reasoning.encrypted_content can be included' }))
    .nullish()
    .transform(orNone),
  previous_response_id: refused('no answer is kept here: send the whole conversation as input'),
  conversation: refused('no conversation is kept here: send it whole as input'),
  prompt: refused('a prompt kept at OpenAI is not at another provider'),
  background: refused('answers in the background are not translated'),
  background_options: refused('answers in the background are not translated'),
  store: refused('answers are not stored: send store: false'),
  max_tool_calls: refused('only built-in tools are limited by it'),
  top_logprobs: only([0], 'probabilities of tokens are not translated'),
  truncation: only(['disabled'], 'nothing is left out of a conversation here'),
  context_management: refused('compaction at OpenAI is not at another provider'),
  moderation: refused('moderation at OpenAI is not at another provider'),
  service_tier: only(['auto', 'default'], 'only the default tier is translated'),
  metadata: z.record(z.string(), z.string()).nullish().transform(orNone),
  client_metadata: Told,
  user: Told,
  safety_identifier: Told,
  prompt_cache_key: z.string().nullish().transform(orNone),
  prompt_cache_retention: Told,
  prompt_cache_options: Told,
});
export type Responses = z.infer<typeof Responses>;

export type FileInput = z.infer<typeof InputImage> | z.infer<typeof InputFile>;
