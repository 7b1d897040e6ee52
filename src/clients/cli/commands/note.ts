/** `windlass note`: what people told to be kept. A person who types the command gives the word by it, unless --word quotes another. */
import { noteOperations } from '../../../work/knowledge/contract.ts';
import type { NoteSummary, NoteView } from '../../../work/knowledge/contract.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import { isId } from '../../../kernel/ids.ts';
import type { Api } from '../../api.ts';
import type { Cli, Command, Input, Noun } from '../command.ts';
import { argument, flag, given, option } from '../command.ts';
import { pickId } from '../find-run.ts';
import { bytes, ellipsis, relativeTime, shortId, timestamp } from '../format.ts';
import { readText } from '../read-text.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const FILTERS = [
  ['--project <code>', 'only of this project'],
  ['--org', 'only what belongs to no project'],
  ['--tag <tag>', 'only with this tag'],
  ['--archived', 'archived ones too'],
] as const;
const WORD = [
  ['--word <text>', 'what the person said that asked for it; the command itself when left out'],
  ['--source <text>', 'where the content is from'],
] as const;

function filterOf(input: Input) {
  return {
    ...given({ project: option(input, 'project'), tag: option(input, 'tag') }),
    scope: flag(input, 'org') ? ('org' as const) : ('all' as const),
    archived: flag(input, 'archived') ? ('all' as const) : ('no' as const),
  };
}

/** Typing the command is the word, and is recorded as what it was. */
function wordOf(input: Input, command: string): { word: string; source?: string } {
  return { word: option(input, 'word') ?? `typed: windlass note ${command}`, ...given({ source: option(input, 'source') }) };
}

/** The note that is meant: a whole id, or the end of a recent one's. */
async function findNote(api: Api, text: string): Promise<string> {
  if (isId('note', text)) return text;
  const page = await api.call(noteOperations.list, { limit: PAGE_SIZE_MAX, archived: 'all' });
  const among = `the ${page.shown} newest of ${renderCount(page.total)} notes`;
  return pickId(text, { prefix: 'note', ids: page.items.map((each) => each.id), among, list: '`windlass note list`' });
}

const list: Command = {
  name: 'list',
  summary: 'Lists notes, the newest first.',
  options: [...FILTERS, ['--limit <n>', 'how many at most (50)'], ['--cursor <cursor>', 'next page of the list before']],
  examples: ['note list', 'note list --project windmill --tag prd', 'note list --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = { ...filterOf(input), ...given({ limit: option(input, 'limit'), cursor: option(input, 'cursor') }) };
    const page = await connection.call(noteOperations.list, wanted);
    return { value: page, lines: pageLines(page, { table: () => noteTable(cli, page.items), nothing: 'No notes.', more: 'windlass note list' }) };
  },
};

function noteTable({ terminal, clock }: Pick<Cli, 'terminal' | 'clock'>, notes: readonly NoteSummary[]): Line[] {
  const rows = notes.map((each) => [
    shortId(terminal, each.id),
    each.project ?? 'org-wide',
    each.tags.join(', '),
    relativeTime(each.updatedAtMs, clock.nowMs()),
    each.archived ? `${each.title} (archived)` : each.title,
  ]);
  return table(['note', 'project', 'tags', 'changed', 'title'], rows, terminal.columns);
}

const HOW = {
  likeness: 'No note has these words; these have titles like them.',
  words_and_meaning: 'By words and meaning: what is near comes too, with or without these words.',
} as const;

const search: Command = {
  name: 'search',
  summary: 'Finds notes by their words and, with an embedding model, by meaning, best first.',
  args: [['<query>', 'words, "a phrase", or, -not']],
  options: [...FILTERS, ['--limit <n>', 'how many at most (20)']],
  examples: ['note search "pricing strategy"', 'note search pricing --project windmill --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const found = await connection.call(noteOperations.search, {
      query: argument(input, 0),
      ...filterOf(input),
      ...given({ limit: option(input, 'limit') }),
    });
    const alike: Line[] = found.shown > 0 && found.how !== 'words' ? [[['yellow', HOW[found.how]]], ''] : [];
    const rows = found.items.map((each) => [
      shortId(cli.terminal, each.id),
      each.project ?? 'org-wide',
      each.title,
      ellipsis(each.excerpt, EXCERPT_CHARS),
    ]);
    const lines = pageLines(
      { ...found, next: null },
      { table: () => table(['note', 'project', 'title', 'excerpt'], rows, cli.terminal.columns), nothing: 'No note has these words.', more: '' },
    );
    return { value: found, lines: [...alike, ...lines] };
  },
};
const EXCERPT_CHARS = 160;

