/** What a request brings, before any contract: members of the path, and of the query of a GET or the body of anything else. */
import { AppError } from '../../kernel/errors.ts';
import type { Method } from '../../kernel/operation.ts';
import type { HttpContext } from './context.ts';

/** A member of the path stands above one of the same name elsewhere. @throws AppError `unsupported`, `invalid_input` */
export async function rawInput(method: Method, names: readonly string[], c: HttpContext): Promise<Record<string, unknown>> {
  const inPath = Object.fromEntries(names.map((name) => [name, c.req.param(name)]));
  if (method === 'GET') return { ...queryInput(c), ...inPath };
  const text = await c.req.text();
  if (text.trim() === '') return inPath;
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new AppError('unsupported', 'The body must be JSON.', { next: 'Send "Content-Type: application/json".' });
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_input', `The body is no JSON: ${error instanceof Error ? error.message.slice(0, 200) : String(error)}.`, {
      next: 'Send one JSON object.',
      cause: error,
    });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AppError('invalid_input', 'The body must be a JSON object.', { next: 'Send one JSON object, {} when there is nothing to say.' });
  }
  return { ...body, ...inPath };
}

/** Repeated names become arrays; everything else stays text, and the contract coerces. */
function queryInput(c: HttpContext): Record<string, unknown> {
  return Object.fromEntries(Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}
