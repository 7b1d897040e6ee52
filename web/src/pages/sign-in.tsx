/** Signing in: a key typed once, or a link that the first start printed. The key itself is not kept in the browser. */
import type { FormEvent } from 'react';
import { useEffect, useRef, useState } from 'react';
import type { Problem } from '../state/api.ts';
import { asProblem } from '../state/api.ts';
import { go } from '../state/router.ts';
import { signIn } from '../state/session.tsx';

export function SignIn({ onSignedIn }: { onSignedIn: () => Promise<void> }) {
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const began = useRef(false);
  const open = async (credential: { key: string } | { link: string }): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(credential);
      if (location.pathname === '/sign-in') go('/', { replace: true });
      await onSignedIn();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  useEffect(() => {
    const link = location.pathname === '/sign-in' ? location.hash.slice(1) : '';
    if (link === '' || began.current) return;
    began.current = true; // the link is good once
    history.replaceState(null, '', '/sign-in');
    void open({ link });
  });
  useEffect(() => {
    document.title = 'Sign in · Windlass';
  }, []);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void open({ key: key.trim() });
  };
  return (
    <main className="sign-in">
      <form className="card stack" onSubmit={submit}>
        <div className="brand">
          <img src="/icon.svg" alt="" />
          Windlass
        </div>
        <h1>Sign in</h1>
        <div className="field">
          <label htmlFor="key">Your key</label>
          <input
            id="key"
            className="input mono"
            type="password"
            autoComplete="current-password"
            autoFocus
            spellCheck={false}
            value={key}
            onChange={(event) => setKey(event.target.value)}
            aria-describedby="key-about"
            aria-invalid={problem === null ? undefined : true}
          />
          <div id="key-about" className="hint">
            The owner key that the first start printed, or one made for you; it begins with <code>wl_</code>.
          </div>
        </div>
        {problem !== null && (
          <div className="notice bad" role="alert">
            <div>
              {problem.detail} <span className="muted">{problem.next}</span>
            </div>
          </div>
        )}
        <button type="submit" className="button main" disabled={busy || key.trim() === ''}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p className="muted small">
          Lost it? In the folder of Windlass, <code>npx windlass console</code> prints a link that signs you in once.
        </p>
      </form>
    </main>
  );
}
