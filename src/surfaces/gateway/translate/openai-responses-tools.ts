/** Namespaces of tools in Responses: other protocols have one list of names, so a name there tells its namespace too. */
import type { JsonObject } from '../../../kernel/canonical-json.ts';

export function toolName(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}__${name}`;
}

/** A called tool as the client named it, by the tools of its request. */
export function namedTool(body: JsonObject, called: string): { name: string; namespace?: string } {
  const tools = Array.isArray(body['tools']) ? (body['tools'] as { type?: unknown; name?: unknown; tools?: { name?: unknown }[] }[]) : [];
  for (const { type, name: namespace, tools: inner = [] } of tools) {
    if (type !== 'namespace' || typeof namespace !== 'string') continue;
    for (const { name } of inner) if (typeof name === 'string' && toolName(namespace, name) === called) return { name, namespace };
  }
  return { name: called };
}
