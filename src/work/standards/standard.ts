/**
 * What a standard is: a Markdown file with front matter and five fixed sections, at `domain/topic.md` (spec STD-1). Pure: parsing, rendering,
 * faults and passages; no file and no table.
 */
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../../kernel/canonical-json.ts';
import type { Fault } from '../../kernel/errors.ts';

export const STANDARD_LIMITS = {
  nameChars: 80,
  contentBytes: 64_000,
  tags: 20,
  tagChars: 40,
  whyBytes: 2_000,
  /** With so many waiting for an answer, reviews propose no more. */
  openForReviews: 20,
  queryChars: 300,
  /** Files of one standards folder that are indexed; beyond it the rest is named as left out. */
  files: 5_000,
  passageChars: 1_500,
  /** Matching passages that are ranked; beyond it the total is "at least". */
  candidates: 1_000,
} as const;

/** In this order, each at level two, each with something in it. */
export const SECTIONS = ['Context', 'Pattern', 'Examples', 'Anti-patterns', 'When to revisit'] as const;

export const Slug = z
  .string()
  .max(STANDARD_LIMITS.nameChars)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single dashes');

const FrontMatter = z.object({
  domain: Slug,
  tags: z.array(z.string().max(STANDARD_LIMITS.tagChars)).max(STANDARD_LIMITS.tags).default([]),
  created_by: z.string(),
  approved_by: z.string(),
  date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day as in 2026-11-28'),
});
export type FrontMatter = z.infer<typeof FrontMatter>;

export type StandardText = { domain: string; topic: string; tags: readonly string[]; content: string };

export function pathOf({ domain, topic }: Pick<StandardText, 'domain' | 'topic'>): string {
  return `${domain}/${topic}.md`;
}

/** What an approval is bound to: place, tags and every character of the text. */
export function digestOf({ domain, topic, tags, content }: StandardText): string {
  return sha256Hex(canonicalJson({ domain, topic, tags: [...tags], content }));
}

/** Why this body is no standard, each fault with its line (1-based); empty when it is one. */
export function bodyFaults(content: string): Fault[] {
  const faults: Fault[] = [];
  const lines = headingsOf(content);
  const title = lines.find(({ level }) => level === 1);
  if (title === undefined || title.text === '') faults.push({ path: 'content', line: 1, message: 'It needs a title: `# Name of the standard`.' });
  let after = 0;
  for (const section of SECTIONS) {
    const at = lines.findIndex(({ level, text }) => level === 2 && text.toLowerCase() === section.toLowerCase());
    const heading = lines[at];
    if (heading === undefined) {
      faults.push({ path: 'content', message: `The section \`## ${section}\` is missing.` });
      continue;
    }
    if (heading.line < after)
      faults.push({ path: 'content', line: heading.line, message: `\`## ${section}\` comes too early: ${SECTIONS.join(', ')}.` });
    after = heading.line;
    const end = lines.slice(at + 1).find(({ level }) => level <= 2)?.line ?? Number.POSITIVE_INFINITY;
    const text = content.split('\n').slice(heading.line, end === Number.POSITIVE_INFINITY ? undefined : end - 1);
    if (text.join('').trim() === '') faults.push({ path: 'content', line: heading.line, message: `\`## ${section}\` is empty.` });
  }
  return faults;
}

/** The file as it is written: front matter, then the approved body unchanged. */
export function renderStandard(front: FrontMatter, content: string): string {
  return `---\n${stringify(front)}---\n\n${content.endsWith('\n') ? content : `${content}\n`}`;
}

export type ParsedStandard = { title: string; front: FrontMatter | null; body: string; bodyLine: number; faults: Fault[] };

/** A file of a standards folder. One with faults is still read as far as it goes, so that it can be found and mended. */
export function parseStandard(text: string): ParsedStandard {
  const match = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(text);
  const body = match === null ? text : text.slice(match[0].length);
  const bodyLine = match === null ? 1 : match[0].split('\n').length;
  const { front, faults } = match === null ? { front: null, faults: [noFront] } : frontOf(match[1] ?? '');
  const title = headingsOf(body).find(({ level }) => level === 1)?.text ?? '';
  const placed = bodyFaults(body).map((fault) => (fault.line === undefined ? fault : { ...fault, line: fault.line + bodyLine - 1 }));
  return { title, front, body, bodyLine, faults: [...faults, ...placed] };
}

const noFront: Fault = {
  path: 'front matter',
  line: 1,
  message: 'It has none: begin with `---`, domain, tags, created_by, approved_by, date, `---`.',
};

function frontOf(yaml: string): { front: FrontMatter | null; faults: Fault[] } {
  const document = parseDocument(yaml, { schema: 'core', uniqueKeys: true });
  const aliased = /[&*][\w-]+/.test(yaml) ? [{ message: 'Anchors and aliases are not used here.', linePos: undefined }] : [];
  const broken = [...document.errors, ...aliased][0];
  // line 1 of the file is the opening dashes
  if (broken !== undefined) {
    return {
      front: null,
      faults: [{ path: 'front matter', line: (broken.linePos?.[0].line ?? 1) + 1, message: broken.message.split('\n')[0] ?? '' }],
    };
  }
  const parsed = FrontMatter.safeParse(document.toJS() ?? {});
  if (parsed.success) return { front: parsed.data, faults: [] };
  return {
    front: null,
    faults: parsed.error.issues.map((issue) => ({ path: `front matter ${issue.path.join('.')}`, line: 1, message: issue.message })),
  };
}

export type Passage = { heading: string; line: number; text: string };

/** What a search answers: each section, a long one in parts at its blank lines; `line` is where it begins in the file, 1-based. */
export function passagesOf({ title, body, bodyLine }: Pick<ParsedStandard, 'title' | 'body' | 'bodyLine'>): Passage[] {
  const passages: Passage[] = [];
  let heading = title;
  let current: Passage | null = null;
  const close = (): void => {
    if (current !== null && current.text.trim() !== '') passages.push({ ...current, text: current.text.trim() });
    current = null;
  };
  const fenced = fenceReader();
  for (const [index, line] of body.split(/\r?\n/).entries()) {
    const inFence = fenced(line);
    const head = inFence ? null : /^#{1,6}[ \t]+(.+?)[ \t#]*$/.exec(line);
    if (head !== null) {
      close();
      heading = head[1] ?? heading;
      continue;
    }
    if (line.trim() === '' && !inFence && current !== null && current.text.length > STANDARD_LIMITS.passageChars / 2) close();
    if (current === null && line.trim() === '') continue;
    current ??= { heading, line: index + bodyLine, text: '' };
    current.text += `${line}\n`;
    if (current.text.length > STANDARD_LIMITS.passageChars) close();
  }
  close();
  return passages;
}

type Heading = { level: number; text: string; line: number };

/** Outside fenced code: a `#` in an example is no heading. */
function headingsOf(content: string): Heading[] {
  const fenced = fenceReader();
  return content.split(/\r?\n/).flatMap((line, index) => {
    if (fenced(line)) return [];
    const match = /^(#{1,6})[ \t]+(.+?)[ \t#]*$/.exec(line);
    return match === null ? [] : [{ level: match[1]?.length ?? 0, text: match[2] ?? '', line: index + 1 }];
  });
}

/** Takes line after line; tells whether that line is code or its fence (CommonMark 4.5). */
function fenceReader(): (line: string) => boolean {
  let fence: string | null = null;
  return (line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === null) {
      fence = mark ?? null;
      return mark !== undefined;
    }
    const closes = mark !== undefined && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark;
    if (closes) fence = null;
    return true;
  };
}
