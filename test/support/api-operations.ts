/** Every operation of a running server, read from its OpenAPI document, so that a test over all of them cannot forget a new one. */
import { z } from 'zod';
import type { TestServer } from './server.ts';

const Schema = z.record(z.string(), z.unknown());
const Described = z.object({
  operationId: z.string(),
  'x-permission': z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'query', 'header']), required: z.boolean(), schema: Schema })),
  requestBody: z.object({ content: z.object({ 'application/json': z.object({ schema: Schema }) }) }).optional(),
  responses: z.record(z.string(), z.unknown()),
});
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Described)) });

export type JsonSchema = z.infer<typeof Schema>;
export type ApiOperation = {
  name: string;
  method: string;
  /** Below /api/v1, with `{names}`. */
  path: string;
  permission: string;
  status: number;
  parameters: { name: string; in: 'path' | 'query' | 'header'; required: boolean; schema: JsonSchema }[];
  /** Null when there is no body. */
  body: JsonSchema | null;
};

export async function apiOperations(server: TestServer): Promise<ApiOperation[]> {
  const { paths } = Document.parse(await (await server.request('/openapi.json')).json());
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => ({
      name: op.operationId,
      method: method.toUpperCase(),
      path: path.replace('/api/v1', ''),
      permission: op['x-permission'],
      status: Number(Object.keys(op.responses).find((status) => status.startsWith('2'))),
      parameters: op.parameters,
      body: op.requestBody?.content['application/json'].schema ?? null,
    })),
  );
}

const ABSENT_ID = '01jd2m7x9c4qf8w3v5k6t1z0ab';
/** What stands in a path, by the words before it; well formed, and of nothing that is there. */
const ABSENT: Readonly<Record<string, string>> = {
  'runs/{id}': `run_${ABSENT_ID}`,
  'keys/{id}': `key_${ABSENT_ID}`,
  'actors/{id}': `act_${ABSENT_ID}`,
  'approvals/{id}': `apr_${ABSENT_ID}`,
  'schedules/{id}': `sch_${ABSENT_ID}`,
  'documents/{id}': `doc_${ABSENT_ID}`,
  'standards/{id}': `std_${ABSENT_ID}`,
  'proposals/{id}': `stp_${ABSENT_ID}`,
  'duties/{id}': `duty_${ABSENT_ID}`,
  'alerts/{id}': `alert_${ABSENT_ID}`,
  'sources/{id}': `whs_${ABSENT_ID}`,
  'notes/{id}': `note_${ABSENT_ID}`,
  'projects/{id}': `prj_${ABSENT_ID}`,
  'projects/{code}': 'never-was',
  'agents/{name}': 'never-was',
  'templates/{name}': 'never-was',
  'tools/{name}': 'never-was',
  'sessions/{id}': `sess_${ABSENT_ID}`,
  'handoffs/{id}': `ho_${ABSENT_ID}`,
  'ins/{id}': `sgn_${ABSENT_ID}`,
  'reviews/{id}': `run_${ABSENT_ID}`,
  'panels/{id}': `pnl_${ABSENT_ID}`,
  'findings/{id}': `fnd_${ABSENT_ID}`,
  'budgets/{id}': `bud_${ABSENT_ID}`,
  'requests/{id}': `ask_${ABSENT_ID}`,
  'requests/{correlationId}': `cor_${ABSENT_ID}`,
  'versions/{version}': '1',
  'prompts/{turn}': '1',
};

/** The path with its names filled in, by `given` (as in `runs/{id}`) or with something that is not there. */
export function fillPath(path: string, given: Readonly<Record<string, string>> = {}): string {
  return path.replaceAll(/(\w+)\/(\{\w+\})/g, (_whole, before: string, name: string) => {
    const value = given[`${before}/${name}`] ?? ABSENT[`${before}/${name}`];
    if (value === undefined) throw new Error(`say in ${import.meta.filename} what stands at ${before}/${name}`);
    return `${before}/${encodeURIComponent(value)}`;
  });
}

/** The least input that the contract takes, as far as a schema tells. */
export function leastOf(schema: JsonSchema): unknown {
  const {
    type,
    enum: choices,
    const: only,
    anyOf,
    oneOf,
    properties,
    required,
    minimum,
    exclusiveMinimum,
    minLength,
  } = schema as {
    type?: string;
    enum?: unknown[];
    const?: unknown;
    anyOf?: JsonSchema[];
    oneOf?: JsonSchema[];
    properties?: Record<string, JsonSchema>;
    required?: string[];
    minimum?: number;
    exclusiveMinimum?: number;
    minLength?: number;
  };
  if (only !== undefined) return only;
  if (choices !== undefined) return choices[0];
  const first = anyOf?.[0] ?? oneOf?.[0];
  if (first !== undefined) return leastOf(first);
  if (type === 'object') return Object.fromEntries((required ?? []).map((name) => [name, leastOf(properties?.[name] ?? {})]));
  if (type === 'array') return [];
  if (type === 'integer' || type === 'number') return Math.max(minimum ?? 0, (exclusiveMinimum ?? 0) + 1, 1);
  if (type === 'boolean') return false;
  return 'x'.repeat(minLength ?? 1);
}

/** A request that nothing but what it asks for speaks against: query and body as the contract wants them at least. */
export function leastRequest(op: ApiOperation, given: Readonly<Record<string, string>> = {}): { path: string; method: string; body?: unknown } {
  const query = op.parameters
    .filter((each) => each.in === 'query' && each.required)
    .map(({ name, schema }): [string, string] => [name, String(leastOf(schema))]);
  const path = fillPath(op.path, given) + (query.length === 0 ? '' : `?${new URLSearchParams(query).toString()}`);
  return { path, method: op.method, ...(op.body === null ? {} : { body: leastOf(op.body) }) };
}

const Problem = z.strictObject({
  type: z.string().regex(/^\/errors\/[a-z_]+$/),
  title: z.string().min(1),
  status: z.int(),
  code: z.string(),
  detail: z.string().min(1),
  next: z.string().min(1),
  faults: z.array(z.object({ path: z.string(), message: z.string(), line: z.int().optional() })).optional(),
  retryAfterMs: z.int().optional(),
  correlationId: z.string().regex(/^cor_/),
});
export type Problem = z.infer<typeof Problem>;

/** Words of our inside that no stranger may read: files, stacks, statements, tables. */
const INTERNALS =
  /\.ts\b|node_modules|\bat [\w.]+ \(|\bselect\b.+\bfrom\b|\binsert into\b|relation "|violates|syntax error|org_id|postgres|undefined|\[object/i;

/** The problem of a refused request: whole, with its next step, and nothing of our inside. */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  if (response.headers.get('content-type') !== 'application/problem+json') throw new Error(`${response.status} is no problem+json: ${text}`);
  const problem = Problem.parse(JSON.parse(text));
  if (problem.status !== response.status) throw new Error(`the problem says ${problem.status}, the answer ${response.status}`);
  if (problem.correlationId !== response.headers.get('x-correlation-id')) throw new Error(`another correlation id in the header: ${text}`);
  if (INTERNALS.test(text)) throw new Error(`it tells of our inside: ${text}`);
  return problem;
}
