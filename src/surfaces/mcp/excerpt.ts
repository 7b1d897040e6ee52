/** One document, note or handoff as an agent is shown it: as much as was asked for, or its outline, and what was left out (spec BRF-4). Pure. */
import { dataBlock, measured, say, startOf } from '../../kernel/say.ts';
import type { Said } from '../../kernel/say.ts';

export const EXCERPT_BYTES = { default: 20_000, max: 200_000, outline: 2_000 } as const;

/** The headings and the first words of a Markdown text. */
export function outlineOf(text: string): string {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.trim() !== '' && !line.startsWith('#'));
  const opening = first < 0 ? [] : [lines[first] ?? '', ''];
  let fenced = false;
  const headings = lines.filter((line) => {
    if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
    return !fenced && /^#{1,6}\s/.test(line);
  });
  return startOf([...opening, ...headings].join('\n'), EXCERPT_BYTES.outline).text;
}

/** Within marks that it cannot leave, with how much of it this is. */
export function excerpt(text: string, { maxBytes, summary }: { maxBytes: number; summary: boolean }): { shown: string; said: Said; whole: boolean } {
  const start = summary ? { text: outlineOf(text), whole: false } : startOf(text, maxBytes);
  const bytes = Buffer.byteLength(text);
  const left = summary
    ? say`Its outline; the whole has ${measured(bytes, 'bytes')}: leave summary out.`
    : say`The first ${measured(Buffer.byteLength(start.text), 'bytes')} of ${measured(bytes, 'bytes')}: raise maxBytes for more.`;
  return { shown: start.text, whole: start.whole, said: start.whole ? dataBlock(text) : say`${dataBlock(start.text)}\n\n${left}` };
}
