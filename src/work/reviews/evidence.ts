/**
 * Whether a finding stands (spec PER-5): its file must be one the reviewer saw, and its evidence must be in it. What the reviewer saw is
 * its input and the results of its own tools, both from the run's journal. Pure.
 */
import { z } from 'zod';
import type { Entry } from '../../kernel/events.ts';
import { parseDiff } from './diff.ts';
import type { Place } from './finding.ts';
import { Finding, ReviewAnswer } from './finding.ts';
import { readMaterial } from './material.ts';

type Line = { line: number | null; text: string };
/** Lines that were seen of each file, in the order of the file as far as one look showed it. */
export type Sources = ReadonlyMap<string, readonly (readonly Line[])[]>;

export type Drop = { why: 'invalid' | 'file' | 'evidence'; said: string };
export type Checked = { summary: string; findings: Finding[]; dropped: Drop[]; specialists: string[]; proposals: unknown[] };

/** Fewer characters than this are found anywhere. */
const EVIDENCE_MIN = 4;
const SAID_CHARS = 200;

export function sourcesOf(entries: readonly Entry[]): Sources {
  const sources = new Map<string, Line[][]>();
  const add = (path: string, lines: Line[]): void => void sources.set(path, [...(sources.get(path) ?? []), lines]);
  for (const { event } of entries) {
    if (event?.type === 'run.queued' && typeof event.input === 'string') for (const { path, lines } of readMaterial(event.input)) add(path, lines);
    if (event?.type !== 'tool.done') continue;
    const seen = event.structured;
    const read = FileRead.safeParse(seen);
    if (read.success) add(read.data.path, numbered(read.data.text, read.data.startLine));
    const found = Matches.safeParse(seen);
    for (const match of found.success ? found.data.matches : []) add(match.path, [{ line: match.line, text: match.text }]);
    const patch = Patch.safeParse(seen);
    for (const { path, lines } of patch.success ? parseDiff(patch.data.patch) : []) add(path, lines);
  }
  return sources;
}

const FileRead = z.object({ path: z.string(), startLine: z.int(), text: z.string() });
const Matches = z.object({ matches: z.array(z.object({ path: z.string(), line: z.int(), text: z.string() })) });
const Patch = z.object({ patch: z.string() });

function numbered(text: string, first: number): Line[] {
  return text.split('\n').map((row, index) => ({ line: first + index, text: row }));
}

/** The answer with what stands of it; null when it is no answer at all. */
export function checkAnswer(output: unknown, sources: Sources, limit: number): Checked | null {
  const answer = ReviewAnswer.safeParse(output);
  if (!answer.success) return null;
  const findings: Finding[] = [];
  const dropped: Drop[] = [];
  for (const raw of answer.data.findings) {
    const parsed = Finding.safeParse(raw);
    if (!parsed.success || findings.length >= limit) {
      dropped.push({ why: 'invalid', said: (JSON.stringify(raw) ?? '').slice(0, SAID_CHARS) });
      continue;
    }
    const checked = checkFinding(parsed.data, sources);
    if (typeof checked === 'string') dropped.push({ why: checked, said: `${parsed.data.file}: ${parsed.data.problem}`.slice(0, SAID_CHARS) });
    else findings.push(checked);
  }
  const { summary, specialists, proposals } = answer.data;
  return { summary, findings, dropped, specialists, proposals };
}

/** The finding with its file and line as they really are, or why it does not stand. */
export function checkFinding(finding: Finding, sources: Sources): Finding | 'file' | 'evidence' {
  const place = placeOf(finding, sources);
  return typeof place === 'string' ? place : { ...finding, ...place };
}

/** Where a quotation really stands, or why it does not. */
export function placeOf({ file, line: claimed, evidence }: Place, sources: Sources): Pick<Place, 'file' | 'line'> | 'file' | 'evidence' {
  const path = [file, file.replace(/^\.\//, ''), file.replace(/^[ab]\//, '')].find((each) => sources.has(each));
  if (path === undefined) return 'file';
  const wanted = quotedLines(evidence);
  if (wanted.join('').replaceAll(' ', '').length < EVIDENCE_MIN) return 'evidence';
  const places = (sources.get(path) ?? []).flatMap((lines) => placesOf(lines, wanted));
  if (places.length === 0) return 'evidence';
  const numbers = places.filter((line) => line !== null);
  const near = claimed ?? 0;
  const nearest = numbers.toSorted((a, b) => Math.abs(a - near) - Math.abs(b - near) || a - b)[0];
  return { file: path, line: nearest ?? null };
}

/** Lines of a quotation without what is around them: our numbers, a diff's signs, blank lines. A line of dots stands for lines left out. */
function quotedLines(evidence: string): string[] {
  return evidence
    .split('\n')
    .map((row) => plain(row.replace(/^ *\d* ?[ +-]?\|/, '')))
    .filter((row) => row !== '');
}

const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
const isGap = (row: string): boolean => /^(\.{3}|…|\/\/ ?\.{3}|# ?\.{3})$/.test(row);

/** `gaps`: where the row behind a gap was found last. Starts go upwards, so that nothing before it need be looked at again. */
type Search = { there: readonly Line[]; wanted: readonly string[]; gaps: Map<number, number> };

/** Numbers of the lines at which the quotation begins. Blank lines between are passed over. */
function placesOf(lines: readonly Line[], wanted: readonly string[]): (number | null)[] {
  const there = lines.map(({ line, text }) => ({ line, text: plain(text) })).filter(({ text }) => text !== '');
  const search: Search = { there, wanted, gaps: new Map() };
  return there.flatMap(({ line }, start) => (matchesAt(search, start) ? [line ?? nextNumber(there, start)] : []));
}

function matchesAt(search: Search, start: number): boolean {
  const { there, wanted } = search;
  let at = start;
  let gap = false;
  for (const [index, row] of wanted.entries()) {
    if (isGap(row)) {
      gap = true;
      continue;
    }
    const found = gap ? behindGap(search, index, at) : at;
    const line = there[found];
    if (line === undefined || !fits(line, row)) return false;
    at = found + 1;
    gap = false;
  }
  return true;
}

/** The first line from `at` on that has the row; `there.length` when none has. */
function behindGap({ there, wanted, gaps }: Search, index: number, at: number): number {
  let found = gaps.get(index) ?? -1;
  if (found >= at) return found;
  for (found = at; found < there.length && !fits(there[found], wanted[index] ?? '');) found += 1;
  gaps.set(index, found);
  return found;
}

function fits(line: Line | undefined, row: string): boolean {
  const bare = row.replace(/^[+-] ?/, '');
  return line !== undefined && (line.text.includes(row) || (bare.length >= EVIDENCE_MIN && line.text.includes(bare)));
}

/** What is gone has no number: it stands before the next line that has one. */
function nextNumber(lines: readonly Line[], from: number): number | null {
  return lines.slice(from).find(({ line }) => line !== null)?.line ?? null;
}
