/**
 * Content-addressed storage of transcripts and artefacts (spec STO-3): what is put is named by its SHA-256, so putting
 * twice stores once and what comes back is what went in. Callers decide what a failure means; for transcripts it is never fatal.
 */
import { sha256Hex } from '../kernel/canonical-json.ts';
import { AppError } from '../kernel/errors.ts';
import type { OrgId } from '../kernel/ids.ts';
import type { Count } from '../kernel/page.ts';

declare const digest: unique symbol;
/** Lower-case hex SHA-256 of a blob's bytes. */
export type BlobDigest = string & { readonly [digest]: true };

export type Blobs = {
  /** Which implementation, for `doctor`. */
  readonly kind: 'folder' | 'none';
  /** Durable once it resolves. Idempotent. @throws AppError `too_large`, `unavailable` */
  put(org: OrgId, bytes: Uint8Array): Promise<BlobDigest>;
  /** Null when this organization has no such blob. @throws AppError `unavailable`, also when the bytes no longer match their name */
  get(org: OrgId, digest: BlobDigest): Promise<Uint8Array | null>;
  has(org: OrgId, digest: BlobDigest): Promise<boolean>;
  /** Idempotent: what is not there is deleted. */
  delete(org: OrgId, digest: BlobDigest): Promise<void>;
  /** What the organization has; "at least" beyond BLOBS_COUNTED_MAX files. @throws AppError `unavailable` */
  usage(org: OrgId): Promise<{ files: Count; bytes: Count }>;
};

/** More files than this are not looked at to tell how much there is. */
export const BLOBS_COUNTED_MAX = 20_000;

export const BLOB_MAX_BYTES = 64 * 1024 * 1024;
const DIGEST = /^[0-9a-f]{64}$/;
const ORG = /^[a-z0-9_]{1,64}$/;

/** @throws AppError `too_large` */
export function digestBlob(bytes: Uint8Array): BlobDigest {
  if (bytes.byteLength > BLOB_MAX_BYTES) {
    throw new AppError('too_large', `A blob of ${bytes.byteLength} bytes is over the limit of ${BLOB_MAX_BYTES}.`, { next: 'Store it in parts.' });
  }
  return sha256Hex(bytes) as BlobDigest;
}

/** Brands text from outside. @throws AppError `invalid_input` */
export function parseBlobDigest(text: string): BlobDigest {
  if (!DIGEST.test(text)) throw new AppError('invalid_input', 'That is not a blob digest.', { next: 'A digest is 64 lower-case hex digits.' });
  return text as BlobDigest;
}

/** The folder of an organization's blobs below its root. @throws AppError `invalid_input` for what could leave the root. */
export function blobFolder(org: OrgId): string {
  if (!ORG.test(org)) throw new AppError('invalid_input', 'That is not an organization id.');
  return org;
}

/** Where a blob is below its root: `org/ab/abcdef…`. @throws AppError `invalid_input` for what could leave the root. */
export function blobPath(org: OrgId, name: BlobDigest): readonly [string, string, string] {
  parseBlobDigest(name);
  return [blobFolder(org), name.slice(0, 2), name];
}
