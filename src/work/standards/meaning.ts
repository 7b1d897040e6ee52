/**
 * Search by meaning: passages and queries as vectors of whatever embedding model is configured, compared exactly in memory. Without a model
 * there is none, and a search says that it went by words alone (spec STD-3).
 */
import type { OrgId } from '../../kernel/ids.ts';
import type { Database } from '../../storage/database.ts';
import type { Embedder } from '../../runtime/models/embeddings.ts';
import * as store from './search-store.ts';
import type { PassageKey } from './search-store.ts';

export type Meaning = {
  /** The nearest passages, best first; null when there is nothing to compare with. */
  nearest(org: OrgId, wanted: { query: string; project: string | null; limit: number }): Promise<PassageKey[] | null>;
  /** Embeds passages that are new, a batch at a time; answers how many. After a failure the next calls do nothing, more of them each time. */
  catchUp(org: OrgId): Promise<number>;
};

const BATCH = 64;
/** Organizations whose vectors are held in memory, the least lately used forgotten first. */
const HELD_MAX = 20;

/** Calls of `catchUp` passed over after failures, at most: every failed one may have to be paid. */
const PASSED_OVER_MAX = 512;

type HeldVector = PassageKey & { project: string | null; unit: Float32Array };
type Held = { state: string; vectors: HeldVector[] };

export function createMeaning({ db, embedder }: { db: Database; embedder: Embedder }): Meaning {
  const held = new Map<OrgId, Held>();
  const failing = new Map<OrgId, { passOver: number; left: number }>();
  const vectorsOf = async (org: OrgId): Promise<HeldVector[]> =>
    db.asOrg(org, async (tx) => {
      const state = await store.vectorState(tx, org, embedder.model);
      const known = held.get(org);
      held.delete(org);
      if (known?.state === state) {
        held.set(org, known);
        return known.vectors;
      }
      const rows = await store.readVectors(tx, org, embedder.model);
      const vectors = rows.map(({ embedding, ...row }) => ({ ...row, unit: normalised(fromBytes(embedding)) }));
      held.set(org, { state, vectors });
      const [oldest] = held.keys();
      if (held.size > HELD_MAX && oldest !== undefined) held.delete(oldest);
      return vectors;
    });
  return {
    async nearest(org, { query, project, limit }) {
      const vectors = await vectorsOf(org);
      if (vectors.length === 0) return null;
      const [asked] = await embedder.embed(org, [query]);
      if (asked === undefined) return null;
      const unit = normalised(asked);
      return vectors
        .filter((vector) => project === null || vector.project === null || vector.project === project)
        .map((vector) => ({ vector, score: dot(vector.unit, unit) }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, limit)
        .map(({ vector: { standard, position } }) => ({ standard, position }));
    },
    async catchUp(org) {
      const failed = failing.get(org);
      if (failed !== undefined && failed.left > 0) {
        failed.left -= 1;
        return 0;
      }
      const { model } = embedder;
      const passages = await db.asOrg(org, (tx) => store.unembedded(tx, org, { model, limit: BATCH }));
      if (passages.length === 0) return 0;
      const texts = passages.map(({ text }) => text);
      const vectors = await embedder.embed(org, texts).catch((error: unknown) => {
        const passOver = Math.min(PASSED_OVER_MAX, (failed?.passOver ?? 1) * 2);
        failing.set(org, { passOver, left: passOver });
        throw error;
      });
      failing.delete(org);
      await db.asOrg(org, async (tx) => {
        for (const [index, { standard, position, text }] of passages.entries()) {
          const vector = vectors[index];
          if (vector !== undefined) await store.setEmbedding(tx, org, { standard, position, text, model, embedding: toBytes(vector) });
        }
      });
      return passages.length;
    },
  };
}

/** Reciprocal rank fusion: what both lists have comes first, whatever their scores mean. */
const RANK_OFFSET = 60;
export function fuse(lists: readonly (readonly PassageKey[])[], limit: number): PassageKey[] {
  const scores = new Map<string, { key: PassageKey; score: number }>();
  for (const list of lists) {
    for (const [rank, { standard, position }] of list.entries()) {
      const name = `${standard} ${position}`;
      const known = scores.get(name) ?? { key: { standard, position }, score: 0 };
      scores.set(name, { ...known, score: known.score + 1 / (RANK_OFFSET + rank + 1) });
    }
  }
  return [...scores.values()]
    .toSorted((a, b) => b.score - a.score || (a.key.standard < b.key.standard ? -1 : 1) || a.key.position - b.key.position)
    .slice(0, limit)
    .map(({ key }) => key);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}

export function toBytes(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** Copied, because a driver's buffer need not lie where a Float32 may. */
export function fromBytes(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
