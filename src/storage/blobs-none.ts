/**
 * No blobs: what is put is named and forgotten. For installations that keep no transcripts or artefacts.
 */
import { blobPath, digestBlob } from './blobs.ts';
import type { Blobs } from './blobs.ts';

export function createNoBlobs(): Blobs {
  return {
    kind: 'none',
    async put(org, bytes) {
      const digest = digestBlob(bytes);
      blobPath(org, digest);
      return digest;
    },
    async get(org, digest) {
      blobPath(org, digest);
      return null;
    },
    async has(org, digest) {
      blobPath(org, digest);
      return false;
    },
    async delete(org, digest) {
      blobPath(org, digest);
    },
    async usage() {
      return { files: { kind: 'exact', value: 0 }, bytes: { kind: 'exact', value: 0 } };
    },
  };
}
