/**
 * The OpenAPI 3.1 document, made from the same operations that serve the routes. OpenAPI 3.1 takes JSON Schema 2020-12 as it
 * is, so zod's own conversion is all it needs.
 */
import { z } from 'zod';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { ERROR_CODES } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';
import { pathNames } from '../../kernel/operation.ts';

export const API_PREFIX = '/api/v1';

export function openApiDocument(operations: readonly Operation[], version: string): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const op of operations) {
    const path = `${API_PREFIX}${op.path}`;
    paths[path] = { ...paths[path], [op.method.toLowerCase()]: describe(op) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Windlass',
      version,
      description: 'Agents as dependable members of a small team. Errors are problem+json with a code, what happened and the next step.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key, as made by `windlass key create`.' } },
      schemas: { Problem: PROBLEM },
    },
  };
}

function describe(op: Operation): JsonObject {
  const schema = jsonSchema(op.input, 'input');
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  const required = (schema['required'] ?? []) as string[];
  const inPath = pathNames(op.path);
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  const parameters: JsonObject[] = inPath.map((name) => ({ name, in: 'path', required: true, schema: properties[name] ?? { type: 'string' } }));
  if (op.method === 'GET') {
    for (const name of rest) parameters.push({ name, in: 'query', required: required.includes(name), schema: properties[name] ?? {} });
  } else {
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      schema: { type: 'string' },
      description: 'The same key and request gets the first answer again, for a day.',
    });
  }
  const body =
    op.method === 'GET' || rest.length === 0
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: without(schema, inPath) } } } };
  return {
    operationId: op.name,
    summary: op.summary,
    tags: [op.name.split('.')[0] ?? 'other'],
    parameters,
    ...body,
    'x-permission': op.permission,
    responses: {
      [String(op.status)]: { description: 'Done.', content: { 'application/json': { schema: jsonSchema(op.output, 'output') } } },
      default: { description: 'An error.', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  };
}

function without(schema: JsonObject, names: readonly string[]): JsonObject {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  const required = ((schema['required'] ?? []) as string[]).filter((name) => !names.includes(name));
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name))),
    ...(required.length > 0 ? { required } : { required: undefined }),
  };
}

/** JSON Schema 2020-12 of a contract, without the `$schema` line that OpenAPI states once. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest as JsonObject;
}

const PROBLEM: JsonObject = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'next', 'correlationId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERROR_CODES) },
    detail: { type: 'string' },
    next: { type: 'string', description: 'The next step.' },
    faults: {
      type: 'array',
      items: { type: 'object', properties: { path: { type: 'string' }, message: { type: 'string' }, line: { type: 'integer' } } },
    },
    retryAfterMs: { type: 'integer' },
    correlationId: { type: 'string' },
  },
};
