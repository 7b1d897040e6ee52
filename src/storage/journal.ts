/**
 * What is the same for every stream of the journal (a run, a session, a key's month, an org's administration): how an
 * entry is sealed into its chain and how a chain is verified. Pure; SQL is in the stores.
 *
 * The hash covers the envelope and a commitment, SHA-256(salt, payload), so that salt and payload can be deleted on
 * request and the chain still verifies (spec RUN-2). `position` is given by the commit and is not part of the hash.
 */
import { hash } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../kernel/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';
import type { RandomBytes } from '../kernel/ids.ts';

/** Hash before a stream's first entry. */
export const NO_HASH = '0'.repeat(64);
export const SALT_BYTES = 16;

/** What somebody wants written; `payload` is any JSON value with a `type`. */
export type Draft = { readonly payload: { readonly type: string }; readonly effectId: string | null };

/** Where a stream stands: its last sequence number (0 when empty) and that entry's hash. */
export type Head = { readonly seq: number; readonly hash: string };

/** An entry ready to be stored: hashes, salt and commitment in lower-case hex. Salt and payload are null once deleted. */
export type SealedEntry = {
  readonly org: string;
  readonly stream: string;
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
  readonly version: number;
  readonly actor: string;
  readonly effectId: string | null;
  readonly fence: number;
  readonly prevHash: string;
  readonly hash: string;
  readonly commitment: string;
  readonly salt: string | null;
  /** Canonical JSON. */
  readonly payload: string | null;
};

export type SealContext = {
  org: string;
  stream: string;
  head: Head;
  fence: number;
  actor: string;
  version: number;
  /** Milliseconds of the database's clock. */
  atMs: number;
  randomBytes: RandomBytes;
};

/**
 * Seals drafts onto a stream's head, in order.
 * @throws AppError `invalid_input` for an actor, type or effect id that no text column can hold; payloads may hold anything JSON can.
 */
export function sealEntries(context: SealContext, drafts: readonly Draft[]): SealedEntry[] {
  let head = context.head;
  return drafts.map(({ payload, effectId }) => {
    const text = canonicalJson(payload);
    const salt = Buffer.from(context.randomBytes(SALT_BYTES)).toString('hex');
    const envelope = {
      org: context.org,
      stream: context.stream,
      seq: head.seq + 1,
      atMs: context.atMs,
      type: payload.type,
      version: context.version,
      actor: context.actor,
      effectId,
      fence: context.fence,
      prevHash: head.hash,
      commitment: commitmentOf(salt, text),
    };
    for (const name of [envelope.type, envelope.actor, effectId ?? '']) {
      const storable = !name.includes('\0') && name.isWellFormed();
      if (!storable) throw new AppError('invalid_input', `${JSON.stringify(name)} cannot name something in the journal.`);
    }
    const hash = hashOf(envelope);
    head = { seq: envelope.seq, hash };
    return { ...envelope, hash, salt, payload: text };
  });
}

export type ChainFault = { readonly seq: number; readonly why: string };

/**
 * Null when the entries of one stream, in order from just after `from`, form an unbroken chain; else the first fault.
 * A deleted payload is no fault, a changed one is.
 */
export function verifyChain(entries: Iterable<SealedEntry>, from: Head = { seq: 0, hash: NO_HASH }): ChainFault | null {
  let head = from;
  for (const entry of entries) {
    const seq = head.seq + 1;
    if (entry.seq !== seq) return { seq, why: `entry ${seq} is missing: ${entry.seq} follows` };
    if (entry.prevHash !== head.hash) return { seq, why: 'it does not name the hash of the entry before it' };
    if (entry.payload !== null && (entry.salt === null || commitmentOf(entry.salt, entry.payload) !== entry.commitment)) {
      return { seq, why: 'its payload is not the one it was sealed with' };
    }
    if (hashOf(entry) !== entry.hash) return { seq, why: 'its envelope is not the one it was sealed with' };
    head = { seq, hash: entry.hash };
  }
  return null;
}

type Envelope = Omit<SealedEntry, 'hash' | 'salt' | 'payload'>;

function hashOf(entry: Envelope): string {
  const { org, stream, seq, atMs, type, version, actor, effectId, fence, prevHash, commitment } = entry;
  return sha256Hex(canonicalJson({ org, stream, seq, atMs, type, version, actor, effectId, fence, prevHash, commitment }));
}

/** What the chain goes over in place of a payload. `salt` in hex. */
export function commitmentOf(salt: string, payload: string): string {
  const saltBytes = salt.length / 2;
  const bytes = Buffer.allocUnsafe(saltBytes + Buffer.byteLength(payload));
  bytes.write(salt, 'hex');
  bytes.write(payload, saltBytes);
  return hash('sha256', bytes, 'hex');
}
