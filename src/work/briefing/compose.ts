/**
 * How a briefing is fitted into its budget, pure: each part gets its own share in the order of priority, what is left over goes round once more,
 * and what does not fit is said with the way to fetch it (spec BRF-2, BRF-3).
 */
import type { Count } from '../../kernel/page.ts';
import { data, fixed, joined, say, shownOf } from '../../kernel/say.ts';
import type { Said } from '../../kernel/say.ts';
import type { PartView } from './contract.ts';
import { BRIEFING_LIMITS } from './contract.ts';
import type { Heard, Item } from './source.ts';

export type Composed = { markdown: Said; tokens: number; bytes: number; parts: PartView[] };
export type Budget = { tokens: number; bytes: number; count: (text: string) => number };

type Part = { heard: Heard; items: readonly Item[]; shown: number; spentTokens: number; spentBytes: number };

/** `heard` in the order of priority, which is also that of the text; `foot` stands below what was found empty. */
export function compose(head: Said, heard: readonly Heard[], { foot, budget }: { foot: Said; budget: Budget }): Composed {
  const parts = heard.map((each): Part => ({ heard: each, items: 'told' in each ? each.told.items : [], shown: 0, spentTokens: 0, spentBytes: 0 }));
  const frame = textOf(head, parts, foot);
  const left = { tokens: budget.tokens - budget.count(frame), bytes: budget.bytes - Buffer.byteLength(frame) };
  for (const round of ['own', 'rest'] as const) for (const part of parts) grow(part, { left, budget, round });
  // each piece was counted alone, which is never less than together; the whole is what holds
  for (;;) {
    const markdown = textOf(head, parts, foot);
    const tokens = budget.count(markdown);
    const last = tokens > budget.tokens ? parts.findLast((part) => part.shown > 0) : undefined;
    if (last === undefined) return { markdown, tokens, bytes: Buffer.byteLength(markdown), parts: parts.map(viewOf) };
    last.shown -= 1;
  }
}

function grow(part: Part, { left, budget, round }: { left: { tokens: number; bytes: number }; budget: Budget; round: 'own' | 'rest' }): void {
  const { source } = part.heard;
  const share = round === 'rest' ? Number.POSITIVE_INFINITY : (source.budgetTokens * budget.tokens) / BRIEFING_LIMITS.budgetTokens;
  for (let item = part.items[part.shown]; item !== undefined; item = part.items[part.shown]) {
    const line = `\n${item.said}`;
    const [tokens, bytes] = [budget.count(line) + COUNT_TOKENS, Buffer.byteLength(line) + COUNT_TOKENS];
    const fits = tokens <= left.tokens && bytes <= left.bytes;
    if (!fits || part.spentTokens + tokens > share || part.spentBytes + bytes > (source.maxBytes ?? Number.POSITIVE_INFINITY)) return;
    part.shown += 1;
    part.spentTokens += tokens;
    part.spentBytes += bytes;
    left.tokens -= tokens;
    left.bytes -= bytes;
  }
}
/** What a count in a heading may grow by when one more is shown. */
const COUNT_TOKENS = 1;

function textOf(head: Said, parts: readonly Part[], foot: Said): Said {
  const empty = parts.filter((part) => isEmpty(part.heard)).map((part) => titleOf(part.heard));
  const none = empty.length === 0 ? fixed('') : say`## None\n\nNothing there, as far as the sources told: ${joined(empty, ', ')}.`;
  const texts = parts.filter((part) => !isEmpty(part.heard)).map(partText);
  return say`${joined([head, ...texts, none, foot], '\n\n')}\n`;
}

function titleOf(heard: Heard): Said {
  return 'told' in heard ? (heard.told.title ?? heard.source.title) : heard.source.title;
}

function isEmpty(heard: Heard): boolean {
  return 'told' in heard && heard.told.items.length === 0 && (heard.told.total === null || isNone(heard.told.total));
}

function isNone(total: Count): boolean {
  return total.kind === 'exact' && total.value === 0;
}

function partText({ heard, items, shown }: Part): Said {
  const { fetch } = heard.source;
  const title = titleOf(heard);
  if ('fault' in heard) return say`## ${title}: unknown\n\nFailed, which is not the same as none: ${data(heard.fault, FAULT_CHARS)}. Try: ${fetch}.`;
  const { total } = heard.told;
  const heading = total === null ? say`## ${title}` : say`## ${title}: ${shownOf(shown, total)}`;
  const lines = joined(
    items.slice(0, shown).map((item) => item.said),
    '\n',
  );
  const cut = isCut(heard, shown) ? say`Cut here. The whole: ${fetch}.` : fixed('');
  return joined([heading, lines, cut], '\n\n');
}
const FAULT_CHARS = 100;

function isCut(heard: Heard, shown: number): boolean {
  if ('fault' in heard) return false;
  const { total, items } = heard.told;
  return shown < items.length || (total !== null && !(total.kind === 'exact' && total.value <= shown));
}

function viewOf({ heard, items, shown }: Part): PartView {
  const { key, fetch } = heard.source;
  const said = { key, title: titleOf(heard), fetch, shown };
  if ('fault' in heard) return { ...said, items: [], total: { kind: 'unknown', why: heard.fault }, cut: false, fault: heard.fault };
  const total = heard.told.total ?? { kind: 'exact', value: items.length };
  return {
    ...said,
    items: items.slice(0, shown).map((item) => ({ ...item.data })) as PartView['items'],
    total,
    cut: isCut(heard, shown),
    fault: null,
  };
}
