/** Finds passages of standards: by words, by meaning where there is a model, by titles that look alike when nothing has the words. */
import type { OrgId } from '../../kernel/ids.ts';
import type { Count } from '../../kernel/page.ts';
import type { Database } from '../../storage/database.ts';
import type { StandardMatch } from './contract.ts';
import { fuse } from '../meaning/meaning.ts';
import type { Meaning } from '../meaning/meaning.ts';
import * as found from './search-store.ts';
import type { FoundPassage, PassageKey } from './search-store.ts';
import { STANDARD_LIMITS } from './standard.ts';
import { countQuery } from './store.ts';

export type SearchDeps = { db: Database; meaning: Meaning<PassageKey> | null };
type Search = { query: string; project: string | null; limit: number };
type Answer = { how: 'words' | 'words_and_meaning' | 'likeness'; items: StandardMatch[]; shown: number; total: Count };

/** Of each list, before they are fused. */
const EACH = 50;

export async function searchStandards(deps: SearchDeps, org: OrgId, search: Search): Promise<Answer> {
  const near = (await deps.meaning?.nearest(org, { ...search, limit: EACH })) ?? null;
  return deps.db.asOrg(org, async (tx) => {
    const words = await found.searchWords(tx, org, { ...search, limit: near === null ? search.limit : EACH });
    if (near !== null) {
      const keyOf = new Map([...words, ...near].map((key) => [nameOf(key), key]));
      const keys = fuse([words.map(nameOf), near.map(nameOf)], search.limit).flatMap((name) => keyOf.get(name) ?? []);
      const rows = new Map((await found.passagesAt(tx, org, { project: search.project, keys })).map((row) => [nameOf(row), row]));
      const items = keys.flatMap((key) => rows.get(nameOf(key)) ?? []);
      await countQuery(tx, org, items.length > 0);
      // meaning has no threshold: everything is somewhere near, so how many match cannot be told
      return answerOf('words_and_meaning', items, { kind: 'unknown', why: 'a search by meaning ranks every passage' });
    }
    const rows = words.length > 0 ? words : await found.searchTitles(tx, org, search);
    await countQuery(tx, org, rows.length > 0);
    const matched = rows[0]?.matched ?? 0;
    const total: Count = { kind: matched >= STANDARD_LIMITS.candidates ? 'at_least' : 'exact', value: matched };
    return answerOf(words.length > 0 || rows.length === 0 ? 'words' : 'likeness', rows, total);
  });
}

function answerOf(how: Answer['how'], rows: readonly FoundPassage[], total: Count): Answer {
  const items = rows.map(({ id, project, path, title, heading, line, passage }) => ({ id, project, path, title, heading, line, passage }));
  return { how, items, shown: items.length, total };
}

function nameOf({ standard, position }: PassageKey): string {
  return `${standard} ${position}`;
}
