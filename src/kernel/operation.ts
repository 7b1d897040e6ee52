/**
 * One use case as every surface sees it: HTTP routes, MCP tools, CLI calls and the console's forms are made from this and
 * nothing else, so that they cannot disagree. A domain's `contract.ts` declares its operations, its `service.ts` carries them out.
 */
import type { z } from 'zod';
import type { CorrelationId } from './ids.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export type Operation<I extends z.ZodObject = z.ZodObject, O extends z.ZodType = z.ZodType> = {
  /** `agents.create`: the OpenAPI operationId. */
  name: string;
  /** What the caller must be allowed to do. */
  permission: string;
  method: Method;
  /** Below `/api/v1`, with `{name}` for members of the input that travel in the path. */
  path: string;
  /** One sentence for people, ending in a full stop. */
  summary: string;
  input: I;
  output: O;
  status: 200 | 201 | 202;
  /** `read` changes nothing; `write` can be undone or repeated; `destructive` cannot. */
  effect: 'read' | 'write' | 'destructive';
  /** The answer shows a secret: it is never kept for an idempotency key (spec HND-3). */
  showsSecret: boolean;
};

type Brief<I extends z.ZodObject, O extends z.ZodType> = Pick<
  Operation<I, O>,
  'name' | 'permission' | 'method' | 'path' | 'summary' | 'input' | 'output'
> &
  Partial<Pick<Operation, 'status' | 'effect' | 'showsSecret'>>;

export function operation<I extends z.ZodObject, O extends z.ZodType>(brief: Brief<I, O>): Operation<I, O> {
  return { status: 200, effect: brief.method === 'GET' ? 'read' : 'write', showsSecret: false, ...brief };
}

export type Operations = { readonly [name: string]: Operation };

/**
 * What a handler knows of its caller. `P` is the principal of `platform/identity`. `request` names the request when the caller gave an
 * idempotency key: the same digest for the same actor, endpoint and key, so that a creation can be done once even across a crash.
 */
export type Caller<P> = { principal: P; correlation: CorrelationId; surface: 'http' | 'mcp'; request?: string; within?: Within };

/** What the caller works on, where the surface knows it: the project that a coding CLI was launched on, and its session (spec POL-4). */
export type Within = { project?: string; session?: string };

export type Handler<P, Op extends Operation> = (caller: Caller<P>, input: z.output<Op['input']>) => Promise<z.input<Op['output']>>;
export type Handlers<P, Ops extends Operations> = { [K in keyof Ops]: Handler<P, Ops[K]> };

export type Bound<P> = { operation: Operation; handle: (caller: Caller<P>, input: unknown) => Promise<unknown> };

/** Pairs operations with their handlers; the compiler has checked that none is missing. */
export function bind<P, Ops extends Operations>(operations: Ops, handlers: Handlers<P, Ops>): Bound<P>[] {
  return Object.entries(operations).map(([key, op]) => {
    const handler = handlers[key as keyof Ops];
    return { operation: op, handle: (caller, input) => handler(caller, input as z.output<Ops[keyof Ops]['input']>) };
  });
}

/** Names in `{braces}` of a path. */
export function pathNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}
