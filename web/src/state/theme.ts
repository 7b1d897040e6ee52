/** Light, dark, or as the system has it. `public/theme.js` sets what was chosen before the first paint. */
import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const NAME = 'windlass.theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const listeners = new Set<() => void>();

function current(): Theme {
  const set = document.documentElement.dataset['theme'];
  return set === 'light' || set === 'dark' ? set : 'system';
}

export function useTheme(): Theme {
  return useSyncExternalStore((on) => {
    listeners.add(on);
    return () => listeners.delete(on);
  }, current);
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(NAME, theme);
  } catch {
    // storage is closed to this page: it holds until the page is left
  }
  for (const on of listeners) on();
}

export function nextTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length] ?? 'system';
  setTheme(next);
  return next;
}
