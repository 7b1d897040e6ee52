/**
 * Keys out of what a terminal sends. Pure: bytes may be cut anywhere, so what is not whole yet is handed back. Escape alone looks like
 * the beginning of every other sequence: whoever reads decides by time, and says so with `whole`.
 */
export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'pageup'
  | 'pagedown'
  | 'delete'
  | 'backspace'
  | 'enter'
  | 'tab'
  | 'escape'
  | `ctrl-${'a' | 'c' | 'd' | 'e' | 'k' | 'l' | 'n' | 'p' | 'u' | 'w' | 'z'}`;

/** Text is typed or pasted; a paste never presses Enter. */
export type Key = { readonly kind: 'key'; readonly name: KeyName } | { readonly kind: 'text'; readonly text: string };

const ESC = '\u001b';
export const PASTE_BEGIN = `${ESC}[200~`;
const PASTE_END = `${ESC}[201~`;
/** A paste that never ends is no paste. */
export const PASTE_CHARS_MAX = 100_000;

const SEQUENCES: Readonly<Record<string, KeyName>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  '[1~': 'home',
  '[7~': 'home',
  '[4~': 'end',
  '[8~': 'end',
  '[3~': 'delete',
  '[5~': 'pageup',
  '[6~': 'pagedown',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  OM: 'enter',
};

const CONTROLS: Readonly<Record<string, KeyName>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\u007f': 'backspace',
  '\u0001': 'ctrl-a',
  '\u0003': 'ctrl-c',
  '\u0004': 'ctrl-d',
  '\u0005': 'ctrl-e',
  '\u000b': 'ctrl-k',
  '\u000c': 'ctrl-l',
  '\u000e': 'ctrl-n',
  '\u0010': 'ctrl-p',
  '\u0015': 'ctrl-u',
  '\u0017': 'ctrl-w',
  '\u001a': 'ctrl-z',
};

/** One sequence of a terminal: CSI with parameters, or SS3. */
const SEQUENCE = /^(?:\[[0-9;?<=>]*[ -/]*[@-~]|O[A-Za-z])/;
const SEQUENCE_BEGUN = /^(?:\[[0-9;?<=>]*[ -/]*|O)?$/;
const PLAIN = /^[^\p{Cc}]+/u;

/** The keys in `input`, and what at its end is not whole. With `whole` nothing more is coming. */
export function parseKeys(input: string, whole: boolean): { keys: Key[]; rest: string } {
  const keys: Key[] = [];
  let rest = input;
  while (rest !== '') {
    const taken = rest.startsWith(ESC) ? takeEscape(rest, whole) : takePlain(rest);
    if (taken === null) break;
    if (taken.key !== null) keys.push(taken.key);
    rest = rest.slice(taken.length);
  }
  return { keys, rest };
}

type Taken = { key: Key | null; length: number };

function takePlain(rest: string): Taken {
  const text = PLAIN.exec(rest)?.[0];
  if (text !== undefined) return { key: { kind: 'text', text }, length: text.length };
  const name = CONTROLS[rest.charAt(0)];
  return { key: name === undefined ? null : { kind: 'key', name }, length: 1 };
}

/** Null when more has to come. */
function takeEscape(rest: string, whole: boolean): Taken | null {
  if (rest.startsWith(PASTE_BEGIN)) return takePaste(rest, whole);
  const after = rest.slice(1);
  const sequence = SEQUENCE.exec(after)?.[0];
  if (sequence !== undefined) {
    // with a modifier (`[1;5A`) it is the same key
    const name = SEQUENCES[sequence.replace(/\d*;\d+(?=[A-Z]$)|;\d+(?=~$)/, '')];
    return { key: name === undefined ? null : { kind: 'key', name }, length: 1 + sequence.length };
  }
  if (!whole && SEQUENCE_BEGUN.test(after)) return null;
  return { key: { kind: 'key', name: 'escape' }, length: 1 };
}

function takePaste(rest: string, whole: boolean): Taken | null {
  const end = rest.indexOf(PASTE_END);
  if (end === -1 && !whole && rest.length < PASTE_CHARS_MAX) return null;
  const pasted = rest.slice(PASTE_BEGIN.length, end === -1 ? undefined : end);
  const text = pasted.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return { key: text === '' ? null : { kind: 'text', text }, length: end === -1 ? rest.length : end + PASTE_END.length };
}
