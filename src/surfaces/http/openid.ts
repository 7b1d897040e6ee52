/**
 * The way to the identity provider and back, as a browser walks it. Whatever goes wrong ends on the sign-in page, which has words for it;
 * what the provider said stays in the log.
 */
import type { SignInProblem, SignInWays } from '../../platform/sign-in/contract.ts';
import type { OpenIdSignIn } from '../../platform/sign-in/openid.ts';
import { CALLBACK_PATH } from '../../platform/sign-in/openid-flow.ts';
import { addressOf } from './admit.ts';
import type { HttpApp, HttpContext } from './context.ts';
import type { RateLimiter } from './rate-limit.ts';
import { cookieName, cookieOf, setSessionCookie } from './session-cookie.ts';

export const SIGN_IN_PATH = '/sign-in';
const BEGIN_PATH = '/sign-in/openid';
/** From one address, which may be a proxy before everybody. */
const ATTEMPTS_PER_MINUTE = 300;
const MAX_QUERY_CHARS = 8_192;
const COOKIE = 'windlass_attempt';

/** `openId` is null where no provider is configured. */
export function mountOpenId(app: HttpApp, { openId, limiter }: { openId: OpenIdSignIn | null; limiter: RateLimiter }): void {
  const ways: SignInWays = { openId: openId === null ? null : { name: openId.name, path: BEGIN_PATH } };
  app.get('/sign-in/ways', (c) => c.json(ways));
  if (openId === null) return;
  const isSecure = (): boolean => openId.origin().startsWith('https:');
  app.get(BEGIN_PATH, async (c) => {
    if (!limiter(`sign-ins from ${addressOf(c)}`, ATTEMPTS_PER_MINUTE).allowed) return problem(c, 'too_many');
    // The cookie must be of the origin that the provider sends the browser back to.
    if (c.req.header('host')?.toLowerCase() !== new URL(openId.origin()).host) return c.redirect(openId.origin() + BEGIN_PATH, 303);
    const begun = await openId.begin();
    if (!begun.ok) return problem(c, begun.why);
    setAttemptCookie(c, { value: begun.token, seconds: begun.lifetimeMs / 1_000, secure: isSecure() });
    return c.redirect(begun.address, 303);
  });
  app.get(CALLBACK_PATH, async (c) => {
    const token = cookieOf(c, cookieName(c, COOKIE));
    const { search } = new URL(c.req.url);
    setAttemptCookie(c, { value: '', seconds: 0, secure: isSecure() });
    if (search.length > MAX_QUERY_CHARS) return problem(c, 'not_believed');
    const finished = await openId.finish(token, search, c.req.header('user-agent') ?? 'unknown');
    if (!finished.ok) return problem(c, finished.why);
    setSessionCookie(c, finished.session, { secure: isSecure() });
    return c.redirect('/', 303);
  });
}

function problem(c: HttpContext, why: SignInProblem): Response {
  return c.redirect(`${SIGN_IN_PATH}?problem=${why}`, 303);
}

/** Lax: the provider's page sends the browser back, and a stricter cookie would stay behind. */
function setAttemptCookie(c: HttpContext, { value, seconds, secure }: { value: string; seconds: number; secure: boolean }): void {
  const attributes = `Path=${SIGN_IN_PATH}; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure ? '; Secure' : ''}`;
  c.header('set-cookie', `${cookieName(c, COOKIE)}=${value}; ${attributes}`, { append: true });
}
