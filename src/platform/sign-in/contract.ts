/** What surfaces can ask of browser sessions. Signing in itself needs no key and is a route of its own: `surfaces/http/sign-in.ts`. */
import { z } from 'zod';
import { operation } from '../../kernel/operation.ts';
import { PageInput, pageOf } from '../../kernel/page.ts';

export const SignInView = z.object({
  id: z.string(),
  /** What the browser said of itself. */
  browser: z.string(),
  key: z.object({ id: z.string(), name: z.string(), fingerprint: z.string() }),
  actor: z.object({ id: z.string(), name: z.string() }),
  state: z.enum(['active', 'expired', 'ended']),
  createdAtMs: z.int(),
  expiresAtMs: z.int(),
  endedAtMs: z.int().nullable(),
});
export type SignInView = z.infer<typeof SignInView>;

/** Why the identity provider's word let nobody in: all that reaches the browser of it. The console has the words for each. */
export type SignInProblem =
  | 'expired'
  | 'cancelled'
  | 'unreachable'
  | 'not_set_up'
  | 'not_believed'
  | 'email_missing'
  | 'email_unverified'
  | 'email_domain'
  | 'no_role'
  | 'unknown_person'
  | 'other_account'
  | 'too_many';

/** What `GET /sign-in/ways` answers: how one can sign in beside a key. */
export type SignInWays = { openId: { name: string; path: string } | null };

export const signInOperations = {
  list: operation({
    name: 'sign_ins.list',
    permission: 'self.read',
    method: 'GET',
    path: '/sign-ins',
    summary: 'Lists the browsers in which you are signed in, newest first; those of everybody for an admin.',
    input: PageInput.extend({ all: z.stringbool().optional().meta({ description: 'Also those that have ended.' }) }),
    output: pageOf(SignInView),
  }),
  end: operation({
    name: 'sign_ins.end',
    permission: 'self.sign_in',
    method: 'POST',
    path: '/sign-ins/{id}/end',
    summary: 'Signs a browser out at once.',
    input: z.object({ id: z.string().meta({ description: 'Sign-in id, as in sgn_01jd…' }) }),
    output: SignInView,
    effect: 'destructive',
  }),
  link: operation({
    name: 'sign_ins.link',
    permission: 'self.sign_in',
    method: 'POST',
    path: '/sign-in-links',
    summary: 'Makes a link that signs one browser in with this key: good once, for 15 minutes.',
    input: z.object({}),
    output: z.object({
      token: z.string().meta({ description: 'Shown once. The address is /sign-in#TOKEN on this server.' }),
      path: z.string(),
      expiresAtMs: z.int(),
    }),
    status: 201,
    showsSecret: true,
  }),
};
