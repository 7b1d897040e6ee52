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
const FIRST_BYTES = 256;
/** Levels that are told apart; deeper ones are only counted. */
const LEVELS = 16;
const KEY_BYTES = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const SPACE = 0x20;

/** A wanted path as a tree of names; where nothing is wanted there is no node. */
type Node = { path: string; wanted: Wanted | null; members: Map<string, Node> };
type Scan = {
  root: Node;
  found: (path: string, value: unknown) => void;
  /** Containers on the way to something wanted, with the node of their elements or of their members' parent. */
  nodes: Node[];
  objects: boolean[];
  /** Containers inside something unwanted. */
  deeper: number;
  /** What the value at hand is to us. */
  node: Node | null;
  inString: boolean;
  escaped: boolean;
  afterColon: boolean;
  /** Bytes of the key at hand; -1 when the text is no key. */
  keyLength: number;
  key: Buffer;
  length: number;
  /** Bytes kept of a value; -1 when none is. */
  keptLength: number;
  kept: Buffer;
  keptNode: Node;
  keptDepth: number;
};

/** What is wanted by its path; made once, for all scans. */
export type ScanPlan = { readonly root: Node };

export function planScan(wanted: Readonly<Record<string, Wanted>>): ScanPlan {
  return { root: treeOf(wanted) };
}

export function createJsonScan({ root }: ScanPlan, found: (path: string, value: unknown) => void): JsonScan {
  const scan: Scan = {
    ...{ root, found, nodes: [], objects: [], deeper: 0, node: root, inString: false, escaped: false, afterColon: false },
    ...{ keyLength: -1, key: Buffer.allocUnsafe(KEY_BYTES), length: 0 },
    ...{ keptLength: -1, kept: Buffer.allocUnsafe(FIRST_BYTES), keptNode: root, keptDepth: 0 },
  };
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
      scan.nodes.length = 0;
      scan.objects.length = 0;
      scan.deeper = 0;
      scan.node = root;
      scan.inString = false;
      scan.escaped = false;
      scan.afterColon = false;
      scan.keyLength = -1;
      scan.keptLength = -1;
    },
  };
}

function treeOf(wanted: Readonly<Record<string, Wanted>>): Node {
  const root: Node = { path: '', wanted: null, members: new Map() };
  for (const [path, how] of Object.entries(wanted)) {
    let node = root;
    for (const name of path.split('.')) {
      const next: Node = node.members.get(name) ?? { path: node.path === '' ? name : `${node.path}.${name}`, wanted: null, members: new Map() };
      node.members.set(name, next);
      node = next;
    }
    node.wanted = how;
  }
  return root;
}

function structure(scan: Scan, byte: number): void {
  switch (byte) {
    case QUOTE:
      scan.inString = true;
      scan.length = 0;
      if (scan.deeper === 0 && !scan.afterColon && scan.objects[scan.objects.length - 1] === true) {
        scan.keyLength = 0;
        keep(scan, byte);
      } else begin(scan, byte);
      return;
    case OBJECT:
    case ARRAY:
      begin(scan, byte);
      scan.afterColon = false;
      if (scan.deeper > 0 || scan.node === null || scan.nodes.length >= LEVELS) scan.deeper += 1;
      else {
        scan.nodes.push(scan.node);
        scan.objects.push(byte === OBJECT);
      }
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

/** A value begins, or goes on: it is kept when it is wanted. */
function begin(scan: Scan, byte: number): void {
  if (scan.keptLength < 0 && scan.deeper === 0 && scan.node?.wanted === 'value') {
    scan.keptLength = 0;
    scan.keptNode = scan.node;
    scan.keptDepth = depthOf(scan);
  }
  keep(scan, byte);
}

function endString(scan: Scan): void {
  scan.inString = false;
  keep(scan, QUOTE);
  if (scan.keyLength >= 0) {
    const within = scan.nodes[scan.nodes.length - 1];
    scan.node = within?.members.get(scan.key.toString('latin1', 0, scan.keyLength)) ?? null;
    scan.keyLength = -1;
  } else if (scan.keptLength >= 0) concludeAt(scan);
  else if (scan.deeper === 0 && scan.node?.wanted === 'length') scan.found(scan.node.path, scan.length);
}

function close(scan: Scan, byte: number): void {
  // A number or a word that was kept ends here; what was opened ends with this byte.
  concludeAt(scan);
  keep(scan, byte);
  if (scan.deeper > 0) scan.deeper -= 1;
  else {
    scan.nodes.pop();
    scan.objects.pop();
  }
  if (scan.deeper === 0) scan.node = scan.nodes[scan.nodes.length - 1] ?? scan.root;
  concludeAt(scan);
}

/** Hands over what was kept when the depth is again that at which it began. */
function concludeAt(scan: Scan): void {
  if (scan.keptLength < 0 || depthOf(scan) !== scan.keptDepth) return;
  const text = scan.kept.toString('utf8', 0, scan.keptLength);
  scan.keptLength = -1;
  // Most of what a stream says at these places is that there is nothing yet.
  if (text === 'null') return;
  try {
    scan.found(scan.keptNode.path, JSON.parse(text));
  } catch {
    // No JSON: it says nothing.
  }
}

function depthOf(scan: Scan): number {
  return scan.nodes.length + scan.deeper;
}

function keep(scan: Scan, byte: number): void {
  if (scan.keptLength < 0) return;
  if (scan.keptLength >= VALUE_BYTES) {
    scan.keptLength = -1;
    return;
  }
  if (scan.keptLength === scan.kept.length) scan.kept = Buffer.concat([scan.kept], scan.kept.length * 2);
  scan.kept[scan.keptLength] = byte;
  scan.keptLength += 1;
}

/** Bytes of a text after which it is worth a search. */
const LONG_TEXT = 64;

/** Where the next quote or escape stands, or `to`. */
function plainUntil(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  const quote = bytes.indexOf(QUOTE, from);
  const end = quote < 0 || quote > to ? to : quote;
  const slash = bytes.indexOf(BACKSLASH, from);
  return slash < 0 || slash > end ? end : slash;
}

/** Where the text ends, or `to` when it goes on beyond it. */
function throughString(scan: Scan, bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  let at = from;
  let escaped = scan.escaped;
  for (; at < to; at += 1) {
    // a long text without escapes is jumped over natively, once: then the work stays linear whatever it holds
    if (at - from === LONG_TEXT && !escaped) at = plainUntil(bytes, { from: at, to });
    const byte = at < to ? bytes[at] : QUOTE;
    if (escaped) escaped = false;
    else if (byte === BACKSLASH) escaped = true;
    else if (byte === QUOTE) break;
  }
  scan.escaped = escaped;
  scan.length += at - from;
  if (scan.keyLength >= 0) {
    for (let index = from; index < at && scan.keyLength < KEY_BYTES; index += 1) {
      scan.key[scan.keyLength] = bytes[index] ?? 0;
      scan.keyLength += 1;
    }
  }
  if (scan.keptLength >= 0) for (let index = from; index < at; index += 1) keep(scan, bytes[index] ?? 0);
  return at;
}
