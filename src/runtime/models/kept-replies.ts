/**
 * Replies to the very same request of an agent that asks for it, kept for a time and given again (spec GTW-4). Of runs; what clients of the gateway
 * are answered is the gateway's. Whole and good replies only.
 */
import { z } from 'zod';
import { digestOf } from '../../kernel/canonical-json.ts';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { OrgId } from '../../kernel/ids.ts';
import { AssistantPart } from '../../kernel/messages.ts';
import type { Log } from '../../platform/telemetry/log.ts';
import type { Database } from '../../storage/database.ts';
import { findAnswer, keepAnswer } from './answer-store.ts';
import type { ModelReply, ModelRequest } from './model.ts';

export type KeptReply = Pick<ModelReply, 'content' | 'finish'>;
/** Whose request it is: replies are shared by runs of one agent in one project, and by nobody else. */
export type ReplyOwner = { org: OrgId; project: string | null; agent: string };

export type KeptReplies = {
  /** Null when there is none, or it cannot be read: the model can still be asked. */
  find(owner: ReplyOwner, request: ModelRequest): Promise<KeptReply | null>;
  /** Behind the reply: what cannot be kept is not. */
  keep(owner: ReplyOwner, request: ModelRequest, kept: { seconds: number; reply: ModelReply }): Promise<void>;
};

const REPLY_BYTES_MAX = 1024 * 1024;
const Stored = z.object({ content: z.array(AssistantPart), finish: z.enum(['stop', 'tool_calls']) });

export function createKeptReplies({ db, log }: { db: Database; log: Log }): KeptReplies {
  return {
    async find(owner, request) {
      try {
        const found = await db.asOrg(owner.org, (tx) => findAnswer(tx, owner.org, digestOfRequest(owner, request)));
        return found === null ? null : Stored.parse(JSON.parse(found.body.toString('utf8')));
      } catch (error) {
        log('warn', 'a kept reply could not be read', { error });
        return null;
      }
    },
    async keep(owner, request, { seconds, reply: { content, finish, rehearsed } }) {
      if (rehearsed || (finish !== 'stop' && finish !== 'tool_calls')) return;
      const body = Buffer.from(JSON.stringify({ content, finish }));
      if (body.byteLength > REPLY_BYTES_MAX) return;
      const answer = { digest: digestOfRequest(owner, request), seconds, model: request.model, body };
      await db.asOrg(owner.org, (tx) => keepAnswer(tx, owner.org, answer)).catch((error: unknown) => log('warn', 'a reply was not kept', { error })); // the run has it in its journal
    },
  };
}

/** All that the reply depends on; not how long it may be, which follows from what is left of limits and budgets. */
function digestOfRequest({ project, agent }: ReplyOwner, request: ModelRequest): string {
  const { model, instructions, messages, tools, outputSchema, temperature } = request;
  const asked = { model, instructions, messages, tools, outputSchema, temperature } as unknown as JsonObject;
  return digestOf({ of: 'run', project, agent, asked });
}
