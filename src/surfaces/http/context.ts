/** What a request carries on its way through the HTTP surface: set by the door, read by what is behind it. */
import type { Context, Hono } from 'hono';
import type { CorrelationId } from '../../kernel/ids.ts';
import type { Principal } from '../../platform/identity/principal.ts';

/** `principal` is there behind `admit` only. */
export type HttpEnv = {
  Variables: {
    correlation: CorrelationId;
    principal: Principal;
    /** Whether what the request came with would still be let in: for what stays open. */
    recheck: () => Promise<boolean>;
    operation?: string;
    code?: string;
  };
};
export type HttpContext = Context<HttpEnv>;
export type HttpApp = Hono<HttpEnv>;
