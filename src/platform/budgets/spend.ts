/**
 * What happens to budgets, one op each, as callers say it and as the database is told (spend_apply), and what it answers. Pure: the
 * rules themselves are in the database, because only there several processes cannot race.
 */
import { z } from 'zod';
import type { JsonObject } from '../../kernel/canonical-json.ts';
import { isoTime } from '../../kernel/clock.ts';
import type { ActorId, AgentId, KeyId, OrgId, ProjectId, RunId } from '../../kernel/ids.ts';
import type { Usage } from '../../kernel/messages.ts';
import { refusalText, type BudgetRefusal } from './budget.ts';
import { BudgetPeriod, BudgetScope, BudgetUnit } from './contract.ts';
import { affordableOutput, countedTokens } from './cost.ts';
import type { Price } from './ledger.ts';

/** `root` is the topmost run: what its children spend counts to it, and to the agents between. */
export type SpendPlace = {
  org: OrgId;
  project: ProjectId | null;
  agent: AgentId | null;
  key: KeyId | null;
  actor: ActorId;
  root: RunId | null;
  child: boolean;
};

type Used = { model: string; rehearsed: boolean; usage: Usage; microUsd: number | null; failed: boolean; counts: boolean; atMs: number };

/** `id` is the run's or the call's. */
export type SpendOp = { id: string; place: SpendPlace } & (
  | { kind: 'reserve'; model: string; rehearsed: boolean; tokens: number; microUsd: number | null }
  /** A run begins. */
  | { kind: 'start' }
  /** `atMs` is when the call was intended: the day it counts to. `counts` false: it certainly used nothing and is no call of a budget in calls. */
  | ({ kind: 'settle' } & Used)
  /** At what was reserved: nobody knows. */
  | ({ kind: 'lapse' } & Used)
  /** It was certainly never sent. */
  | { kind: 'release' }
);

export type SpendRow = JsonObject & { org: string; id: string };

/** As a row of the type `spend_op`; its ordinal is the batch's to give. */
export function rowOfSpend(op: SpendOp): SpendRow {
  const { place, kind, id } = op;
  const { org, project, agent, key, actor, root, child } = place;
  const row: SpendRow = { kind, org, id, root, child, project, agent, key, actor, rehearsed: false, only_held: false };
  switch (op.kind) {
    case 'reserve':
      return { ...row, model: storable(op.model), rehearsed: op.rehearsed, tokens: op.tokens, micro_usd: op.microUsd };
    case 'settle':
    case 'lapse': {
      const { usage } = op;
      return {
        ...row,
        model: storable(op.model),
        rehearsed: op.rehearsed,
        tokens: countedTokens(usage),
        micro_usd: op.microUsd,
        calls: op.counts ? 1 : 0,
        input_tokens: usage.inputTokens,
        cached_input_tokens: usage.cachedInputTokens,
        cache_write_tokens: usage.cacheWriteTokens,
        output_tokens: usage.outputTokens,
        reasoning_tokens: usage.reasoningTokens,
        estimated: usage.estimated,
        failed: op.failed,
        at: isoTime(op.atMs),
      };
    }
    case 'start':
    case 'release':
      return row;
  }
}

const MODEL_CHARS = 200;

/** A name that a column can hold. */
function storable(model: string): string {
  return model.slice(0, MODEL_CHARS).replaceAll('\0', '\uFFFD').toWellFormed();
}

const Refused = z.object({
  why: z.enum(['exhausted', 'unpriced']),
  told: z.object({ budget: z.string(), scope: BudgetScope, unit: BudgetUnit, period: BudgetPeriod, plan: z.string().nullable() }),
  limit: z.number(),
  spent: z.number(),
  reserved: z.number(),
  resets_at: z.number().nullable(),
  passing: z.boolean().default(false),
  left_micro_usd: z.number().nullable().default(null),
  left_tokens: z.number().nullable().default(null),
});

const Warned = z.object({ budget: z.string(), spent: z.number(), limit: z.number(), resets_at: z.number().nullable() });

const Verdict = z.object({
  ordinal: z.int(),
  refused: Refused.optional(),
  settled: z.boolean().optional(),
  warned: z.array(Warned).optional(),
});

export type BudgetWarning = { budget: string; usedShare: number; resetsAtMs: number | null };
/** What all budgets in money and in tokens that hold for a call leave: null where none is in that unit. */
export type Room = { microUsd: number | null; tokens: number | null };
export type SpendVerdict = { refused: { refusal: BudgetRefusal; room: Room } | null; settled: boolean; warned: BudgetWarning[] };

/** By ordinal; an op without a word was done. */
export function readVerdicts(json: unknown): Map<number, SpendVerdict> {
  const verdicts = new Map<number, SpendVerdict>();
  if ((json ?? null) === null) return verdicts;
  for (const { ordinal, refused, settled, warned } of z.array(Verdict).parse(json)) {
    verdicts.set(ordinal, {
      refused: refused === undefined ? null : refusedOf(refused),
      settled: settled === true,
      warned: (warned ?? []).map(({ budget, spent, limit, resets_at }) => ({
        budget,
        usedShare: limit === 0 ? 1 : spent / limit,
        resetsAtMs: resets_at,
      })),
    });
  }
  return verdicts;
}

/** What is under way settles soon: asking again after this long is worth it. */
const RETRY_AFTER_MS = 5_000;

function refusedOf(refused: z.infer<typeof Refused>): NonNullable<SpendVerdict['refused']> {
  const { told, limit, spent, reserved, resets_at, why, passing } = refused;
  const { plan, ...budget } = told;
  const facts = {
    ...budget,
    limit,
    spent,
    reserved,
    left: Math.max(0, limit - spent - reserved),
    resetsAtMs: resets_at,
    retryAfterMs: passing ? RETRY_AFTER_MS : null,
    why,
  };
  return {
    refusal: { ...facts, message: refusalText(facts, plan === 'try') },
    room: { microUsd: refused.left_micro_usd, tokens: refused.left_tokens },
  };
}

/** Less than this of an answer is not worth its input. */
const LEAST_OUTPUT_TOKENS = 1_024;

/**
 * The output limit under which a refused call fits into what is left (spec BUD-2: less than the worst case is reserved only with a lowered
 * limit); null when that is less than is any use, or would not help.
 */
export function lowerOutput(
  call: { inputTokens: number; maxOutputTokens: number; price: Price | null },
  { refusal, room }: NonNullable<SpendVerdict['refused']>,
): number | null {
  if (refusal.why === 'unpriced') return null;
  const byTokens = room.tokens === null ? Infinity : room.tokens - call.inputTokens;
  const byMoney = room.microUsd === null || call.price === null ? Infinity : affordableOutput(call.price, call.inputTokens, room.microUsd);
  const most = Math.min(byTokens, byMoney, call.maxOutputTokens);
  return most < call.maxOutputTokens && most >= Math.min(LEAST_OUTPUT_TOKENS, call.maxOutputTokens) ? most : null;
}
