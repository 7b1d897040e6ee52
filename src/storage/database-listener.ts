/**
 * One connection for all LISTEN channels, kept up for as long as somebody listens. A notification is only a wake-up:
 * after every connection each subscriber hears of the gap and reads by its cursor.
 */
import { Client, escapeIdentifier } from 'pg';
import type { Clock } from '../kernel/clock.ts';

export type Subscription = { channel: string; onPayload: (payload: string) => void; onGap: () => void };
export type Listener = {
  /** Resolves after the first attempt, whether or not it succeeded; `onGap` tells when it listens. */
  listen(subscription: Subscription): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
};

const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A half-open connection says nothing; a question now and then finds it. */
const PROBE_EVERY_MS = 15_000;
const PROBE_TIMEOUT_MS = 5_000;

export function createListener(options: { url: string; applicationName: string; clock: Clock }): Listener {
  const subscriptions = new Set<Subscription>();
  const closing = new AbortController();
  let client: Client | null = null;
  let loop: Promise<void> | null = null;

  const connect = async (): Promise<Client> => {
    const next = new Client({
      connectionString: options.url,
      application_name: `${options.applicationName} listen`,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: PROBE_TIMEOUT_MS,
      keepAlive: true,
    });
    next.on('error', () => {}); // 'end' follows, and the loop reconnects
    next.on('notification', (message) => {
      for (const each of subscriptions) if (each.channel === message.channel) each.onPayload(message.payload ?? '');
    });
    try {
      await next.connect();
      const channels = [...new Set([...subscriptions].map((each) => each.channel))];
      await next.query(['set role windlass_app', ...channels.map((channel) => `listen ${escapeIdentifier(channel)}`)].join('; '));
    } catch (error) {
      await next.end().catch(() => {}); // was never connected
      throw error;
    }
    return next;
  };

  const probe = async (connection: Client, ended: AbortSignal): Promise<void> => {
    while (!ended.aborted) {
      await options.clock.sleep(PROBE_EVERY_MS, ended);
      // a failed probe destroys nothing by itself, so the connection is ended here and the loop sees it
      if (!ended.aborted) await connection.query('select 1').catch(() => connection.end());
    }
  };

  const keepUp = async (attempted: () => void): Promise<void> => {
    let waitMs = RECONNECT_FIRST_MS;
    while (!closing.signal.aborted) {
      try {
        const connection = await connect();
        const ended = new AbortController();
        const end = new Promise<void>((resolve) => connection.once('end', () => resolve()));
        client = connection;
        for (const each of subscriptions) each.onGap();
        attempted();
        waitMs = RECONNECT_FIRST_MS;
        if (closing.signal.aborted) await connection.end();
        const probing = probe(connection, ended.signal);
        await end;
        client = null;
        ended.abort();
        await probing;
      } catch {
        attempted(); // the database is away: try again, for as long as somebody listens
        await options.clock.sleep(waitMs, closing.signal);
        waitMs = Math.min(waitMs * 2, RECONNECT_MAX_MS);
      }
    }
  };

  return {
    async listen(subscription) {
      subscriptions.add(subscription);
      if (loop === null) {
        await new Promise<void>((resolve) => (loop = keepUp(resolve)));
      } else if (client !== null) {
        const listening = client;
        await listening.query(`listen ${escapeIdentifier(subscription.channel)}`).then(
          () => subscription.onGap(),
          () => listening.end(), // the loop reconnects with every channel
        );
      }
      return {
        close: async () => {
          subscriptions.delete(subscription);
          const unused = ![...subscriptions].some((each) => each.channel === subscription.channel);
          if (unused) await client?.query(`unlisten ${escapeIdentifier(subscription.channel)}`).catch(() => {}); // a lost connection listens to nothing
        },
      };
    },
    async close() {
      closing.abort();
      await client?.end().catch(() => {}); // already gone
      await loop;
    },
  };
}
