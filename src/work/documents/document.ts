/** Rules of documents, pure: which a project must have, which are missing or stale, what a sync does, what differs. Not their storage. */
import { diff } from 'node:util';

export const DOCUMENT_LIMITS = {
  contentBytes: 1_000_000,
  nameChars: 200,
  requirements: 200,
  capabilities: 50,
  /** Files that one sync reads. */
  syncFiles: 500,
  /** Comparing by lines costs their product; longer texts are answered as removed and added whole. */
  diffLines: 4_000,
} as const;
export const STALE_DAYS_DEFAULT = 90;
const DAY_MS = 86_400_000;

export type Requirement = { pattern: string; capability: string | null; staleDays: number };
export type Known = { name: string; updatedAtMs: number };
export type Finding = { name: string; pattern: string; state: 'present' | 'missing' | 'stale'; ageDays: number | null; staleDays: number };
export type Overall = 'complete' | 'warning' | 'incomplete';

/** What holds in every organization that says nothing else (spec DOC-2). */
export const DEFAULT_REQUIREMENTS: readonly Requirement[] = [
  { pattern: 'AGENTS.md', capability: null, staleDays: STALE_DAYS_DEFAULT },
  { pattern: 'docs/API.md', capability: 'has_api', staleDays: STALE_DAYS_DEFAULT },
  { pattern: 'docs/SCHEMA.md', capability: 'has_database', staleDays: STALE_DAYS_DEFAULT },
];

/** Own requirements take the place of default ones with the same pattern. */
export function effectiveRequirements(own: readonly Requirement[]): Requirement[] {
  const patterns = new Set(own.map(({ pattern }) => pattern));
  return [...DEFAULT_REQUIREMENTS.filter(({ pattern }) => !patterns.has(pattern)), ...own];
}

/**
 * One finding for each requirement that applies; a capability that the project lacks asks for nothing (spec PRJ-4).
 * `incomplete` when one is missing, `warning` when one is stale.
 */
export function auditDocuments(
  project: { code: string; capabilities: readonly string[] },
  docs: readonly Known[],
  options: { requirements: readonly Requirement[]; nowMs: number },
): { overall: Overall; findings: Finding[] } {
  const byName = new Map(docs.map((doc) => [doc.name, doc]));
  const findings = options.requirements
    .filter(({ capability }) => capability === null || project.capabilities.includes(capability))
    .map(({ pattern, staleDays }): Finding => {
      const name = pattern.replaceAll('{project}', project.code);
      const doc = byName.get(name);
      if (doc === undefined) return { name, pattern, staleDays, state: 'missing', ageDays: null };
      const ageMs = Math.max(0, options.nowMs - doc.updatedAtMs);
      return { name, pattern, staleDays, state: ageMs > staleDays * DAY_MS ? 'stale' : 'present', ageDays: Math.floor(ageMs / DAY_MS) };
    });
  const has = (state: Finding['state']): boolean => findings.some((finding) => finding.state === state);
  return { overall: has('missing') ? 'incomplete' : has('stale') ? 'warning' : 'complete', findings };
}

export type SyncState = 'added' | 'updated' | 'unchanged' | 'ahead' | 'conflict';

/**
 * What a sync does with one file, from three hashes: the file's, the stored document's (null: none) and the one both last agreed on.
 * `ahead`: only the store changed; `conflict`: both did, and neither is touched until somebody says which to take (spec DOC-4).
 */
export function decideSync(hashes: { file: string; stored: string | null; base: string | null }, prefer: 'repository' | 'store' | null): SyncState {
  const { file, stored, base } = hashes;
  if (stored === null) return 'added';
  if (file === stored) return 'unchanged';
  if (base === stored) return 'updated';
  if (base === file) return 'ahead';
  return prefer === null ? 'conflict' : prefer === 'repository' ? 'updated' : 'ahead';
}

export type DiffLine = { how: 'same' | 'removed' | 'added'; text: string };

/** Line by line, removed before added; whole texts beyond DOCUMENT_LIMITS.diffLines. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length + now.length > DOCUMENT_LIMITS.diffLines) {
    return [...old.map((text): DiffLine => ({ how: 'removed', text })), ...now.map((text): DiffLine => ({ how: 'added', text }))];
  }
  // node answers 1 for what only the first has
  return diff(old, now).map(([how, text]) => ({ how: how === 0 ? 'same' : how === 1 ? 'removed' : 'added', text }));
}
