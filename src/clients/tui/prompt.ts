/** The line somebody types: text left and right of the cursor, and what was typed before. Pure. */
import type { KeyName } from './keys.ts';

export type Prompt = {
  readonly before: string;
  readonly after: string;
  /** Oldest first. */
  readonly history: readonly string[];
  /** Where in it one is looking, with what was typed before one looked; null at the line itself. */
  readonly looking: { readonly index: number; readonly draft: string } | null;
};

export const EMPTY_PROMPT: Prompt = { before: '', after: '', history: [], looking: null };

const HISTORY_MAX = 200;
/** The longest answer a question takes. */
const PROMPT_CHARS_MAX = 20_000;

export function promptText({ before, after }: Prompt): string {
  return before + after;
}

export function withText(prompt: Prompt, text: string): Prompt {
  return { ...prompt, before: text, after: '', looking: null };
}

export function typed(prompt: Prompt, text: string): Prompt {
  const room = Math.max(0, PROMPT_CHARS_MAX - promptText(prompt).length);
  return { ...prompt, before: prompt.before + text.slice(0, room), looking: null };
}

/** Empties the line and keeps what it said, once when it is repeated. */
export function entered(prompt: Prompt): Prompt {
  const text = promptText(prompt).trim();
  const history = text === '' || prompt.history.at(-1) === text ? prompt.history : [...prompt.history, text].slice(-HISTORY_MAX);
  return { ...EMPTY_PROMPT, history };
}

/** What a key does to the line; null when it means nothing here. */
export function edited(prompt: Prompt, name: KeyName): Prompt | null {
  const { before, after } = prompt;
  switch (name) {
    case 'left':
      return {
        ...prompt,
        before: before.slice(0, before.length - lastLength(before)),
        after: before.slice(before.length - lastLength(before)) + after,
      };
    case 'right':
      return { ...prompt, before: before + after.slice(0, firstLength(after)), after: after.slice(firstLength(after)) };
    case 'home':
    case 'ctrl-a':
      return { ...prompt, before: '', after: before + after };
    case 'end':
    case 'ctrl-e':
      return { ...prompt, before: before + after, after: '' };
    case 'backspace':
      return { ...prompt, before: before.slice(0, before.length - lastLength(before)), looking: null };
    case 'delete':
      return { ...prompt, after: after.slice(firstLength(after)), looking: null };
    case 'ctrl-u':
      return { ...prompt, before: '', looking: null };
    case 'ctrl-k':
      return { ...prompt, after: '', looking: null };
    case 'ctrl-w':
      return { ...prompt, before: before.replace(/\S*\s*$/u, ''), looking: null };
    case 'ctrl-p':
      return older(prompt);
    case 'ctrl-n':
      return newer(prompt);
    default:
      return null;
  }
}

export function older(prompt: Prompt): Prompt {
  const index = (prompt.looking?.index ?? prompt.history.length) - 1;
  const text = prompt.history[index];
  if (text === undefined) return prompt;
  return { ...prompt, before: text, after: '', looking: { index, draft: prompt.looking?.draft ?? promptText(prompt) } };
}

export function newer(prompt: Prompt): Prompt {
  if (prompt.looking === null) return prompt;
  const index = prompt.looking.index + 1;
  const text = prompt.history[index];
  if (text === undefined) return { ...prompt, before: prompt.looking.draft, after: '', looking: null };
  return { ...prompt, before: text, after: '', looking: { ...prompt.looking, index } };
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function firstLength(text: string): number {
  for (const { segment } of GRAPHEMES.segment(text)) return segment.length;
  return 0;
}

function lastLength(text: string): number {
  let length = 0;
  for (const { segment } of GRAPHEMES.segment(text.slice(-100))) length = segment.length;
  return length;
}