const show: Command = {
  name: 'show',
  summary: 'Shows one note, and at whose word it was written.',
  args: [['<note>', 'id of the note, or the end of one']],
  examples: ['note show 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const note = await connection.call(noteOperations.get, { id: await findNote(connection, argument(input, 0)) });
    return { value: note, lines: [...noteLines(note), '', note.content] };
  },
};

const history: Command = {
  name: 'history',
  summary: 'Shows the versions of a note: when, who, at whose word.',
  args: [['<note>', 'id of the note, or the end of one']],
  examples: ['note history 4t9kz1ab', 'note history 4t9kz1ab --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await findNote(connection, argument(input, 0));
    const page = await connection.call(noteOperations.versions, { id });
    const rows = page.items.map((each) => [
      String(each.version),
      each.change,
      timestamp(each.written.atMs),
      each.written.by.name,
      each.title,
      each.written.word,
    ]);
    const head = ['version', 'change', 'at', 'by', 'title', 'word'];
    return {
      value: page,
      lines: pageLines(page, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No versions.', more: `windlass note history ${id}` }),
    };
  },
};

const add: Command = {
  name: 'add',
  summary: 'Keeps a note.',
  args: [
    ['<title>', 'one line'],
    ['<content>', 'the text, @FILE, or - for standard input'],
  ],
  options: [['--project <code>', 'of this project; org-wide when left out'], ['--tags <tags>', 'separated by commas'], ...WORD],
  examples: ['note add "Pricing" @pricing.md --tags strategy --project windmill', 'note add "Decision" "We ship on Friday."'],
  async run(cli, input) {
    const connection = await cli.connect();
    const note = await connection.call(noteOperations.create, {
      title: argument(input, 0),
      content: await readText(cli, argument(input, 1)),
      ...wordOf(input, 'add'),
      ...given({ project: option(input, 'project'), tags: tagsOf(input) }),
    });
    return { value: note, lines: noteLines(note) };
  },
};

const update: Command = {
  name: 'update',
  summary: 'Changes what is given of a note; the versions before are kept.',
  args: [['<note>', 'id of the note, or the end of one']],
  options: [
    ['--title <title>', 'one line'],
    ['--content <text>', 'the text, @FILE, or - for standard input'],
    ['--tags <tags>', 'all of them, separated by commas'],
    ['--project <code>', 'move to this project'],
    ['--org', 'make it org-wide'],
    ['--base <version>', 'the version you read; the newest when left out'],
    ...WORD,
  ],
  examples: ['note update 4t9kz1ab --content @pricing.md', 'note update 4t9kz1ab --tags strategy,prd'],
  async run(cli, input) {
    const connection = await cli.connect();
    const content = option(input, 'content');
    const wanted = given({
      title: option(input, 'title'),
      content: content === undefined ? undefined : await readText(cli, content),
      tags: tagsOf(input),
      project: flag(input, 'org') ? null : option(input, 'project'),
    });
    const note = await connection.call(noteOperations.update, { ...(await target(connection, input)), ...wanted, ...wordOf(input, 'update') });
    return { value: note, lines: noteLines(note) };
  },
};

async function target(api: Api, input: Input): Promise<{ id: string; version: number }> {
  const id = await findNote(api, argument(input, 0));
  const base = option(input, 'base');
  return { id, version: base === undefined ? (await api.call(noteOperations.get, { id })).version : Number(base) };
}

function tagsOf(input: Input): string[] | undefined {
  return option(input, 'tags')
    ?.split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

const archive: Command = {
  name: 'archive',
  summary: 'Takes a note out of lists and searches; it can still be read.',
  args: [['<note>', 'id of the note, or the end of one']],
  options: WORD,
  examples: ['note archive 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const note = await connection.call(noteOperations.archive, { ...(await target(connection, input)), ...wordOf(input, 'archive') });
    return { value: note, lines: noteLines(note) };
  },
};

const restore: Command = {
  name: 'restore',
  summary: 'Takes an archived note back.',
  args: [['<note>', 'id of the note, or the end of one']],
  options: WORD,
  examples: ['note restore 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const note = await connection.call(noteOperations.restore, { ...(await target(connection, input)), ...wordOf(input, 'restore') });
    return { value: note, lines: noteLines(note) };
  },
};

function noteLines(note: NoteView): Line[] {
  const { by, word, source, atMs } = note.written;
  return [
    [['bold', note.title], note.archived ? ['yellow', ' (archived)'] : ''],
    ...fields([
      ['note', `${note.id}, version ${note.version}, ${bytes(note.bytes)}`],
      ['project', note.project ?? 'org-wide'],
      ['tags', note.tags.join(', ')],
      ['written', `${timestamp(atMs)} by ${by.name}`],
      ['word', word],
      ['source', source],
    ]),
  ];
}

export const note: Noun = { verbs: [list, search, show, history, add, update, archive, restore], usual: 'list' };
