/** What a note is: its tags, limits, and when a change is one. Pure; not the store, not the memory of runs (spec KNO-2). */

/** Recommended words; any other of the same form may be used beside them (spec KNO-1). */
export const RECOMMENDED_TAGS = [
  'executive-summary',
  'prd',
  'design',
  'strategy',
  'methodology',
  'market-research',
  'bio',
  'marketing',
  'governance',
] as const;

export const NOTE_LIMITS = {
  titleBytes: 300,
  contentBytes: 100_000,
  tags: 20,
  tagChars: 40,
  wordBytes: 1_000,
  sourceBytes: 500,
  queryChars: 300,
  /** Matches that are ranked; beyond it the total is "at least". */
  candidates: 1_000,
  /** The newest notes that are compared by meaning: their vectors lie in memory. */
  embedded: 10_000,
  /** Of a note's title and content; embedding models read some 8,000 tokens. */
  embeddedChars: 8_000,
} as const;

export type NoteChange = 'created' | 'updated' | 'archived' | 'restored';
export type NoteText = { title: string; content: string; tags: readonly string[]; project: string | null };

/** Each tag once, in order of the alphabet: two sets of the same tags are equal. */
export function tidyTags(tags: readonly string[]): string[] {
  return [...new Set(tags)].toSorted();
}

export function isSameText(a: NoteText, b: NoteText): boolean {
  return a.title === b.title && a.content === b.content && a.project === b.project && tidyTags(a.tags).join() === tidyTags(b.tags).join();
}
