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

type Options = { url: string; applicationName: string; clock: Clock };

export function createListener(options: Options): Listener {
  const subscriptions = new Set<Subscription>();
  const closing = new AbortController();
  let client: Client | null = null;
  let loop: Promise<void> | null = null;

  const keepUp = async (attempted: () => void): Promise<void> => {
    let waitMs = RECONNECT_FIRST_MS;
    while (!closing.signal.aborted) {
      try {
        const connection = await connect(options, subscriptions);
        const end = new Promise<void>((resolve) => connection.once('end', () => resolve()));
        client = connection;
        for (const each of subscriptions) each.onGap();
        attempted();
        waitMs = RECONNECT_FIRST_MS;
        if (closing.signal.aborted) await connection.end();
        await untilEnd(connection, { end, clock: options.clock });
        client = null;
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
        const first = Promise.withResolvers<void>();
        loop = keepUp(first.resolve);
        await first.promise;
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

async function connect(options: Options, subscriptions: ReadonlySet<Subscription>): Promise<Client> {
  const client = new Client({
    connectionString: options.url,
    application_name: `${options.applicationName} listen`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: PROBE_TIMEOUT_MS,
    keepAlive: true,
  });
  client.on('error', () => {}); // 'end' follows, and the loop reconnects
  client.on('notification', (message) => {
    for (const each of subscriptions) if (each.channel === message.channel) each.onPayload(message.payload ?? '');
  });
  try {
    await client.connect();
    const channels = [...new Set([...subscriptions].map((each) => each.channel))];
    await client.query(['set role windlass_app', ...channels.map((channel) => `listen ${escapeIdentifier(channel)}`)].join('; '));
    return client;
  } catch (error) {
    await client.end().catch(() => {}); // was never connected
    throw error;
  }
}

/** Waits for the connection's end, and ends it when it no longer answers. */
async function untilEnd(client: Client, options: { end: Promise<void>; clock: Clock }): Promise<void> {
  const ended = new AbortController();
  const probing = (async () => {
    while (!ended.signal.aborted) {
      await options.clock.sleep(PROBE_EVERY_MS, ended.signal);
      if (!ended.signal.aborted) await client.query('select 1').catch(() => client.end());
    }
  })();
  await options.end;
  ended.abort();
  await probing;
}
