/** Reads git's machine output (`-z` forms, porcelain) into plain values. Pure; what it cannot read it leaves out. */

export type ChangedFile = { path: string; oldPath: string | null; insertions: number | null; deletions: number | null; binary: boolean };
export type Commit = {
  hash: string;
  parents: string[];
  author: string;
  email: string;
  /** ISO 8601, as the author's clock had it. */
  date: string;
  subject: string;
  body: string;
  filesChanged: number;
  insertions: number;
  deletions: number;
  files: ChangedFile[];
};

/** For `git log -z --numstat`: fields end with NUL, which no field can hold. */
export const COMMIT_FORMAT = '--format=tformat:%x1e%H%x00%P%x00%an%x00%ae%x00%aI%x00%s%x00%b';
const COMMIT_FIELDS = 7;
const RECORD = '\x1e';

function startsCommit(token: string | undefined): boolean {
  return token?.startsWith(RECORD) === true && /^[0-9a-f]{40,64}$/.test(token.slice(1));
}

export function parseCommits(text: string): Commit[] {
  const tokens = text.split('\0');
  const commits: Commit[] = [];
  let at = 0;
  while (at < tokens.length) {
    if (!startsCommit(tokens[at])) {
      at += 1;
      continue;
    }
    const [hash = '', parents = '', author = '', email = '', date = '', subject = '', body = ''] = tokens.slice(at, at + COMMIT_FIELDS);
    at += COMMIT_FIELDS;
    const start = at;
    while (at < tokens.length && !startsCommit(tokens[at])) at += 1;
    const files = parseNumstat(tokens.slice(start, at));
    commits.push({
      hash: hash.slice(1),
      parents: parents.split(' ').filter(Boolean),
      author,
      email,
      date,
      subject,
      body: body.trim(),
      ...totals(files),
      files,
    });
  }
  return commits;
}

/** Tokens of `--numstat -z`: `added TAB deleted TAB path`, or with an empty path followed by the old and the new one. */
export function parseNumstat(tokens: readonly string[]): ChangedFile[] {
  const files: ChangedFile[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const match = /^\n?(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(tokens[at] ?? '');
    if (!match) continue;
    const [, added = '', deleted = '', path = ''] = match;
    const renamed = path === '';
    const binary = added === '-';
    const counts = { insertions: binary ? null : Number(added), deletions: binary ? null : Number(deleted), binary };
    files.push({ path: renamed ? (tokens[at + 2] ?? '') : path, oldPath: renamed ? (tokens[at + 1] ?? '') : null, ...counts });
    if (renamed) at += 2;
  }
  return files;
}

export function totals(files: readonly ChangedFile[]): { filesChanged: number; insertions: number; deletions: number } {
  const sum = (pick: (file: ChangedFile) => number | null): number => files.reduce((total, file) => total + (pick(file) ?? 0), 0);
  return { filesChanged: files.length, insertions: sum((file) => file.insertions), deletions: sum((file) => file.deletions) };
}

export type BlamedLine = { line: number; hash: string; author: string; date: string; summary: string; text: string };

/** `git blame --line-porcelain`. */
export function parseBlame(text: string): BlamedLine[] {
  const lines: BlamedLine[] = [];
  let head: { hash: string; line: number } | null = null;
  let facts = new Map<string, string>();
  for (const row of text.split('\n')) {
    const start = /^([0-9a-f]{40,64}) \d+ (\d+)/.exec(row);
    if (row.startsWith('\t') && head) {
      const seconds = Number(facts.get('author-time') ?? 0);
      lines.push({
        ...head,
        author: facts.get('author') ?? '',
        date: new Date(seconds * 1000).toISOString(),
        summary: facts.get('summary') ?? '',
        text: row.slice(1),
      });
      head = null;
    } else if (start && !head) {
      head = { hash: start[1] ?? '', line: Number(start[2]) };
      facts = new Map();
    } else {
      const space = row.indexOf(' ');
      if (space > 0) facts.set(row.slice(0, space), row.slice(space + 1));
    }
  }
  return lines;
}

export type Status = {
  branch: string | null;
  head: string | null;
  upstream: string | null;
  ahead: number;
  behind: number;
  files: { path: string; oldPath: string | null; state: string }[];
};

const STATES: Record<string, string> = { M: 'modified', T: 'type changed', A: 'added', D: 'deleted', R: 'renamed', C: 'copied', U: 'in conflict' };

/** `git status --porcelain=v2 --branch -z`. */
export function parseStatus(text: string): Status {
  const status: Status = { branch: null, head: null, upstream: null, ahead: 0, behind: 0, files: [] };
  const tokens = text.split('\0');
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] ?? '';
    const fields = token.split(' ');
    switch (token.charAt(0)) {
      case '#':
        readHeader(status, fields);
        break;
      case '1':
        status.files.push({ path: fields.slice(8).join(' '), oldPath: null, state: stateOf(fields[1] ?? '') });
        break;
      case '2':
        status.files.push({ path: fields.slice(9).join(' '), oldPath: tokens[at + 1] ?? '', state: stateOf(fields[1] ?? '') });
        at += 1;
        break;
      case 'u':
        status.files.push({ path: fields.slice(10).join(' '), oldPath: null, state: 'in conflict' });
        break;
      case '?':
        status.files.push({ path: token.slice(2), oldPath: null, state: 'untracked' });
        break;
    }
  }
  return status;
}

function readHeader(status: Status, [, key, first = '', second = '']: string[]): void {
  if (key === 'branch.oid') status.head = first === '(initial)' ? null : first;
  if (key === 'branch.head') status.branch = first === '(detached)' ? null : first;
  if (key === 'branch.upstream') status.upstream = first;
  if (key === 'branch.ab') [status.ahead, status.behind] = [Number(first), Math.abs(Number(second))];
}

/** Index and work tree each have a letter; the first that says something is the file's state. */
function stateOf(letters: string): string {
  const [index = '.', tree = '.'] = letters;
  const word = STATES[index === '.' ? tree : index] ?? 'changed';
  return index === '.' ? word : tree === '.' ? `${word} (staged)` : `${word} (staged, then ${STATES[tree] ?? 'changed'})`;
}
