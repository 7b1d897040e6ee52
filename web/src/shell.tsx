/** What is around every page: navigation, palette, keyboard, toasts, whether what is shown is live. */
import type { ComponentType } from 'react';
import { Component, useEffect, useMemo, useState } from 'react';
import { Dialog } from './parts/dialog.tsx';
import { Icon } from './parts/icon.tsx';
import { Page } from './parts/page.tsx';
import type { Command } from './parts/palette.tsx';
import { Palette } from './parts/palette.tsx';
import { Failed, Loading } from './parts/states.tsx';
import { StopEverything } from './parts/stop-everything.tsx';
import { Toasts } from './parts/toasts.tsx';
import type { PageProps, Route } from './routes.ts';
import { ROUTES } from './routes.ts';
import type { Problem } from './state/api.ts';
import { api, asProblem, tellSignedOut } from './state/api.ts';
import type { Shortcut } from './state/keys.ts';
import { allShortcuts, useShortcuts } from './state/keys.ts';
import { useLiveState } from './state/live.ts';
import { useCall } from './state/query.ts';
import { go, match, useAddress } from './state/router.ts';
import { signOut, useMe } from './state/session.tsx';
import { nextTheme, useTheme } from './state/theme.ts';
import { toast, toastProblem } from './state/toasts.ts';

const LIVE_WORDS = { live: 'Live', connecting: 'Connecting…', off: 'Not live' } as const;
const THEME_WORDS = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' } as const;
const THEME_ICONS = { system: 'system', light: 'sun', dark: 'moon' } as const;

export function Shell() {
  const me = useMe();
  const path = useAddress().split('?')[0] ?? '/';
  const [open, setOpen] = useState<'palette' | 'help' | 'stop' | null>(null);
  const offered = ROUTES.filter((route) => route.permission === undefined || me.permissions.includes(route.permission));
  const nav = offered.filter((route) => route.nav !== undefined);
  const waiting = useCall(api.approvals.list, me.permissions.includes('approvals.read') ? { limit: 1 } : null, { live: ['approval', 'run.ended'] });
  const count = waiting.data?.total.kind === 'unknown' ? 0 : (waiting.data?.total.value ?? 0);
  const leave = async (): Promise<void> => {
    await signOut();
    tellSignedOut();
  };
  const commands: Command[] = [
    ...nav.map((route) => ({ id: route.path, label: route.nav?.label ?? '', hint: `page, g ${route.nav?.key ?? ''}`, run: () => go(route.path) })),
    ...offered.flatMap((route) => subPage(route, nav)),
    ...(me.permissions.includes('agents.write')
      ? [{ id: 'stop', label: 'Stop everything', hint: 'all agents and runs', run: () => setOpen('stop') }]
      : []),
    { id: 'theme', label: 'Change the theme', hint: 'light, dark, system', run: () => toast(THEME_WORDS[nextTheme()]) },
    { id: 'keys', label: 'Keyboard', hint: '?', run: () => setOpen('help') },
    { id: 'out', label: 'Sign out', hint: me.actor.name, run: () => void leave().catch(toastProblem) },
  ];
  const shortcuts: Shortcut[] = [
    { keys: 'mod k', does: 'Go to or do anything', run: () => setOpen('palette') },
    { keys: '?', does: 'This help', run: () => setOpen('help') },
    ...nav.map((route) => ({ keys: `g ${route.nav?.key ?? ''}`, does: `Go to ${route.nav?.label ?? ''}`, run: () => go(route.path) })),
  ];
  useShortcuts(shortcuts);
  const links = nav.map((route) => <NavLink key={route.path} route={route} path={path} count={route.path === '/' ? count : 0} />);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        To the content
      </a>
      <aside className="side">
        <a className="brand" href="/">
          <img src="/icon.svg" alt="" />
          Windlass
        </a>
        <nav className="nav" aria-label="Pages">
          {links}
        </nav>
        <Foot onPalette={() => setOpen('palette')} onLeave={leave} />
      </aside>
      <main id="main" tabIndex={-1}>
        <Outlet routes={offered} path={path} />
      </main>
      <nav className="bar" aria-label="Pages">
        {links.slice(0, BAR_MAX)}
        <button type="button" onClick={() => setOpen('palette')}>
          <Icon name="more" size={20} />
          More
        </button>
      </nav>
      {open === 'palette' && <Palette commands={commands} onClose={() => setOpen(null)} />}
      {open === 'stop' && <StopEverything onClose={() => setOpen(null)} />}
      {open === 'help' && <Help onClose={() => setOpen(null)} />}
      <Toasts />
    </div>
  );
}

