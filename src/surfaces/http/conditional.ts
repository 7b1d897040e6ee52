/** Conditional requests (RFC 9110, section 13): what is answered to a GET has an ETag, and a change may name the one it was made from. */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { HttpContext } from './context.ts';

const TAG_CHARS = 32;

export function etagOf(body: string): string {
  return `"${sha256Hex(body).slice(0, TAG_CHARS)}"`;
}

/** Of `If-Match` and `If-None-Match`: weak marks do not count, because our tags are digests of the whole answer. */
function names(header: string, etag: string): boolean {
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** The answer of a GET: whole, or 304 when the caller has it already. */
export function conditionalAnswer(c: HttpContext, body: string): Response {
  const etag = etagOf(body);
  c.header('etag', etag);
  c.header('cache-control', 'private, no-cache');
  const known = c.req.header('if-none-match');
  if (known !== undefined && names(known, etag)) return c.newResponse(null, 304);
  c.header('content-type', 'application/json');
  return c.newResponse(body, 200);
}

/** @throws AppError `precondition_failed` unless the header names the state as it is now; `body` is null where nothing can be read. */
export function refuseUnmatched(header: string, body: string | null): void {
  if (body !== null && names(header, etagOf(body))) return;
  throw new AppError(
    'precondition_failed',
    body === null ? 'If-Match has no meaning here.' : 'It has changed since the answer that If-Match names.',
    {
      next: body === null ? 'Leave If-Match out.' : 'Read it again, and send your change with the new ETag.',
    },
  );
}
