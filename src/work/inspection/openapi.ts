/** Operations of OpenAPI and Swagger descriptions that a repository holds. */
import { parse } from 'yaml';
import type { Repository } from './repository.ts';
import { isOwnCode } from './repository.ts';

export type ApiOperationFact = { method: string; path: string; summary: string | null; parameters: string[]; answers: string[] };
export type ApiDescription = { source: string; title: string | null; version: string | null; servers: string[]; operations: ApiOperationFact[] };

const NAMES = /(^|\/)(openapi|swagger|api-spec)([.-][\w.-]+)?\.(json|ya?ml)$/i;
const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head', 'trace'];
const DESCRIPTIONS_MAX = 5;

export async function readOpenApi(repository: Repository): Promise<ApiDescription[]> {
  const sources = repository.files.filter((file) => NAMES.test(file) && (isOwnCode(file) || file.startsWith('docs/'))).slice(0, DESCRIPTIONS_MAX);
  const read = await Promise.all(sources.map(async (source) => descriptionOf(source, (await repository.read(source)) ?? '')));
  return read.flatMap((each) => (each === null || each.operations.length === 0 ? [] : [each]));
}

function descriptionOf(source: string, text: string): ApiDescription | null {
  try {
    const file = recordOf(source.endsWith('.json') ? JSON.parse(text) : parse(text));
    if (file['openapi'] === undefined && file['swagger'] === undefined) return null;
    const info = recordOf(file['info']);
    const servers: unknown = file['servers'];
    const operations = Object.entries(recordOf(file['paths'])).flatMap(([path, item]) =>
      Object.entries(recordOf(item)).flatMap(([method, operation]) =>
        METHODS.includes(method) ? [operationOf(path, method, recordOf(operation))] : [],
      ),
    );
    const urls = Array.isArray(servers) ? servers.flatMap((server) => textOf(recordOf(server)['url']) ?? []) : [];
    return { source, title: textOf(info['title']), version: textOf(info['version']), servers: urls, operations };
  } catch {
    return null; // broken, or YAML of another kind
  }
}

function operationOf(path: string, method: string, operation: Record<string, unknown>): ApiOperationFact {
  const listed: unknown = operation['parameters'];
  const parameters = Array.isArray(listed)
    ? listed.flatMap((each) =>
        ((parameter) => (textOf(parameter['name']) === null ? [] : [`${textOf(parameter['name'])} (${textOf(parameter['in']) ?? '?'})`]))(
          recordOf(each),
        ),
      )
    : [];
  const summary = textOf(operation['summary']) ?? textOf(operation['description'])?.split('\n')[0] ?? textOf(operation['operationId']);
  return { method: method.toUpperCase(), path, summary, parameters, answers: Object.keys(recordOf(operation['responses'])) };
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null;
}
