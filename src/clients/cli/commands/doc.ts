/** `windlass doc`: documents of projects, their versions, what is missing, and taking them from a checkout. */
import { isId } from '../../../kernel/ids.ts';
import { PAGE_SIZE_MAX, renderCount } from '../../../kernel/page.ts';
import { documentOperations } from '../../../work/documents/contract.ts';
import type { AuditView, DocumentView } from '../../../work/documents/contract.ts';
import type { Api } from '../../api.ts';
import { documentCopies, documentCopy, orCopy } from '../copies.ts';
import type { Answer, Cli, Command, Input, Noun } from '../command.ts';
import { argument, given, numberOption, option } from '../command.ts';
import { pickId } from '../find-run.ts';
import { bytes, relativeTime, shortId, timestamp } from '../format.ts';
import { readText } from '../read-text.ts';
import { fields, pageLines, table } from '../table.ts';
import type { Line, Style } from '../terminal.ts';

async function findDocument(api: Api, text: string): Promise<string> {
  if (isId('doc', text)) return text;
  const page = await api.call(documentOperations.list, { limit: PAGE_SIZE_MAX });
  const among = `the first ${page.shown} of ${renderCount(page.total)} documents`;
  return pickId(text, { prefix: 'doc', ids: page.items.map((each) => each.id), among, list: '`windlass doc list`' });
}

