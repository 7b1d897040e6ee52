/**
 * What a briefing is made from: sources that each tell some rows, how many there are, and when something last came in. Pure words and rules;
 * the SQL is in the stores beside, the words for agents in `parts.ts`.
 */
import type { JsonObject } from '../../kernel/canonical-json.ts';
import type { OrgId, ProjectId } from '../../kernel/ids.ts';
import type { Caller } from '../../kernel/operation.ts';
import type { Count } from '../../kernel/page.ts';
import { at, NOTHING, say, span } from '../../kernel/say.ts';
import type { Said } from '../../kernel/say.ts';
import type { Principal } from '../../platform/identity/principal.ts';
import type { Tx } from '../../storage/database.ts';
import type { SourceView } from './contract.ts';
import { BRIEFING_LIMITS } from './contract.ts';

/** Who asks, from where, and for how much. */
export type Ask = {
  caller: Caller<Principal>;
  org: OrgId;
  project: ProjectId;
  /** Of the project. */
  code: string;
  actor: string;
  /** The session that asks, not to be shown as another one. */
  session: string | null;
  track: number | null;
  /** Lines of an index that there could be room for. */
  lines: number;
  /** Rows and bytes of one content at most. */
  rows: number;
  contentBytes: number;
  /** Contents as well, not only their index. */
  full: boolean;
};

/** One thing that a part shows: as words, and as data for programs. */
export type Item = { readonly said: Said; data: JsonObject };

/** Its words are found when they are asked for: most of what sources tell does not fit. */
export function item(words: () => Said, data: JsonObject): Item {
  let said: Said | null = null;
  return {
    get said() {
      return (said ??= words());
    },
    data,
  };
}

/** What a source told. */
export type Told = {
  items: readonly Item[];
  /** Null where there is nothing to be counted: a sum, a plan. */
  total: Count | null;
  /** When things came from outside, the newest first; empty for what comes from nowhere but here. */
  arrivalsMs: readonly number[];
  /** In place of the source's title. */
  title?: Said;
  /** What is wrong with it although it answered. */
  doubt?: Said;
};

export type Source = {
  key: string;
  title: Said;
  /** Tokens of a briefing of the usual size; another one's are in proportion. */
  budgetTokens: number;
  /** Bytes of all its items together, where there is a limit of its own. */
  maxBytes?: number;
  /** Where to get the whole. */
  fetch: Said;
  /** From the store, in one statement where something is counted, so that rows and count are of one moment; or from elsewhere, beside it. */
  read: { stored: (tx: Tx, ask: Ask) => Promise<Told> } | { elsewhere: (ask: Ask) => Promise<Told> };
};

export type Heard = { source: Source; told: Told } | { source: Source; fault: string };

/** Fewer gaps than this tell nothing of what is usual. */
const GAPS_MIN = 5;
const SILENT_FACTOR = 2;
const SILENT_MIN_MS = 3_600_000;

/** The longest gap between arrivals, newest first: what is usual, weekends included. Null when there are too few to tell. */
export function usualGapMs(arrivalsMs: readonly number[]): number | null {
  const gaps = arrivalsMs.slice(1).map((each, i) => (arrivalsMs[i] ?? each) - each);
  return gaps.length < GAPS_MIN ? null : Math.max(...gaps);
}

/** Why a source counts as silent: nothing came for more than twice as long as ever between the last arrivals. Null when it does not. */
export function whySilent(arrivalsMs: readonly number[], nowMs: number): Said | null {
  const [newest] = arrivalsMs;
  const usual = usualGapMs(arrivalsMs);
  if (newest === undefined || usual === null || nowMs - newest <= Math.max(SILENT_MIN_MS, SILENT_FACTOR * usual)) return null;
  return say`nothing came since ${at(newest)}, ${span(nowMs - newest)} ago; ${span(usual)} was the longest before`;
}

/** How a source is doing, from what it told now and when it last did (spec BRF-7). */
export function statusOf(heard: Heard, { nowMs, lastSuccessAtMs }: { nowMs: number; lastSuccessAtMs: number | null }): SourceView & { said: Said } {
  const name = heard.source.key;
  if ('fault' in heard) {
    const before = lastSuccessAtMs === null ? say`it has not answered since the server started` : say`it last answered ${at(lastSuccessAtMs)}`;
    return { name, state: 'failed', lastSuccessAtMs, newestAtMs: null, lagMs: null, why: heard.fault, said: before };
  }
  const newestAtMs = heard.told.arrivalsMs[0] ?? null;
  const silent = whySilent(heard.told.arrivalsMs, nowMs);
  const wrong = silent ?? heard.told.doubt ?? null;
  return {
    ...{ name, newestAtMs, lastSuccessAtMs: nowMs },
    lagMs: newestAtMs === null ? null : Math.max(0, nowMs - newestAtMs),
    state: wrong === null ? 'ok' : silent === null ? 'doubtful' : 'silent',
    why: wrong ?? '',
    said: wrong ?? NOTHING,
  };
}

/** As a query answers it that counts up to one more than BRIEFING_LIMITS.countMax. */
export function countOf(counted: number): Count {
  const max = BRIEFING_LIMITS.countMax;
  return counted > max ? { kind: 'at_least', value: max } : { kind: 'exact', value: counted };
}
