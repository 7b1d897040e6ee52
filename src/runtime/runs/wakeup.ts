/**
 * Wake-ups between processes over LISTEN and NOTIFY, and within this one directly. Only hints: whoever hears one reads by
 * its cursor, and a lost one costs the time until the next look. Two kinds: a run may be due (for engines), and a run's
 * journal grew (for who watches it). Sent after the commit and coalesced, because PostgreSQL serialises commits that notify.
 */
import type { Clock } from '../../kernel/clock.ts';
import { storedId } from '../../kernel/ids.ts';
import type { OrgId, RunId } from '../../kernel/ids.ts';
import { NOTIFY_PAYLOAD_MAX_BYTES } from '../../storage/database.ts';
import type { Database } from '../../storage/database.ts';
import type { Wakeups } from './engine.ts';

export type WakeupHub = Wakeups & {
  /** Something came for this run: call it once the transaction that wrote it has committed. */
  wake(org: OrgId, run: RunId): void;
  /** This run's journal grew. */
  grew(org: OrgId, run: RunId): void;
  /** Calls `on` when the run's journal may have grown; returns what ends that. */
  onNews(org: OrgId, run: RunId, on: () => void): () => void;
  /** The same for any run of an organization. */
  onAnyNews(org: OrgId, on: () => void): () => void;
  close(): Promise<void>;
};

const DUE_CHANNEL = 'windlass_due';
const NEWS_CHANNEL = 'windlass_news';
/** News for other processes are gathered this long; watchers there are people. */
const NEWS_EVERY_MS = 50;
/** Stands for "any run", when there are too many to name. */
const ANY = '*';
const NAMED_MAX = 500;

/** `process` tells this process's own notifications from others'. Listens until closed; never rejects for a database that is away. */
export async function createWakeupHub(deps: { db: Database; clock: Clock; process: string }): Promise<WakeupHub> {
  const engines = new Set<Parameters<Wakeups['listen']>[0]>();
  const watchers = new Map<string, Set<() => void>>();
  const closing = new AbortController();

  const tellEngines = (key: string | null): void => {
    const [org, run] = key?.split('/') ?? [];
    const hint = org === undefined || run === undefined ? null : { org: storedId('org', org), run: storedId('run', run) };
    for (const on of engines) on(hint);
  };
  const tellWatchers = (key: string | null): void => {
    const keys = key === null ? [...watchers.keys()] : [key, `${key.split('/')[0]}/${ANY}`];
    for (const each of keys) for (const on of watchers.get(each) ?? []) on();
  };
  const hear = (tell: (key: string | null) => void) => (payload: string) => {
    const [sender, ...keys] = payload.split(' ');
    if (sender !== deps.process) for (const key of keys) tell(key === ANY ? null : key);
  };

  const watch = (key: string, on: () => void): (() => void) => {
    const set = watchers.get(key) ?? new Set();
    watchers.set(key, set.add(on));
    return () => {
      set.delete(on);
      if (set.size === 0 && watchers.get(key) === set) watchers.delete(key);
    };
  };
  const due = createSender(deps, { channel: DUE_CHANNEL, everyMs: 0, over: closing.signal });
  const news = createSender(deps, { channel: NEWS_CHANNEL, everyMs: NEWS_EVERY_MS, over: closing.signal });
  const listening = await Promise.all([
    deps.db.listen(DUE_CHANNEL, hear(tellEngines), () => tellEngines(null)),
    deps.db.listen(NEWS_CHANNEL, hear(tellWatchers), () => tellWatchers(null)),
  ]);

  return {
    wake(org, run) {
      tellEngines(`${org}/${run}`);
      due(`${org}/${run}`);
    },
    grew(org, run) {
      tellWatchers(`${org}/${run}`);
      news(`${org}/${run}`);
    },
    listen(on) {
      engines.add(on);
      return () => void engines.delete(on);
    },
    onNews: (org, run, on) => watch(`${org}/${run}`, on),
    onAnyNews: (org, on) => watch(`${org}/${ANY}`, on),
    async close() {
      closing.abort();
      await Promise.all(listening.map((each) => each.close()));
    },
  };
}

/** Sends what gathers, one notification at a time; drops it when the database is away, because listeners then hear of a gap. */
function createSender(
  deps: { db: Database; clock: Clock; process: string },
  options: { channel: string; everyMs: number; over: AbortSignal },
): (key: string) => void {
  let pending = new Set<string>();
  let sending = false;

  const run = async (): Promise<void> => {
    while (pending.size > 0 && !options.over.aborted) {
      if (options.everyMs > 0) await deps.clock.sleep(options.everyMs, options.over);
      const keys = pending.size > NAMED_MAX ? [ANY] : [...pending];
      pending = new Set();
      for (const payload of payloadsOf(deps.process, keys)) {
        try {
          await deps.db.notify(options.channel, payload);
        } catch {
          // only a hint: whoever listens looks again when the database is back
        }
      }
    }
    sending = false;
  };

  return (key) => {
    pending.add(key);
    if (sending) return;
    sending = true;
    void run();
  };
}

function payloadsOf(sender: string, keys: readonly string[]): string[] {
  const payloads: string[] = [];
  let payload = sender;
  for (const key of keys) {
    if (payload.length + key.length + 1 > NOTIFY_PAYLOAD_MAX_BYTES) {
      payloads.push(payload);
      payload = sender;
    }
    payload += ` ${key}`;
  }
  return [...payloads, payload];
}
