/**
 * Signing in and out with a browser: the only routes that take a key from a body. Guesses are limited by address, as keys are. What a
 * session is belongs to `platform/sign-in`.
 */
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { SignIn } from '../../platform/sign-in/service.ts';
import type { AdmitDeps } from './admit.ts';
import { MAX_KEY_CHARS, limitGuesses } from './admit.ts';
import type { HttpApp } from './context.ts';
import { rawInput } from './raw-input.ts';
import { clearSessionCookie, sessionTokenOf, setSessionCookie } from './session-cookie.ts';

export const SESSION_PATH = '/session';
const MAX_BODY_BYTES = 4_096;
const Credential = z.union([z.strictObject({ key: z.string().max(MAX_KEY_CHARS) }), z.strictObject({ link: z.string().max(MAX_KEY_CHARS) })]);

export type SignInDeps = Pick<AdmitDeps, 'limiter'> & { signIn: Pick<SignIn, 'open' | 'close'> };

export function mountSignIn(app: HttpApp, deps: SignInDeps): void {
  app.post(SESSION_PATH, bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }), async (c) => {
    // A page elsewhere must not sign its visitor in as somebody else: its Origin was refused before, so none at all is left.
    if (c.req.header('origin') === undefined)
      throw new AppError('denied', 'Only the console signs in here.', { next: 'Programs send their key itself.' });
    const parsed = Credential.safeParse(await rawInput('POST', [], c));
    if (!parsed.success) throw new AppError('invalid_input', 'Give a key or the token of a link.', { next: '{"key": "wl_…"}' });
    const guess = limitGuesses(deps.limiter, c);
    const session = await deps.signIn.open(parsed.data, c.req.header('user-agent') ?? 'unknown');
    if (session === null) {
      guess.failed();
      throw 'key' in parsed.data ? unknownKey() : spentLink();
    }
    setSessionCookie(c, session);
    return c.json({ name: session.principal.name });
  });
  app.delete(SESSION_PATH, async (c) => {
    const token = sessionTokenOf(c);
    if (token !== null) await deps.signIn.close(token);
    clearSessionCookie(c);
    return c.json({ signedOut: true });
  });
}

function unknownKey(): AppError {
  return new AppError('unauthenticated', 'This key is not known, has expired, or was revoked.', {
    next: 'Use the owner key that the first start printed; `windlass up --new-owner-key` prints another.',
  });
}

function spentLink(): AppError {
  return new AppError('unauthenticated', 'This link was used before, or is older than 15 minutes.', {
    next: 'Make another with `windlass console`, or sign in with a key.',
  });
}

function tooLarge(): never {
  throw new AppError('too_large', 'This is no key.', { next: 'Give a key or the token of a link.' });
}
