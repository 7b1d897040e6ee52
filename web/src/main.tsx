/** Starts the console: styles, links, keys, and whoever is signed in. */
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { SignIn } from './pages/sign-in.tsx';
import { Failed } from './parts/states.tsx';
import { ROUTES } from './routes.ts';
import { Shell } from './shell.tsx';
import { listenForKeys } from './state/keys.ts';
import { catchLinks, go, match, useAddress } from './state/router.ts';
import { MeProvider, takePlace, useSession } from './state/session.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/pages.css';

function Console() {
  const { session, look } = useSession();
  const address = useAddress();
  useEffect(listenForKeys, []);
  // who is signed in and comes by a link is signed in anew with it; without one there is nothing to do here
  const atSignIn = address.split('?')[0] === '/sign-in';
  const [byLink, setByLink] = useState(() => location.pathname === '/sign-in' && location.hash.length > 1);
  const signedIn = async (): Promise<void> => {
    setByLink(false);
    await look();
  };
  useEffect(() => {
    if (session.kind === 'in' && atSignIn && !byLink) go('/', { replace: true });
  }, [session.kind, atSignIn, byLink]);
  useEffect(() => {
    const place = session.kind === 'in' ? takePlace() : null;
    if (place !== null && location.pathname === '/') go(place, { replace: true });
  }, [session.kind]);
  if (byLink) return <SignIn onSignedIn={signedIn} />;
  switch (session.kind) {
    case 'unknown':
      return <p className="starting">Windlass</p>;
    case 'out':
      return <SignIn onSignedIn={look} />;
    case 'failed':
      return (
        <main>
          <Failed what="The console" problem={session.problem} retry={() => void look()} />
        </main>
      );
    case 'in':
      return (
        <MeProvider me={session.me}>
          <Shell />
        </MeProvider>
      );
  }
}

// the page's code comes while the server is asked who looks
void ROUTES.find((route) => match(route.path, location.pathname) !== null)
  ?.load()
  .catch(() => undefined); // told where the page is shown
catchLinks();
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  );
}
