/**
 * Text for agents that can say no more than is known (spec BRF-3) and cannot be spoken into by others: a template of `say` takes counts with
 * their truth, times, and text from outside marked as data; the compiler refuses a bare number or string. Pure; knows no part of a briefing.
 */
import { isoTime } from './clock.ts';
import type { Count } from './page.ts';
import { renderCount } from './page.ts';

declare const brand: unique symbol;
/** Markdown of ours, with everything from elsewhere in it marked. */
export type Said = string & { readonly [brand]: true };

export function say(words: TemplateStringsArray, ...values: readonly (Said | Count)[]): Said {
  const shown = values.map((value) => (typeof value === 'string' ? value : renderCount(value)));
  return words.map((word, i) => word + (shown[i] ?? '')).join('') as Said;
}

/** Words of this code, not of its data: an enumeration's value, the name of a tool. */
export function fixed<const T extends string>(word: string extends T ? never : T): Said {
  return word as string as Said;
}

export const NOTHING = '' as Said;

export function joined(parts: readonly Said[], between: ' ' | ', ' | '; ' | '\n' | '\n\n'): Said {
  return parts.filter((part) => part !== '').join(between) as Said;
}

/** `5` when all are shown, else `2 of 5`, `2 of at least 500`, `2 of unknown (why)`. */
export function shownOf(shown: number, total: Count): Said {
  if (total.kind === 'exact' && total.value === shown) return say`${total}`;
  return say`${{ kind: 'exact', value: shown }} of ${total}`;
}

/** To the minute, in UTC: `2026-11-21 12:00Z`. */
export function at(ms: number): Said {
  return `${isoTime(ms).slice(0, 16).replace('T', ' ')}Z` as Said;
}

/** `3 d`, `5 h`, `10 min`: rounded down, the largest unit only. */
export function span(ms: number): Said {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return `${minutes} min` as Said;
  return (minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} d`) as Said;
}

/** An amount in US dollars; `known` is false when there was spending of which nobody knows how much. */
export function dollars({ microUsd, known }: { microUsd: number; known: boolean }): Said {
  const amount = `$${(microUsd / 1_000_000).toFixed(2)}`;
  return (known ? amount : `at least ${amount}`) as Said;
}

/** Of a size or an age that is what it is, with its unit. */
export function measured(value: number, unit: 'bytes' | 'tokens' | 'days' | 'min'): Said {
  return `${value} ${unit}` as Said;
}

/**
 * Control characters, marks that turn the direction of writing, and characters that nobody sees (the tags block, of which models read what
 * people cannot) are no part of what a person meant to write.
 */
const UNSEEN = /[^\P{Cc}\n\t]|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

/**
 * One line of text from outside, as a code span that it cannot leave; at most `maxChars` characters and twice as many bytes, an ellipsis where
 * it was cut.
 */
export function data(text: string, maxChars = 160): Said {
  // an id, a code, a path: nothing in it to be cut, marked or taken out
  if (text.length <= maxChars && PLAIN.test(text)) return `\`${text}\`` as Said;
  const line = text
    .toWellFormed()
    .replaceAll(/\r\n?|\n|\t/g, ' ')
    .replaceAll(UNSEEN, '')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  const start = startOf(Array.from(line).slice(0, maxChars).join(''), 2 * maxChars).text;
  const cut = start.length < line.length ? `${start.trimEnd()}…` : start;
  if (cut === '') return '`-`' as Said;
  const fence = '`'.repeat(longestRun(cut) + 1);
  const pad = fence.length > 1 ? ' ' : '';
  return `${fence}${pad}${cut}${pad}${fence}` as Said;
}

const PLAIN = /^[!-_a-~]+(?: [!-_a-~]+)*$/;

/** Lines of text from outside, as a fenced block that they cannot leave. */
export function dataBlock(text: string): Said {
  const lines = text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(UNSEEN, '').trimEnd();
  const fence = '`'.repeat(Math.max(3, longestRun(lines) + 1));
  return `${fence}text\n${lines}\n${fence}` as Said;
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
}

/** The start of a text in at most `maxBytes` bytes of UTF-8, whole characters, and whether that is all of it. */
export function startOf(text: string, maxBytes: number): { text: string; whole: boolean } {
  const bytes = Buffer.from(text.toWellFormed(), 'utf8');
  if (bytes.length <= maxBytes) return { text, whole: true };
  let end = maxBytes;
  // never in the midst of a character: its later bytes begin with 10
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return { text: bytes.subarray(0, end).toString('utf8'), whole: false };
}
