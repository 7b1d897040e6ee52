/**
 * What a client finds behind `/mcp`: tools, resources and prompts, made once for each toolset (spec MCP-2). A tool calls operations
 * and renders their answers; it has no rules of its own. Nothing here speaks the protocol: that is `server.ts`.
 */
import type {
  CallToolResult,
  GetPromptResult,
  InputRequiredResult,
  ReadResourceResult,
  Resource,
  ServerContext,
  ServerEventBus,
  ServerOptions,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { Caller, Operation } from '../../kernel/operation.ts';
import type { Principal } from '../../platform/identity/principal.ts';

/** Carries out an operation for the caller: authorised, parsed, its answer checked. @throws AppError */
export type Invoke = <Op extends Operation>(operation: Op, input: z.input<Op['input']>) => Promise<z.output<Op['output']>>;

/** One request of a client, as tools, resources and prompts see it. */
export type McpCall = {
  caller: Caller<Principal>;
  /** From the session that was started over the same MCP session, if any: what it writes stays in its project (spec POL-4). */
  invoke: Invoke;
  /** The same from a session that is named. */
  invokeFrom(session: string): Invoke;
  sdk: ServerContext;
  /** Whether the client can put a form before a person. */
  canElicit: boolean;
  /** Words of one MCP session, kept while it lives; of a request without sessions, for that request. */
  memory: Map<string, string>;
  /** Whether the client follows tasks (extension `io.modelcontextprotocol/tasks`). */
  followsTasks: boolean;
};

/** Where `memory` keeps the session that was started over the same MCP session. */
export const SESSION_WORD = 'session';

export type ToolAnswer = CallToolResult | InputRequiredResult;

export type Tool = {
  /** As `tools/list` shows it. */
  listed: {
    name: string;
    title: string;
    description: string;
    inputSchema: { type: 'object' } & Record<string, unknown>;
    annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean };
  };
  /** Parses what the client sent, then carries it out. @throws AppError */
  run(args: unknown, call: McpCall): Promise<ToolAnswer>;
};

export type ResourceTemplateListed = { uriTemplate: string; name: string; title: string; description: string; mimeType: string };

export type Resources = {
  templates: readonly ResourceTemplateListed[];
  list(call: McpCall): Promise<Resource[]>;
  /** Null for an address that is none of ours. */
  read(uri: string, call: McpCall): Promise<ReadResourceResult | InputRequiredResult | null>;
  /** An item for each change from now on, until aborted or there can be no more. @throws AppError `not_found` */
  follow(uri: string, call: McpCall, signal: AbortSignal): Promise<AsyncIterable<unknown>>;
};

export type Prompt = {
  listed: { name: string; title: string; description: string; arguments?: { name: string; description: string; required: boolean }[] };
  get(args: Readonly<Record<string, string>>, call: McpCall): Promise<GetPromptResult | InputRequiredResult>;
};

export type Toolset = {
  name: string;
  /** What a model is told of the whole. */
  instructions: string;
  tools: readonly Tool[];
  resources: Resources;
  prompts: readonly Prompt[];
  /** Values for an argument of a prompt or a variable of a template, by what was typed so far. */
  complete(argument: { name: string; value: string }, call: McpCall): Promise<string[]>;
  tasks: Tasks;
  /** Changes that clients can listen to. */
  bus?: ServerEventBus;
  sdk?: Pick<ServerOptions, 'capabilities' | 'requestState'>;
};

export type TaskState = { taskId: string; status: 'working' | 'input_required' | 'completed' | 'cancelled' | 'failed' } & Record<string, unknown>;

/** Long work that a client polls. An id that is none of ours is `not_found`. @throws AppError */
export type Tasks = {
  get(taskId: string, call: McpCall): Promise<TaskState>;
  update(taskId: string, responses: Readonly<Record<string, unknown>>, call: McpCall): Promise<void>;
  cancel(taskId: string, call: McpCall): Promise<void>;
};

export type ToolBrief<I extends z.ZodObject> = {
  name: string;
  title: string;
  description: string;
  input: I;
  /** The operations it calls: what it may change is read from them. */
  uses: readonly Operation[];
  /** Whether calling it twice is as good as once, where the methods of its operations do not say so. */
  idempotent?: boolean;
  /** Whether it reaches beyond this server. */
  openWorld?: boolean;
  run(args: z.output<I>, call: McpCall): Promise<ToolAnswer>;
};

export function tool<I extends z.ZodObject>(brief: ToolBrief<I>): Tool {
  const { name, title, description, input, uses } = brief;
  const readOnly = uses.every((operation) => operation.effect === 'read');
  return {
    listed: {
      name,
      title,
      description,
      inputSchema: inputSchema(input),
      annotations: {
        readOnlyHint: readOnly,
        destructiveHint: uses.some((operation) => operation.effect === 'destructive'),
        idempotentHint: brief.idempotent ?? (readOnly || uses.every((operation) => ['GET', 'PUT', 'DELETE'].includes(operation.method))),
        openWorldHint: brief.openWorld ?? false,
      },
    },
    run: (args, call) => brief.run(parseArguments(name, input, args), call),
  };
}

export type OperationBrief<Op extends Operation> = Omit<ToolBrief<z.ZodObject>, 'input' | 'uses' | 'run'> & {
  use: Op;
  input: z.ZodObject & z.ZodType<z.input<Op['input']>>;
  /** Markdown of what the operation answers. */
  show: (found: z.output<Op['output']>) => string;
};

/** A tool that is one operation: what the client sends goes into it, and its answer is shown. */
export function operationTool<Op extends Operation>({ use, show, ...brief }: OperationBrief<Op>): Tool {
  return tool({
    ...brief,
    uses: [use],
    async run(args, { invoke }) {
      const found = await invoke(use, args);
      return answer(show(found), found as object);
    },
  });
}

/** JSON Schema 2020-12, which the protocol takes for granted, so that it is not named in every tool. */
function inputSchema(input: z.ZodObject): Tool['listed']['inputSchema'] {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(input, { io: 'input' });
  return { ...schema, type: 'object' };
}

/** @throws AppError `invalid_input` with every fault */
function parseArguments<I extends z.ZodObject>(name: string, input: I, args: unknown): z.output<I> {
  const parsed = input.safeParse(args ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }));
  throw new AppError('invalid_input', `The arguments of ${name} are not valid: ${faults.map((f) => `${f.path}: ${f.message}`).join('; ')}.`, {
    faults,
    next: 'Mend what is named and call the tool again.',
  });
}

/** Markdown for people and models, the same as data beside it. */
export function answer(markdown: string, structured: object): CallToolResult {
  return { content: [{ type: 'text', text: markdown }], structuredContent: structured };
}

/** For a toolset that has tools only. */
export const NO_RESOURCES: Resources = {
  templates: [],
  list: async () => [],
  read: async () => null,
  follow: async () => Promise.reject(new AppError('not_found', 'Nothing here can be followed.')),
};

export const NO_TASKS: Tasks = {
  get: async () => Promise.reject(noTask()),
  update: async () => Promise.reject(noTask()),
  cancel: async () => Promise.reject(noTask()),
};

function noTask(): AppError {
  return new AppError('not_found', 'There is no such task here.', { next: 'Tasks belong to the toolset that made them.' });
}
