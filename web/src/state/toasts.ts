/** Short words on what was done or could not be, for a few seconds; read aloud by screen readers. */
import { useSyncExternalStore } from 'react';
import { asProblem } from './api.ts';

export type Toast = { id: number; text: string; next: string | null; bad: boolean };

const SHOWN_MS = 6_000;
const BAD_SHOWN_MS = 12_000;
const MAX = 4;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const on of listeners) on();
}

export function useToasts(): readonly Toast[] {
  return useSyncExternalStore(
    (on) => {
      listeners.add(on);
      return () => listeners.delete(on);
    },
    () => toasts,
  );
}

export function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

function add(toast: Omit<Toast, 'id'>): void {
  lastId += 1;
  const id = lastId;
  set([...toasts, { ...toast, id }].slice(-MAX));
  setTimeout(() => dismiss(id), toast.bad ? BAD_SHOWN_MS : SHOWN_MS);
}

export function toast(text: string): void {
  add({ text, next: null, bad: false });
}

/** Says what failed, why, and the next step. */
export function toastProblem(error: unknown): void {
  const problem = asProblem(error);
  if (problem.code !== 'unauthenticated') add({ text: problem.detail, next: problem.next, bad: true });
}
