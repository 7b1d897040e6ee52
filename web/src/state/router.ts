/** Addresses and pages: any `<a href="/…">` moves within the console, the browser's own back and forward work, filters live in the query. */
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();

function subscribe(on: () => void): () => void {
  listeners.add(on);
  addEventListener('popstate', on);
  return () => {
    listeners.delete(on);
    removeEventListener('popstate', on);
  };
}

/** The address as `/runs?status=failed`. */
export function useAddress(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search);
}

export function go(to: string, options: { replace?: boolean } = {}): void {
  if (to !== location.pathname + location.search) history[options.replace === true ? 'replaceState' : 'pushState'](null, '', to);
  for (const on of listeners) on();
}

/** Values of the query, and a setter that leaves no trace in the history; an empty value is left out. */
export function useParams(): [URLSearchParams, (changes: Readonly<Record<string, string | null>>) => void] {
  const address = useAddress();
  const params = new URLSearchParams(address.split('?')[1] ?? '');
  const set = (changes: Readonly<Record<string, string | null>>): void => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') next.delete(name);
      else next.set(name, value);
    }
    go(location.pathname + (next.size === 0 ? '' : `?${next.toString()}`), { replace: true });
  };
  return [params, set];
}

/** `/runs/:id` against a path: what stands in the named places, or null. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split('/'), path.replace(/\/$/, '').split('/')];
  if (path === '/') return pattern === '/' ? {} : null;
  if (wanted.length !== given.length) return null;
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) found[part.slice(1)] = decode(value);
    else if (part !== value) return null;
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // half an escape that somebody typed
  }
}

/** Turns plain clicks on links of our own into moves without a reload. */
export function catchLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (link === null || link === undefined || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname === location.pathname && link.hash !== '') return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
