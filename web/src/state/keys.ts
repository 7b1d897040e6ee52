/** The keyboard: single keys and two in a row (`g r`), told in one place so that the help can list them. Silent while something is typed. */
import { useEffect } from 'react';

export type Shortcut = { keys: string; does: string; run: () => void };

const shortcuts = new Map<string, Shortcut>();
const GAP_MS = 900;

export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
    for (const shortcut of list) shortcuts.set(shortcut.keys, shortcut);
    return () => {
      for (const shortcut of list) if (shortcuts.get(shortcut.keys) === shortcut) shortcuts.delete(shortcut.keys);
    };
  });
}

export function allShortcuts(): Shortcut[] {
  return [...shortcuts.values()];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Listens from now on; returns what ends that. */
export function listenForKeys(): () => void {
  let before = '';
  let beforeMs = 0;
  const on = (event: KeyboardEvent): void => {
    const meta = event.metaKey || event.ctrlKey;
    if (event.altKey || (meta && event.key.toLowerCase() !== 'k') || (!meta && isTyping(event.target))) return;
    if (!meta && document.querySelector('dialog[open]') !== null) return;
    const key = meta ? 'mod k' : event.key;
    const two = event.timeStamp - beforeMs < GAP_MS ? `${before} ${key}` : key;
    const shortcut = shortcuts.get(two) ?? shortcuts.get(key);
    before = key;
    beforeMs = event.timeStamp;
    if (shortcut === undefined) return;
    event.preventDefault();
    before = '';
    shortcut.run();
  };
  document.addEventListener('keydown', on);
  return () => document.removeEventListener('keydown', on);
}
