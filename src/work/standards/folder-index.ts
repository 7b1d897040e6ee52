/**
 * Keeps the index equal to the standards folders of the projects' checkouts: looks every two seconds and reads only what changed (spec STD-3).
 * Looking, rather than being told, works on every file system and outlives a folder that vanishes and comes back.
 */
import { sha256Hex } from '../../kernel/canonical-json.ts';
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Database, Tx } from '../../storage/database.ts';
import type { StandardsFolder } from './folder.ts';
import { parseStandard, passagesOf } from './standard.ts';
import * as store from './store.ts';
import type { StandardRow } from './store.ts';

export const LOOK_EVERY_MS = 2_000;

export type FolderIndexDeps = {
  db: Database;
  ids: Ids;
  folder: StandardsFolder;
  /** Projects with a checkout on this machine, of every organization. */
  checkouts: () => Promise<{ org: OrgId; project: string; path: string }[]>;
};
export type FolderIndex = { look(): Promise<void> };

export function createFolderIndex(deps: FolderIndexDeps): FolderIndex {
  /** By project: what its folder looked like when it was last indexed. */
  const seen = new Map<string, string>();
  return {
    async look() {
      for (const { org, project, path } of await deps.checkouts()) {
        const listed = await deps.folder.list(path);
        const files = listed?.files ?? [];
        const mark = sha256Hex(files.map((file) => `${file.path}\n${file.mark}`).join('\n'));
        const key = `${org}/${project}/${path}`;
        if (seen.get(key) === mark) continue;
        const texts = new Map<string, string>();
        for (const file of files) {
          const text = await deps.folder.read(path, file.path);
          if (text !== null) texts.set(file.path, text);
        }
        await deps.db.asOrg(org, (tx) => reindex(tx, { org, project, texts, nextId: () => deps.ids.next('std') }));
        seen.set(key, mark);
      }
    },
  };
}

type Reindex = { org: OrgId; project: string; texts: ReadonlyMap<string, string>; nextId: () => string };

async function reindex(tx: Tx, { org, project, texts, nextId }: Reindex): Promise<void> {
  const indexed = await store.indexedFiles(tx, org, project);
  const known = new Map(indexed.map((row) => [row.path, row]));
  const gone = indexed.filter((row) => row.place === 'folder' && !texts.has(row.path));
  if (gone.length > 0)
    await store.deleteStandards(
      tx,
      org,
      gone.map(({ id }) => id),
    );
  for (const [path, text] of texts) {
    const held = known.get(path);
    if (held?.hash === sha256Hex(text)) continue;
    const row = rowOf({ id: held?.id ?? nextId(), project, path, text, place: 'folder' });
    if (held === undefined) await store.insertStandard(tx, org, row);
    else if (held.place === 'folder') await store.updateStandard(tx, org, row);
  }
}

export type FileText = { id: string; project: string | null; path: string; text: string; place: 'folder' | 'store' };

export function rowOf({ text, ...at }: FileText): StandardRow {
  const parsed = parseStandard(text);
  const { front, faults } = parsed;
  return {
    ...at,
    title: parsed.title === '' ? at.path : parsed.title,
    tags: front?.tags ?? [],
    content: text,
    hash: sha256Hex(text),
    createdBy: front?.created_by ?? '',
    approvedBy: front?.approved_by ?? '',
    faults,
    passages: passagesOf(parsed),
  };
}
