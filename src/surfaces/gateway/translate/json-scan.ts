/**
 * Reads a few members out of JSON that comes in pieces, without holding it: bytes in, the values at wanted paths out. Arrays are
 * transparent (`choices.finish_reason` is that of every choice). Not a validator: what is no JSON yields nothing.
 */

/** `value`: the member as parsed JSON; `length`: only how many bytes its text has. */
export type Wanted = 'value' | 'length';

export type JsonScan = {
  push(bytes: Uint8Array, from: number, to: number): void;
  /** What comes next is a text of its own. */
  reset(): void;
};

/** Bytes of one value that are kept; a longer one is given up. */
const VALUE_BYTES = 65_536;
/** Levels that are told apart; deeper ones are only counted. */
const LEVELS = 16;
const KEY_BYTES = 64;
/** The path of what is not wanted, nor holds anything wanted. */
const ELSEWHERE = '\0';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const SPACE = 0x20;

/** `path` of a level is that of its elements (an array) or the beginning of its members' (an object). */
type Level = { object: boolean; path: string };
type State = {
  levels: Level[];
  deeper: number;
  inString: boolean;
  escaped: boolean;
  /** The text at hand is a key: it makes the path of the value after it. */
  key: number[] | null;
  afterColon: boolean;
  path: string;
  length: number;
  kept: number[] | null;
  keptPath: string;
  keptDepth: number;
};

type Scan = State & {
  wanted: Readonly<Record<string, Wanted>>;
  /** Every wanted path and every beginning of one. */
  leadsOn: ReadonlySet<string>;
  found: (path: string, value: unknown) => void;
};

function newState(): State {
  const nothing = { key: null, kept: null, path: '', keptPath: '', keptDepth: 0, length: 0, deeper: 0 };
  return { levels: [], inString: false, escaped: false, afterColon: false, ...nothing };
}

export function createJsonScan(wanted: Readonly<Record<string, Wanted>>, found: (path: string, value: unknown) => void): JsonScan {
  const beginnings = Object.keys(wanted).flatMap((path) => path.split('.').map((_, index, steps) => steps.slice(0, index + 1).join('.')));
  const scan: Scan = { ...newState(), wanted, leadsOn: new Set(['', ...beginnings]), found };
  return {
    push(bytes, from, to) {
      for (let at = from; at < to; at += 1) {
        if (!scan.inString) structure(scan, bytes[at] ?? 0);
        else {
          at = throughString(scan, bytes, { from: at, to });
          if (at < to) endString(scan);
        }
      }
    },
    reset() {
      Object.assign(scan, newState());
    },
  };
}

function structure(scan: Scan, byte: number): void {
  switch (byte) {
    case QUOTE:
      if (scan.deeper === 0 && scan.levels.at(-1)?.object === true && !scan.afterColon) {
        scan.key = [];
        keep(scan, byte);
      } else begin(scan, byte);
      scan.inString = true;
      scan.length = 0;
      return;
    case OBJECT:
    case ARRAY:
      begin(scan, byte);
      if (scan.deeper > 0 || scan.levels.length >= LEVELS || !scan.leadsOn.has(scan.path)) scan.deeper += 1;
      else scan.levels.push({ object: byte === OBJECT, path: scan.path });
      scan.afterColon = false;
      return;
    case OBJECT_END:
    case ARRAY_END:
      close(scan, byte);
      return;
    case COMMA:
      concludeAt(scan);
      keep(scan, byte);
      scan.afterColon = false;
      return;
    case COLON:
      keep(scan, byte);
      scan.afterColon = true;
      return;
    default:
      if (byte > SPACE) begin(scan, byte);
  }
}

/** A value begins: it is kept when it is wanted. */
function begin(scan: Scan, byte: number): void {
  if (scan.kept === null && scan.deeper === 0 && scan.wanted[scan.path] === 'value') {
    scan.kept = [];
    scan.keptPath = scan.path;
    scan.keptDepth = depthOf(scan);
  }
  keep(scan, byte);
}

function endString(scan: Scan): void {
  scan.inString = false;
  keep(scan, QUOTE);
  if (scan.key !== null) {
    const key = Buffer.from(scan.key).toString('latin1');
    const within = scan.levels.at(-1)?.path ?? '';
    const path = within === '' ? key : `${within}.${key}`;
    scan.path = scan.leadsOn.has(path) ? path : ELSEWHERE;
    scan.key = null;
  } else if (scan.kept !== null) concludeAt(scan);
  else if (scan.deeper === 0 && scan.wanted[scan.path] === 'length') scan.found(scan.path, scan.length);
}

function close(scan: Scan, byte: number): void {
  // A number or a word that was kept ends here; what was opened ends with this byte.
  concludeAt(scan);
  keep(scan, byte);
  if (scan.deeper > 0) scan.deeper -= 1;
  else scan.levels.pop();
  if (scan.deeper === 0) scan.path = scan.levels.at(-1)?.path ?? '';
  concludeAt(scan);
}

/** Hands over what was kept when the depth is again that at which it began. */
function concludeAt(scan: Scan): void {
  const { kept } = scan;
  if (kept === null || depthOf(scan) !== scan.keptDepth) return;
  scan.kept = null;
  try {
    scan.found(scan.keptPath, JSON.parse(Buffer.from(kept).toString('utf8')));
  } catch {
    // No JSON: it says nothing.
  }
}

function depthOf(state: State): number {
  return state.levels.length + state.deeper;
}

function keep(state: State, byte: number): void {
  if (state.kept === null) return;
  if (state.kept.length < VALUE_BYTES) state.kept.push(byte);
  else state.kept = null;
}

/** Where the text ends, or `to` when it goes on beyond it. */
function throughString(state: State, bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  let at = from;
  for (; at < to; at += 1) {
    const byte = bytes[at];
    if (state.escaped) state.escaped = false;
    else if (byte === BACKSLASH) state.escaped = true;
    else if (byte === QUOTE) break;
  }
  state.length += at - from;
  if (state.key !== null) for (let index = from; index < at && state.key.length < KEY_BYTES; index += 1) state.key.push(bytes[index] ?? 0);
  if (state.kept !== null) for (let index = from; index < at; index += 1) keep(state, bytes[index] ?? 0);
  return at;
}
