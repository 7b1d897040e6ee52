/**
 * Search by meaning: texts and queries as vectors of whatever embedding model is configured, compared exactly in memory. Without a model
 * there is none, and a search says that it went by words alone (spec STD-3, KNO-1). Where texts and vectors lie is the domain's.
 */
import { toAppError } from '../../kernel/errors.ts';
import type { OrgId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { Embedder } from '../../runtime/models/embeddings.ts';

/** Where the vectors of one kind of text are kept; `K` names a text. */
export type VectorStore<K extends object> = {
  /** Changes whenever a vector of this model does: what is held in memory is thrown away then. */
  state(tx: Tx, org: OrgId, model: string): Promise<string>;
  /** All that this model has embedded, and of which project each is. */
  read(tx: Tx, org: OrgId, model: string): Promise<{ key: K; project: string | null; embedding: Uint8Array }[]>;
  /** Texts that this model has not embedded yet. */
  unembedded(tx: Tx, org: OrgId, wanted: { model: string; limit: number }): Promise<(K & { text: string })[]>;
  /** Nothing when the text says something else by now. */
  set(tx: Tx, org: OrgId, of: K & { text: string; model: string; embedding: Uint8Array }): Promise<void>;
};

export type Meaning<K extends object> = {
  /**
   * The nearest texts, best first; null when there is nothing to compare with, or the model cannot be reached or paid: that takes nothing from a
   * search by words, which then says that it went by them alone.
   */
  nearest(org: OrgId, wanted: { query: string; project: string | null; limit: number }): Promise<K[] | null>;
  /**
   * Embeds texts that are new or changed, so many batches of each organization at most. One organization's failure is not another's: the first one is
   * thrown at the end, and where it failed the next calls do nothing, more of them each time.
   */
  catchUp(orgs: readonly OrgId[], batches: number): Promise<void>;
};

const BATCH = 64;
/** Organizations whose vectors are held in memory, the least lately used forgotten first. */
const HELD_MAX = 20;

/** Calls of `catchUp` passed over after failures, at most: every failed one may have to be paid. */
const PASSED_OVER_MAX = 512;

type HeldVector<K> = { key: K; project: string | null; unit: Float32Array };
type MeaningDeps<K extends object> = { db: Database; embedder: Embedder; store: VectorStore<K> };

export function createMeaning<K extends object>(deps: MeaningDeps<K>): Meaning<K> {
  const { embedder } = deps;
  const vectorsOf = holdVectors(deps);
  return {
    async nearest(org, { query, project, limit }) {
      const vectors = await vectorsOf(org);
      if (vectors.length === 0) return null;
      const [asked] = await embedder.embed(org, [query]).catch((error: unknown): Float32Array[] => {
        if (toAppError(error).code === 'internal') throw error; // a fault of ours is not hidden behind worse results
        return [];
      });
      if (asked === undefined) return null;
      const unit = normalised(asked);
      return vectors
        .filter((vector) => project === null || vector.project === null || vector.project === project)
        .map((vector) => ({ vector, score: dot(vector.unit, unit) }))
        .toSorted((a, b) => b.score - a.score)
        .slice(0, limit)
        .map(({ vector: { key } }) => key);
    },
    catchUp: createCatchUp(deps),
  };
}

/** All vectors of an organization, as long as none has changed from memory. */
function holdVectors<K extends object>({ db, embedder, store }: MeaningDeps<K>): (org: OrgId) => Promise<HeldVector<K>[]> {
  const held = new Map<OrgId, { state: string; vectors: HeldVector<K>[] }>();
  return (org) =>
    db.asOrg(org, async (tx) => {
      const state = await store.state(tx, org, embedder.model);
      const known = held.get(org);
      held.delete(org);
      if (known?.state === state) {
        held.set(org, known);
        return known.vectors;
      }
      const rows = await store.read(tx, org, embedder.model);
      const vectors = rows.map(({ key, project, embedding }) => ({ key, project, unit: normalised(fromBytes(embedding)) }));
      held.set(org, { state, vectors });
      const [oldest] = held.keys();
      if (held.size > HELD_MAX && oldest !== undefined) held.delete(oldest);
      return vectors;
    });
}

/** As `Meaning.catchUp`. */
function createCatchUp<K extends object>({ db, embedder, store }: MeaningDeps<K>): Meaning<K>['catchUp'] {
  const failing = new Map<OrgId, { passOver: number; left: number }>();
  const embedNext = async (org: OrgId): Promise<number> => {
    const failed = failing.get(org);
    if (failed !== undefined && failed.left > 0) {
      failed.left -= 1;
      return 0;
    }
    const { model } = embedder;
    const found = await db.asOrg(org, (tx) => store.unembedded(tx, org, { model, limit: BATCH }));
    if (found.length === 0) return 0;
    const texts = found.map(({ text }) => text);
    const vectors = await embedder.embed(org, texts).catch((error: unknown) => {
      const passOver = Math.min(PASSED_OVER_MAX, (failed?.passOver ?? 1) * 2);
      failing.set(org, { passOver, left: passOver });
      throw error;
    });
    failing.delete(org);
    await db.asOrg(org, async (tx) => {
      for (const [index, each] of found.entries()) {
        const vector = vectors[index];
        if (vector !== undefined) await store.set(tx, org, { ...each, model, embedding: toBytes(vector) });
      }
    });
    return found.length;
  };
  return async (orgs, batches) => {
    const failures: unknown[] = [];
    for (const org of orgs) {
      try {
        for (let batch = 0; batch < batches && (await embedNext(org)) > 0; batch += 1);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
}

/** Reciprocal rank fusion: what both lists have comes first, whatever their scores mean. */
const RANK_OFFSET = 60;
export function fuse(lists: readonly (readonly string[])[], limit: number): string[] {
  const scores = new Map<string, number>();
  for (const list of lists) {
    for (const [rank, name] of list.entries()) scores.set(name, (scores.get(name) ?? 0) + 1 / (RANK_OFFSET + rank + 1));
  }
  return [...scores]
    .toSorted(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name]) => name);
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