/** A page below one of the first level, as the palette names it: `Settings: models`. None for one that needs to know of what. */
function subPage({ path, nav: own }: Route, nav: readonly Route[]): Command[] {
  if (own !== undefined || path.includes(':')) return [];
  const above = nav.find((route) => (route.path !== '/' && path.startsWith(`${route.path}/`)) || route.nav?.also === path);
  if (above?.nav === undefined) return [];
  return [{ id: path, label: `${above.nav.label}: ${path.split('/').at(-1) ?? ''}`, hint: 'page', run: () => go(path) }];
}

/** Beside "More", on a narrow screen. */
const BAR_MAX = 4;

function NavLink({ route, path, count }: { route: Route; path: string; count: number }) {
  if (route.nav === undefined) return null;
  const here = route.path === '/' ? path === '/' : path === route.path || path.startsWith(`${route.path}/`) || path === route.nav.also;
  return (
    <a href={route.path} aria-current={here ? 'page' : undefined}>
      <Icon name={route.nav.icon} size={18} />
      {route.nav.label}
      {count > 0 && (
        <span className="count">
          {count > 99 ? '99+' : count}
          <span className="unseen"> waiting for a person</span>
        </span>
      )}
    </a>
  );
}

function Foot({ onPalette, onLeave }: { onPalette: () => void; onLeave: () => Promise<void> }) {
  const me = useMe();
  const live = useLiveState();
  const theme = useTheme();
  return (
    <div className="foot">
      <div className="live" data-state={live} title="Whether changes are shown as they happen">
        <i /> {LIVE_WORDS[live]}
      </div>
      <button type="button" onClick={onPalette}>
        <Icon name="search" /> Find <kbd>{/mac/i.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <button type="button" onClick={() => nextTheme()}>
        <Icon name={THEME_ICONS[theme]} /> {THEME_WORDS[theme]}
      </button>
      <button type="button" onClick={() => void onLeave().catch(toastProblem)} title={`${me.actor.name}, ${me.role}`}>
        <Icon name="out" /> Sign out
      </button>
    </div>
  );
}

function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      title="Keyboard"
      onClose={onClose}
      buttons={
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      }
    >
      <dl className="facts">
        {allShortcuts().map((shortcut) => (
          <div key={shortcut.keys} style={{ display: 'contents' }}>
            <dt>
              <kbd>{shortcut.keys === 'mod k' ? 'Ctrl K' : shortcut.keys}</kbd>
            </dt>
            <dd>{shortcut.does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

type LoadedPage = { route: Route; page: ComponentType<PageProps> | null; problem: Problem | null };

function Outlet({ routes, path }: { routes: readonly Route[]; path: string }) {
  const found = useMemo(() => {
    for (const route of routes) {
      const params = match(route.path, path);
      if (params !== null) return { route, params };
    }
    return null;
  }, [path]);
  const [loaded, setLoaded] = useState<LoadedPage | null>(null);
  const route = found?.route;
  useEffect(() => {
    if (route === undefined) return undefined;
    let stays = true;
    route.load().then(
      (page) => stays && setLoaded({ route, page, problem: null }),
      (error: unknown) => stays && setLoaded({ route, page: null, problem: asProblem(error) }),
    );
    return () => {
      stays = false;
    };
  }, [route]);
  useEffect(() => {
    scrollTo(0, 0);
  }, [path]);
  if (found === null) {
    return (
      <Page title="There is no such page">
        <p>
          Nothing stands at <code>{path}</code>. <a href="/">Go home</a>
        </p>
      </Page>
    );
  }
  if (loaded === null || loaded.route !== found.route) return <Loading what="the page" />;
  if (loaded.page === null) {
    const problem = {
      ...(loaded.problem ?? asProblem(null)),
      detail: 'The code of this page could not be loaded.',
      next: 'Windlass may have been upgraded since: load the page again.',
    };
    return <Failed what="The page" problem={problem} retry={() => location.reload()} />;
  }
  const Shown = loaded.page;
  return (
    <Boundary key={path}>
      <Shown params={found.params} />
    </Boundary>
  );
}

/** A page that breaks leaves the rest standing. React has no other way to catch than a class. */
class Boundary extends Component<{ children: React.ReactNode }, { problem: Problem | null }> {
  override state = { problem: null as Problem | null };
  static getDerivedStateFromError(error: unknown) {
    return { problem: asProblem(error) };
  }
  override render() {
    if (this.state.problem === null) return this.props.children;
    return <Failed what="This page" problem={this.state.problem} retry={() => this.setState({ problem: null })} />;
  }
}
