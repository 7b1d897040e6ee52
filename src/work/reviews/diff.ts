/** Reads unified diffs, as git and others write them, into files with numbered lines. Pure; what it cannot read it leaves out. */

/** `+` new, `-` gone, ` ` there before and after. `line` is the number after the change, null for what is gone. */
export type SourceLine = { sign: '+' | '-' | ' '; line: number | null; text: string };
export type Change = 'added' | 'modified' | 'deleted' | 'renamed' | 'whole';
/** `whole`: not a change but the file as it is. */
export type SourceFile = { path: string; change: Change; binary: boolean; lines: SourceLine[] };

const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** Whether a text is a diff rather than prose or code. */
export function isDiff(text: string): boolean {
  return /^diff --git /m.test(text) || (/^--- \S/m.test(text) && /^\+\+\+ \S/m.test(text) && /^@@ -\d+(,\d+)? \+\d+(,\d+)? @@/m.test(text));
}

export function parseDiff(text: string): SourceFile[] {
  const rows = text.split('\n');
  const files: SourceFile[] = [];
  let file: SourceFile | null = null;
  let at = 0;
  while (at < rows.length) {
    const row = rows[at] ?? '';
    const hunk = HUNK.exec(row);
    if (hunk !== null && file !== null) {
      at = readHunk(rows, at + 1, { file, removed: Number(hunk[1] ?? 1), added: Number(hunk[3] ?? 1), line: Number(hunk[2]) });
      continue;
    }
    if (row.startsWith('diff --git ') || startsPlainFile(rows, at, file)) {
      file = { path: gitPath(row), change: 'modified', binary: false, lines: [] };
      files.push(file);
    }
    if (file !== null) readHeader(file, row);
    at += 1;
  }
  return files.filter(({ path }) => path !== '');
}

/** A diff without git's own header: `---` and `+++` follow each other, and no file is waiting for them. */
function startsPlainFile(rows: readonly string[], at: number, file: SourceFile | null): boolean {
  if (!(rows[at] ?? '').startsWith('--- ') || !(rows[at + 1] ?? '').startsWith('+++ ')) return false;
  return file === null || file.lines.length > 0;
}

function readHeader(file: SourceFile, row: string): void {
  if (row.startsWith('new file mode')) file.change = 'added';
  else if (row.startsWith('deleted file mode')) file.change = 'deleted';
  else if (row.startsWith('rename to ')) {
    file.change = 'renamed';
    file.path = unquoted(row.slice('rename to '.length));
  } else if (row.startsWith('Binary files ') || row.startsWith('GIT binary patch')) file.binary = true;
  else if (row.startsWith('--- ') && file.path === '') file.path = plainPath(row.slice(4));
  else if (row === '--- /dev/null') file.change = 'added';
  else if (row.startsWith('+++ ')) {
    const path = plainPath(row.slice(4));
    if (path === '/dev/null') file.change = 'deleted';
    else file.path = path;
  }
}

type Hunk = { file: SourceFile; removed: number; added: number; line: number };

/** Reads as many lines as the hunk's head promises, so that a line `--- x` of the text is never taken for a header. */
function readHunk(rows: readonly string[], start: number, hunk: Hunk): number {
  let { removed, added, line } = hunk;
  let at = start;
  while (at < rows.length && (removed > 0 || added > 0)) {
    const row = rows[at] ?? '';
    const sign = row.charAt(0);
    const text = row.slice(1).replace(/\r$/, '');
    if (sign === '+') hunk.file.lines.push({ sign: '+', line, text });
    else if (sign === '-') hunk.file.lines.push({ sign: '-', line: null, text });
    else if (sign === ' ' || row === '' || row === '\r') hunk.file.lines.push({ sign: ' ', line, text });
    else if (sign !== '\\') return at;
    if (sign === '+' || sign === ' ' || row === '' || row === '\r') {
      added -= 1;
      line += 1;
    }
    if (sign === '-' || sign === ' ' || row === '' || row === '\r') removed -= 1;
    at += 1;
  }
  return at;
}

/** The new path of `diff --git a/x b/x`: empty when the header alone does not tell, as with spaces on both sides. */
function gitPath(row: string): string {
  const match = /^diff --git (?:"?a\/.*?"?) ("?b\/.*)$/.exec(row);
  return match === null ? '' : plainPath(match[1] ?? '');
}

function plainPath(text: string): string {
  const path = unquoted(text.split('\t')[0] ?? '').trim();
  return path === '/dev/null' ? path : path.replace(/^[abciw]\//, '');
}

/** git quotes paths with special characters, in C's way. */
function unquoted(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"')) return text;
  const bytes: number[] = [];
  for (const [part, octal, letter] of text.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]/gsu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else bytes.push(...Buffer.from(letter === undefined ? part : (ESCAPES[letter] ?? letter)));
  }
  return Buffer.from(bytes).toString('utf8');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
