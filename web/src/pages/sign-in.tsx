/** Signing in: with the identity provider, a key typed once, or a link that the first start printed. The key is not kept in the browser. */
import type { FormEvent } from 'react';
import { useEffect, useRef, useState } from 'react';
import type { SignInProblem, SignInWays } from '../../../src/platform/sign-in/contract.ts';
import { asProblem } from '../state/api.ts';
import { go, useAddress } from '../state/router.ts';
import { keepPlace, signIn, waysToSignIn } from '../state/session.tsx';

type Words = { detail: string; next: string };

/** What the identity provider's word came to, for the person before the screen. */
const REFUSED: Readonly<Record<SignInProblem, Words>> = {
  expired: { detail: 'This sign-in took too long, or began in another browser.', next: 'Begin again.' },
  cancelled: { detail: 'You were not signed in: it was called off there.', next: 'Begin again, or use a key.' },
  unreachable: { detail: 'The sign-in service does not answer.', next: 'Try again in a minute; a key works meanwhile.' },
  not_set_up: {
    detail: 'The sign-in service is not set up rightly.',
    next: 'Tell whoever runs this server: its log says what is wrong. A key works meanwhile.',
  },
  not_believed: {
    detail: 'What the sign-in service answered could not be verified.',
    next: 'Begin again; if it stays so, tell whoever runs this server.',
  },
  email_missing: { detail: 'Your account there gives no email address.', next: 'Add one there, or ask an admin for a key.' },
  email_unverified: { detail: 'Your email address there is not verified.', next: 'Verify it there, then begin again.' },
  email_domain: { detail: 'Accounts of that email domain are not let in here.', next: 'Use the account of your organization.' },
  no_role: { detail: 'Your account there has no role here.', next: 'Ask an admin to add you to the right group there.' },
  unknown_person: { detail: 'Nobody has let your email address in here yet.', next: 'Ask an admin: Settings, People, "Let sign in".' },
  other_account: {
    detail: 'Your email address belongs to another account that has signed in here before.',
    next: 'Ask an admin to let your address in anew: Settings, People.',
  },
  too_many: { detail: 'Too many people began to sign in from this network just now.', next: 'Wait a minute, then begin again.' },
};

function refusedBefore(address: string): Words | null {
  const [path, query] = address.split('?');
  const why = path === '/sign-in' ? new URLSearchParams(query).get('problem') : null;
  return why === null ? null : (REFUSED[why as SignInProblem] ?? REFUSED.not_believed);
}

export function SignIn({ onSignedIn }: { onSignedIn: () => Promise<void> }) {
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const address = useAddress();
  const [refused, setRefused] = useState(() => refusedBefore(address));
  const [problem, setProblem] = useState<Words | null>(null);
  const [ways, setWays] = useState<SignInWays>({ openId: null });
  const began = useRef(false);
  const open = async (credential: { key: string } | { link: string }): Promise<void> => {
    setBusy(true);
    setProblem(null);
    setRefused(null);
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
    // a server that does not say has no other way than a key
    waysToSignIn().then(setWays, () => undefined);
  }, []);
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
        {refused !== null && <Said words={refused} />}
        {ways.openId !== null && (
          <>
            <OpenId name={ways.openId.name} path={ways.openId.path} />
            <p className="muted small">Or with a key:</p>
          </>
        )}
        <div className="field">
          <label htmlFor="key">Your key</label>
          <input
            id="key"
            className="input mono"
            type="password"
            autoComplete="current-password"
            autoFocus={ways.openId === null}
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
        {problem !== null && <Said words={problem} />}
        <button type="submit" className={ways.openId === null ? 'button main' : 'button'} disabled={busy || key.trim() === ''}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p className="muted small">
          Lost it? In the folder of Windlass, <code>npx windlass console</code> prints a link that signs you in once.
        </p>
      </form>
    </main>
  );
}

function Said({ words }: { words: Words }) {
  return (
    <div className="notice bad" role="alert">
      <div>
        {words.detail} <span className="muted">{words.next}</span>
      </div>
    </div>
  );
}

function OpenId({ name, path }: { name: string; path: string }) {
  const leave = (): void => {
    keepPlace();
    location.assign(path);
  };
  return (
    <button type="button" className="button main" onClick={leave}>
      Continue with {name}
    </button>
  );
}
