/**
 * One event stream for the whole browser: the tab that holds a lock reads the feed and tells the others, because a browser opens only six
 * connections to one server. When that tab goes, the next one has the lock and reads on from where it was. Without locks (an address that
 * is not secure) every tab reads for itself.
 */
import { useSyncExternalStore } from 'react';
import type { FeedItem } from '../../../src/runtime/feed/contract.ts';
import { api, asProblem } from './api.ts';

export type Change = FeedItem;
export type LiveState = 'off' | 'connecting' | 'live';
type Message = { kind: 'changes'; changes: Change[]; position: number } | { kind: 'state'; state: LiveState } | { kind: 'ask' };

const NAME = 'windlass.feed';
const RETRY_MS = 3_000;

const followers = new Set<(changes: readonly Change[] | 'all') => void>();
const watchers = new Set<() => void>();
let state: LiveState = 'off';
let position: number | null = null;
let leads = false;
let running: AbortController | null = null;

/** Calls `on` with what changed, or with `all` when it is not known what was missed. */
export function onChanges(on: (changes: readonly Change[] | 'all') => void): () => void {
  followers.add(on);
  return () => followers.delete(on);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (on) => {
      watchers.add(on);
      return () => watchers.delete(on);
    },
    () => state,
  );
}

/** Position up to which this tab has heard of changes; null before the first word. */
export function heardUpTo(): number | null {
  return position;
}

function setState(next: LiveState): void {
  state = next;
  for (const on of watchers) on();
}

function hear(changes: Change[], upTo: number): void {
  position = upTo;
  if (changes.length > 0) for (const on of followers) on(changes);
}

/** From sign-in to sign-out. */
export function startLive(): void {
  if (running !== null) return;
  running = new AbortController();
  const { signal } = running;
  const channel = new BroadcastChannel(NAME);
  const tell = (message: Message): void => channel.postMessage(message);
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'changes') hear(data.changes, data.position);
    else if (data.kind === 'state') setState(data.state);
    else if (leads) tell({ kind: 'state', state });
  });
  signal.addEventListener('abort', () => channel.close());
  setState('connecting');
  tell({ kind: 'ask' });
  if (!('locks' in navigator)) void lead(signal, () => undefined);
  else void navigator.locks.request(NAME, { signal }, () => lead(signal, tell)).catch(() => undefined); // signed out while waiting
}

export function stopLive(): void {
  running?.abort();
  running = null;
  position = null;
  leads = false;
  setState('off');
}

/** Reads the feed for everybody until it is over. */
function lead(signal: AbortSignal, tell: (message: Message) => void): Promise<void> {
  leads = true;
  return new Promise((resolve) => {
    let source: EventSource | null = null;
    const say = (next: LiveState): void => {
      setState(next);
      tell({ kind: 'state', state: next });
    };
    const again = (): void => {
      source?.close();
      if (signal.aborted) return;
      say('connecting');
      // why it ended: signed out is told by the client of the API, anything else is tried again
      setTimeout(
        () => void api.identity.whoami({}).then(open, (error: unknown) => (asProblem(error).code === 'unauthenticated' ? undefined : again())),
        RETRY_MS,
      );
    };
    const open = (): void => {
      if (signal.aborted) return;
      source = new EventSource(`/api/v1/feed${position === null ? '' : `?after=${position}`}`);
      source.addEventListener('open', () => say('live'));
      source.addEventListener('ended', again);
      source.addEventListener('error', again);
      source.addEventListener('changes', ({ data, lastEventId }: MessageEvent<string>) => {
        const changes = JSON.parse(data) as Change[];
        hear(changes, Number(lastEventId));
        tell({ kind: 'changes', changes, position: Number(lastEventId) });
      });
    };
    signal.addEventListener('abort', () => {
      source?.close();
      resolve();
    });
    open();
  });
}
