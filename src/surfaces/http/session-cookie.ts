/**
 * The cookie of a signed-in browser. It is sent by whatever page makes the request, and other ports of one host share cookies, so that a
 * request with it must come from a page of this very origin.
 */
import { AppError } from '../../kernel/errors.ts';
import type { HttpContext } from './context.ts';

const PREFIX = 'windlass_session';

/** Two servers on one host have a cookie each: browsers do not tell ports apart. */
export function cookieName(c: HttpContext, prefix: string = PREFIX): string {
  const port = /:(\d+)$/.exec(c.req.header('host') ?? '')?.[1];
  return port === undefined ? prefix : `${prefix}_${port}`;
}

/** The value of a cookie; null when there is none. */
export function cookieOf(c: HttpContext, name: string): string | null {
  const cookies = (c.req.header('cookie') ?? '').split(';').map((part) => part.trim());
  return cookies.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) || null;
}

/** The token in the cookie; null when there is none. @throws AppError `denied` when another page sends it. */
export function sessionTokenOf(c: HttpContext): string | null {
  const token = cookieOf(c, cookieName(c));
  if (token === null) return null;
  refuseForeignPage(c);
  return token;
}

/** The first door has compared Origin with Host where there is one; here there must be one for whatever changes something. */
function refuseForeignPage(c: HttpContext): void {
  const site = c.req.header('sec-fetch-site');
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  const unnamed = c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.header('origin') === undefined;
  if (!foreign && !unnamed) return;
  throw new AppError('denied', 'A signed-in browser is served only from a page of this server.', {
    next: 'Open the console itself. Programs send a key: "Authorization: Bearer KEY".',
  });
}

/** `secure` is for who is sent here by another page and so names no origin. */
export function setSessionCookie(c: HttpContext, session: { token: string; lifetimeMs: number }, { secure }: { secure?: boolean } = {}): void {
  const suffix = (secure ?? (c.req.header('origin') ?? '').startsWith('https:')) ? '; Secure' : '';
  const lifetime = Math.floor(session.lifetimeMs / 1_000);
  const cookie = `${cookieName(c)}=${session.token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${lifetime}${suffix}`;
  c.header('set-cookie', cookie, { append: true });
}

export function clearSessionCookie(c: HttpContext): void {
  c.header('set-cookie', `${cookieName(c)}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`);
}
