/**
 * Makes a built-in tool from a zod schema and a function, with defaults for what most of them share. The arguments reach the
 * function parsed, so that defaults are in place.
 */
import { z } from 'zod';
import type { Json } from '../../../kernel/canonical-json.ts';
import { TOOL_LIMITS } from '../limits.ts';
import type { Tool, ToolContext, ToolOutcome, ToolSpec } from '../tool.ts';

export type Definition<S extends z.ZodType> = Pick<ToolSpec, 'name' | 'description'> &
  Partial<Pick<ToolSpec, 'kind' | 'sideEffect' | 'taints' | 'recovery' | 'timeoutMs' | 'settleMs' | 'shownChars' | 'realm'>> & {
    input: S;
    run: (args: z.infer<S>, context: ToolContext) => Promise<ToolOutcome>;
    probe?: (args: z.infer<S>, context: ToolContext) => ReturnType<NonNullable<Tool['probe']>>;
  };

export function defineTool<S extends z.ZodType>(definition: Definition<S>): Tool {
  const { input, run, probe, ...facts } = definition;
  const tool: Tool = {
    spec: {
      kind: 'call',
      sideEffect: 'read',
      taints: [],
      recovery: 'none',
      timeoutMs: TOOL_LIMITS.timeoutMs,
      settleMs: 0,
      shownChars: TOOL_LIMITS.shownChars,
      realm: '',
      ...facts,
      inputSchema: jsonSchemaOf(input),
      source: 'builtin',
    },
    call: async (args, context) => run(input.parse(args), context),
  };
  if (probe) tool.probe = async (args, context) => probe(input.parse(args), context);
  return tool;
}

export function jsonSchemaOf(schema: z.ZodType): ToolSpec['inputSchema'] {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest as ToolSpec['inputSchema'];
}

export function done(text: string, structured?: Json): ToolOutcome {
  return structured === undefined ? { ok: true, text } : { ok: true, text, structured };
}

export function failed(message: string): ToolOutcome {
  return { ok: false, class: 'tool_error', message };
}

export function wrongInput(message: string): ToolOutcome {
  return { ok: false, class: 'invalid_input', message };
}