const list: Command = {
  name: 'list',
  summary: 'Lists documents by name; without the server, the copies of the last launch.',
  options: [
    ['--project <code>', 'only of this project'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['doc list', 'doc list --project windmill --json'],
  run: (cli, input) =>
    orCopy(
      () => listed(cli, input),
      (why) => documentCopies(cli, option(input, 'project'), why),
    ),
};

async function listed(cli: Cli, input: Input): Promise<Answer> {
  const connection = await cli.connect();
  const wanted = given({ project: option(input, 'project'), limit: option(input, 'limit'), cursor: option(input, 'cursor') });
  const page = await connection.call(documentOperations.list, wanted);
  const rows = page.items.map((each) => [
    shortId(cli.terminal, each.id),
    each.project ?? 'org-wide',
    each.name,
    String(each.version),
    bytes(each.bytes),
    relativeTime(each.updatedAtMs, cli.clock.nowMs()),
  ]);
  const head = ['document', 'project', 'name', 'version', 'size', 'changed'];
  return {
    value: page,
    lines: pageLines(page, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No documents.', more: 'windlass doc list' }),
  };
}

const show: Command = {
  name: 'show',
  summary: 'Shows a document as it is, or as it was; without the server, the copy of the last launch.',
  args: [['<document>', 'id of the document, or the end of one']],
  options: [['--at <version>', 'as it was in this version']],
  examples: ['doc show 4t9kz1ab', 'doc show 4t9kz1ab --at 2'],
  run: (cli, input) =>
    orCopy(
      () => shown(cli, input),
      (why) => (option(input, 'at') === undefined ? documentCopy(cli, argument(input, 0), why) : Promise.resolve(null)),
    ),
};

async function shown(cli: Cli, input: Input): Promise<Answer> {
  const connection = await cli.connect();
  const id = await findDocument(connection, argument(input, 0));
  const found = await connection.call(documentOperations.get, { id, ...given({ version: numberOption(input, 'at') }) });
  return { value: found, lines: [...documentLines(found), '', found.content] };
}

const history: Command = {
  name: 'history',
  summary: 'Lists the versions of a document, the newest first.',
  args: [['<document>', 'id of the document, or the end of one']],
  examples: ['doc history 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await findDocument(connection, argument(input, 0));
    const page = await connection.call(documentOperations.versions, { id });
    const rows = page.items.map((each) => [
      String(each.version),
      timestamp(each.atMs),
      each.author.name,
      bytes(each.bytes),
      each.path === null ? 'written here' : `${each.repository ?? 'checkout'} ${each.path}`,
    ]);
    const head = ['version', 'at', 'by', 'size', 'from'];
    return {
      value: page,
      lines: pageLines(page, { table: () => table(head, rows, cli.terminal.columns), nothing: 'No versions.', more: `windlass doc history ${id}` }),
    };
  },
};

const diff: Command = {
  name: 'diff',
  summary: 'Shows what differs between two versions.',
  args: [
    ['<document>', 'id of the document, or the end of one'],
    ['<from>', 'version before'],
    ['<to>', 'version after'],
  ],
  examples: ['doc diff 4t9kz1ab 1 2'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await findDocument(connection, argument(input, 0));
    const found = await connection.call(documentOperations.diff, { id, from: argument(input, 1), to: argument(input, 2) });
    const lines = found.lines.flatMap(({ how, text }): Line[] =>
      how === 'same' ? [] : [[how === 'removed' ? ['red', `- ${text}`] : ['green', `+ ${text}`]]],
    );
    return { value: found, lines: lines.length === 0 ? ['Nothing differs.'] : lines };
  },
};

const put: Command = {
  name: 'put',
  summary: 'Stores a document under its name, as a new version when it is there.',
  args: [
    ['<name>', 'as in docs/API.md'],
    ['<content>', 'the text, @FILE, or - for standard input'],
  ],
  options: [
    ['--project <code>', 'of this project; org-wide when left out'],
    ['--base <version>', 'the version you read, 0 for none; another one is refused'],
  ],
  examples: ['doc put docs/API.md @docs/API.md --project windmill'],
  async run(cli, input) {
    const content = await readText(cli, argument(input, 1));
    const options = given({ project: option(input, 'project'), base: numberOption(input, 'base') });
    const found = await (await cli.connect()).call(documentOperations.put, { name: argument(input, 0), content, ...options });
    return { value: found, lines: documentLines(found) };
  },
};

const audit: Command = {
  name: 'audit',
  summary: 'Says which documents that a project must have are missing or stale.',
  args: [['<project>', 'code of the project']],
  examples: ['doc audit windmill', 'doc audit windmill --json'],
  async run(cli, input) {
    const found = await (await cli.connect()).call(documentOperations.audit, { code: argument(input, 0) });
    return { value: found, lines: auditLines(found, cli.terminal.columns), exit: found.overall === 'incomplete' ? 1 : 0 };
  },
};

const STYLES: Record<AuditView['findings'][number]['state'] | AuditView['overall'], Style> = {
  present: 'green',
  stale: 'yellow',
  missing: 'red',
  complete: 'green',
  warning: 'yellow',
  incomplete: 'red',
};

function auditLines(audit: AuditView, columns: number): Line[] {
  const rows = audit.findings.map(({ name, state, ageDays, staleDays }) => [
    name,
    [[STYLES[state], state]] as const,
    ageDays === null ? '' : `${ageDays} d old, stale after ${staleDays} d`,
  ]);
  const head: Line = [`${audit.project}: `, [STYLES[audit.overall], audit.overall]];
  return rows.length === 0 ? [head] : [head, ...table(['document', 'state', 'age'], rows, columns)];
}

const sync: Command = {
  name: 'sync',
  summary: "Takes the Markdown of a project's checkout into its documents; conflicts are shown and left.",
  args: [['<project>', 'code of the project']],
  options: [
    ['--take <names>', 'settle these conflicts, separated by commas, with what the repository has'],
    ['--keep <names>', 'settle these conflicts, separated by commas, with what is stored'],
  ],
  examples: ['doc sync windmill', 'doc sync windmill --take README.md'],
  async run(cli, input) {
    const names = (text: string | undefined): string[] => text?.split(',').map((name) => name.trim()) ?? [];
    const prefer = Object.fromEntries([
      ...names(option(input, 'take')).map((name) => [name, 'repository'] as const),
      ...names(option(input, 'keep')).map((name) => [name, 'store'] as const),
    ]);
    const found = await (await cli.connect()).call(documentOperations.sync, { code: argument(input, 0), prefer });
    const rows = found.results.filter(({ state }) => state !== 'unchanged').map((each) => [each.name, each.state, each.reason]);
    const same = found.results.length - rows.length;
    const cut: Line[] = found.cut ? [[['yellow', 'There are more files than one sync reads; the others were left out.']]] : [];
    const lines = [...(rows.length === 0 ? [] : table(['document', 'state', 'why'], rows, cli.terminal.columns)), `${same} unchanged.`, ...cut];
    return { value: found, lines, exit: found.results.some(({ state }) => state === 'conflict' || state === 'failed') ? 1 : 0 };
  },
};

const generate: Command = {
  name: 'generate',
  summary: 'Writes what a project must have and lacks, from what its repository really has; what somebody wrote is left.',
  args: [
    ['<project>', 'code of the project'],
    ['[name]', 'only this one; all that are missing or stale when left out'],
  ],
  examples: ['doc generate windmill', 'doc generate windmill docs/API.md'],
  async run(cli, input) {
    const wanted = { code: argument(input, 0), ...given({ name: input.args[1] }) };
    const found = await (await cli.connect()).call(documentOperations.generate, wanted);
    const rows = found.results.map(({ name, state, reason, sources }): Line[] => [
      name,
      [[state === 'failed' ? 'red' : state === 'kept' ? 'yellow' : 'green', state]],
      reason === '' ? `from ${sources.slice(0, 3).join(', ')}${sources.length > 3 ? ` and ${sources.length - 3} more` : ''}` : reason,
    ]);
    const head: Line = [`${found.project}: `, [STYLES[found.overall], found.overall]];
    const lines =
      rows.length === 0 ? [head, 'Nothing is missing or stale.'] : [head, ...table(['document', 'state', 'why'], rows, cli.terminal.columns)];
    return { value: found, lines, exit: found.results.some(({ state }) => state === 'failed') ? 1 : 0 };
  },
};

function documentLines(found: DocumentView): Line[] {
  const { shown } = found;
  return [
    [['bold', found.name]],
    ...fields([
      ['document', `${found.id}, version ${shown.version} of ${found.version}, ${bytes(shown.bytes)}`],
      ['project', found.project ?? 'org-wide'],
      ['written', `${timestamp(shown.atMs)} by ${shown.author.name}`],
      [
        'from',
        shown.generatedFrom !== null
          ? `generated from ${shown.generatedFrom.join(', ')}`
          : shown.path === null
            ? null
            : `${shown.repository ?? 'checkout'} ${shown.path}`,
      ],
      ['sha-256', shown.hash],
    ]),
  ];
}

export const doc: Noun = { verbs: [list, show, history, diff, put, audit, sync, generate], usual: 'list' };
