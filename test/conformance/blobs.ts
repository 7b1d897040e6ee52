/**
 * What every blob store keeps to, run for each implementation. A store that keeps nothing answers as an empty one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../src/kernel/canonical-json.ts';
import { AppError } from '../../src/kernel/errors.ts';
import type { OrgId } from '../../src/kernel/ids.ts';
import { BLOB_MAX_BYTES, parseBlobDigest } from '../../src/storage/blobs.ts';
import type { BlobDigest, Blobs } from '../../src/storage/blobs.ts';

const A = 'org_a' as OrgId;
const B = 'org_b' as OrgId;
const bytes = (text: string): Uint8Array => Buffer.from(text);
const hasCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

export function blobsConformance(name: string, create: () => Promise<Blobs & AsyncDisposable>): void {
  void test(`${name}: what is put is named by its SHA-256 and comes back whole [STO-3]`, async () => {
    await using blobs = await create();
    const content = Buffer.from([0, 255, 10, 0, 128]);
    const digest = await blobs.put(A, content);
    assert.equal(digest, sha256Hex(content));
    const kept = blobs.kind !== 'none';
    assert.equal(await blobs.has(A, digest), kept);
    assert.deepEqual(await blobs.get(A, digest), kept ? content : null);
  });

  void test(`${name}: putting twice, at once too, stores once; an empty blob is a blob [STO-3]`, async () => {
    await using blobs = await create();
    const digests = await Promise.all(Array.from({ length: 8 }, () => blobs.put(A, bytes('same'))));
    assert.equal(new Set(digests).size, 1);
    const empty = await blobs.put(A, bytes(''));
    if (blobs.kind !== 'none') assert.equal((await blobs.get(A, empty))?.byteLength, 0);
  });

  void test(`${name}: says how much an organization has, and nothing of another's [STO-2][STO-3]`, async () => {
    await using blobs = await create();
    const none = { files: { kind: 'exact', value: 0 }, bytes: { kind: 'exact', value: 0 } };
    assert.deepEqual(await blobs.usage(A), none);
    for (const text of ['one', 'three', 'one']) await blobs.put(A, bytes(text));
    const kept = { files: { kind: 'exact', value: 2 }, bytes: { kind: 'exact', value: 8 } };
    assert.deepEqual([await blobs.usage(A), await blobs.usage(B)], [blobs.kind === 'none' ? none : kept, none]);
  });

  void test(`${name}: another organization has nothing of it [STO-2][STO-3]`, async () => {
    await using blobs = await create();
    const digest = await blobs.put(A, bytes('of A'));
    assert.equal(await blobs.get(B, digest), null);
    assert.equal(await blobs.has(B, digest), false);
    await blobs.delete(B, digest);
    assert.equal(await blobs.has(A, digest), blobs.kind !== 'none');
  });

  void test(`${name}: what is deleted is gone, and deleting it again is no fault [STO-5]`, async () => {
    await using blobs = await create();
    const digest = await blobs.put(A, bytes('short-lived'));
    await blobs.delete(A, digest);
    await blobs.delete(A, digest);
    assert.equal(await blobs.get(A, digest), null);
  });

  void test(`${name}: names that could leave the store and blobs over the limit are refused [STO-3]`, async () => {
    await using blobs = await create();
    await assert.rejects(async () => blobs.get(A, '../../etc/passwd' as BlobDigest), hasCode('invalid_input'));
    await assert.rejects(async () => blobs.put('../up' as OrgId, bytes('x')), hasCode('invalid_input'));
    assert.throws(() => parseBlobDigest('ABC'), hasCode('invalid_input'));
    await assert.rejects(async () => blobs.put(A, new Uint8Array(BLOB_MAX_BYTES + 1)), hasCode('too_large'));
  });
}
