/** The body of Anthropic Messages: what of it can be translated, and a word for what cannot. */
import { z } from 'zod';
import { Count, only, orNone, refused, Schema, Told } from './accept.ts';

export const CacheControl = z
  .looseObject({ type: z.literal('ephemeral') })
  .nullish()
  .transform(orNone);
export const Text = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: CacheControl,
  citations: refused('citations are not translated'),
});
const FileId = z.strictObject({ type: z.literal('file'), file_id: refused('a file at Anthropic is not at another provider: send its data') });
const Url = z.strictObject({ type: z.literal('url'), url: z.string() });
const Image = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() }), Url, FileId]),
  cache_control: CacheControl,
  transformations: refused('transformations of images are not translated'),
});
const Document = z.strictObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('base64'), media_type: z.literal('application/pdf'), data: z.string() }),
    z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
    Url,
    FileId,
  ]),
  title: z.string().nullish().transform(orNone),
  context: refused('the context of a document is not translated: say it in a text'),
  citations: z
    .strictObject({ enabled: only([false], 'citations are not translated') })
    .nullish()
    .transform(orNone),
  cache_control: CacheControl,
});
export const ToolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [Text, Image, Document]))]).optional(),
  is_error: z.boolean().nullish().transform(orNone),
  cache_control: CacheControl,
  toolset_name: refused('toolsets are not translated'),
});
const Thinking = z.strictObject({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: z.string().nullish().transform(orNone),
  cache_control: CacheControl,
});
const Redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() });
const ToolUse = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string().min(1),
  input: z.json(),
  cache_control: CacheControl,
  caller: z
    .looseObject({ type: only(['direct'], 'calls made by a tool at Anthropic are not translated') })
    .nullish()
    .transform(orNone),
  toolset_name: refused('toolsets are not translated'),
});
export const Block = z.discriminatedUnion('type', [Text, Image, Document, ToolResult, Thinking, Redacted, ToolUse]);
export type Block = z.infer<typeof Block>;
export type FileBlock = z.infer<typeof Image> | z.infer<typeof Document>;

const Tool = z.strictObject({
  type: z
    .unknown()
    .refine((type) => type === undefined || type === null || type === 'custom', {
      error: 'a tool that runs at Anthropic is not at another provider',
    })
    .optional(),
  name: z.string().min(1),
  description: z.string().nullish().transform(orNone),
  input_schema: Schema,
  cache_control: CacheControl,
  strict: z.boolean().nullish().transform(orNone),
  eager_input_streaming: Told,
  input_examples: z.array(Schema).nullish().transform(orNone),
  defer_loading: refused('tools that are loaded later are not translated'),
  allowed_callers: z
    .array(z.literal('direct', { error: 'only direct calls are translated' }))
    .nullish()
    .transform(orNone),
});
/** A server tool has members of its own: it is refused for what it is, not for them. */
const ToolOrNone = z.preprocess((tool) => {
  const type = typeof tool === 'object' && tool !== null && 'type' in tool ? tool.type : undefined;
  return typeof type === 'string' && type !== 'custom' ? { type, name: 'builtin', input_schema: {} } : tool;
}, Tool);

const noParallel = { disable_parallel_tool_use: z.boolean().nullish().transform(orNone) };
const Thoughts = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('enabled'), budget_tokens: Count, display: z.enum(['summarized', 'omitted']).nullish().transform(orNone) }),
  z.strictObject({ type: z.literal('adaptive'), display: z.enum(['summarized', 'omitted']).nullish().transform(orNone) }),
  z.strictObject({ type: z.literal('disabled') }),
]);

export const Messages = z.strictObject({
  model: z.string().min(1),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant', 'system']), content: z.union([z.string(), z.array(Block)]) })).min(1),
  max_tokens: Count,
  system: z
    .union([z.string(), z.array(Text)])
    .nullish()
    .transform(orNone),
  stream: z.boolean().nullish().transform(orNone),
  temperature: z.number().min(0).max(1).nullish().transform(orNone),
  top_p: z.number().min(0).max(1).nullish().transform(orNone),
  top_k: z.int().nonnegative().nullish().transform(orNone),
  stop_sequences: z.array(z.string()).nullish().transform(orNone),
  tools: z.array(ToolOrNone).nullish().transform(orNone),
  tool_choice: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), ...noParallel }),
      z.strictObject({ type: z.literal('any'), ...noParallel }),
      z.strictObject({ type: z.literal('tool'), name: z.string(), ...noParallel }),
      z.strictObject({ type: z.literal('none') }),
    ])
    .nullish()
    .transform(orNone),
  thinking: Thoughts.nullish().transform(orNone),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish().transform(orNone),
      format: z
        .strictObject({ type: z.literal('json_schema'), schema: Schema })
        .nullish()
        .transform(orNone),
    })
    .nullish()
    .transform(orNone),
  cache_control: CacheControl,
  metadata: Told,
  service_tier: Told,
  diagnostics: Told,
  speed: only(['standard'], 'only the standard speed is translated'),
  // Keeping all thinking is what happens anyway.
  context_management: z
    .strictObject({
      edits: z.array(
        z.strictObject({ type: z.literal('clear_thinking_20251015', { error: 'editing of the context is not translated' }), keep: z.literal('all') }),
      ),
    })
    .nullish()
    .transform(orNone),
  container: refused('containers are at Anthropic only'),
  mcp_servers: refused('tool servers called by Anthropic are not called by others'),
  inference_geo: refused('where the model runs cannot be told to another provider'),
});
export const CountTokens = Messages.partial({ max_tokens: true });
export type Messages = z.infer<typeof CountTokens>;
export const UserBlock = z.discriminatedUnion('type', [Text, Image, Document, ToolResult]);
export const AssistantBlock = z.discriminatedUnion('type', [Text, Thinking, Redacted, ToolUse]);
