/** Who is signed in, and what they may do. */
import type { ReactNode } from 'react';
import { createContext, useCallback, useContext, useEffect, useState } from 'react';
import type { SignInWays } from '../../../src/platform/sign-in/contract.ts';
import type { AnswerOf, Problem } from './api.ts';
import { api, asProblem, onSignedOut, request } from './api.ts';
import { startLive, stopLive } from './live.ts';
import { forgetAll } from './query.ts';

export type Me = AnswerOf<typeof api.identity.whoami>;
export type SessionState = { kind: 'unknown' } | { kind: 'out' } | { kind: 'in'; me: Me } | { kind: 'failed'; problem: Problem };

const MeContext = createContext<Me | null>(null);

export function MeProvider({ me, children }: { me: Me; children: ReactNode }) {
  return <MeContext value={me}>{children}</MeContext>;
}

export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error('a page is shown to nobody');
  return me;
}

/** Whether the one who looks may do something; what they may not do is not offered. */
export function useMay(permission: string): boolean {
  return useMe().permissions.includes(permission);
}

export function useSession(): { session: SessionState; look: () => Promise<void> } {
  const [session, setSession] = useState<SessionState>({ kind: 'unknown' });
  const look = useCallback(async () => {
    try {
      const me = await api.identity.whoami({});
      startLive();
      setSession({ kind: 'in', me });
    } catch (error) {
      const problem = asProblem(error);
      setSession(problem.code === 'unauthenticated' ? { kind: 'out' } : { kind: 'failed', problem });
    }
  }, []);
  useEffect(() => {
    void look();
    return onSignedOut(() => {
      stopLive();
      forgetAll();
      setSession({ kind: 'out' });
    });
  }, [look]);
  return { session, look };
}

export async function signIn(credential: { key: string } | { link: string }): Promise<void> {
  await request('/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(credential) });
}

export async function signOut(): Promise<void> {
  await request('/session', { method: 'DELETE' });
}

export async function waysToSignIn(): Promise<SignInWays> {
  return (await request('/sign-in/ways', { method: 'GET' })) as SignInWays;
}

const PLACE = 'windlass.place';

/** Where one was when one left for the identity provider, which sends everybody back to the first page. */
export function keepPlace(): void {
  if (location.pathname !== '/sign-in') sessionStorage.setItem(PLACE, location.pathname + location.search);
}

/** That place, once; null when there is none. */
export function takePlace(): string | null {
  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  return place;
}
