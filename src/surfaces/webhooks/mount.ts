/** Where signed events of others come in, without a key: the signature is the key. Checks the rate, hands on the raw bytes, answers. */
import type { IncomingMessage } from 'node:http';
import type { HttpApp, HttpContext } from '../http/context.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import { refuseBeyond } from '../http/rate-limit.ts';
import { toAppError } from '../../kernel/errors.ts';
import type { Webhooks } from '../../work/webhooks/service.ts';

export type WebhookDeps = { webhooks: Pick<Webhooks, 'receive'>; limiter: RateLimiter };

/** Refused ones of an address within a minute; those that are signed are not limited. */
export const REFUSED_PER_MINUTE = 60;

export function mountWebhooks(app: HttpApp, deps: WebhookDeps): void {
  for (const kind of ['github', 'generic'] as const) {
    app.post(`/webhooks/${kind}`, async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer());
      const sender = `webhook ${addressOf(c)}`;
      refuseBeyond(deps.limiter(sender, REFUSED_PER_MINUTE, 0), 'unsigned deliveries from this address');
      try {
        return c.json(await deps.webhooks.receive({ kind, source: c.req.query('source') ?? '', header: (name) => c.req.header(name), body }));
      } catch (error) {
        if (toAppError(error).code === 'unauthenticated') deps.limiter(sender, REFUSED_PER_MINUTE);
        throw error;
      }
    });
  }
}

function addressOf(c: HttpContext): string {
  return (c.env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? 'unknown';
}
