/** `windlass person`: people, and who of them signs in with the identity provider. Keys are `windlass key`. */
import { isId } from '../../../kernel/ids.ts';
import { PAGE_SIZE_MAX } from '../../../kernel/page.ts';
import type { ActorView, Role } from '../../../platform/identity/contract.ts';
import { identityOperations } from '../../../platform/identity/contract.ts';
import type { Command, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { pickId } from '../find-run.ts';
import { shortId } from '../format.ts';
import { pageLines, table } from '../table.ts';

const PERSON: [string, string] = ['<person>', 'id, the end of one, or the email address'];
const ROLE: [string, string] = ['--role <role>', 'as what: viewer, member, operator, admin or owner (member)'];

const list: Command = {
  name: 'list',
  summary: 'Lists people, coding CLIs, services and accounts of agents, newest first.',
  options: [
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['person', 'person list --json'],
  async run(cli, input) {
    const page = await (
      await cli.connect()
    ).call(identityOperations.listActors, given({ limit: option(input, 'limit'), cursor: option(input, 'cursor') }));
    const rows = page.items.map((actor) => [
      shortId(cli.terminal, actor.id),
      actor.name,
      actor.kind,
      actor.signIn === null ? '' : `${actor.signIn.role}, ${actor.signIn.email}`,
    ]);
    return {
      value: page,
      lines: pageLines(page, {
        table: () => table(['id', 'name', 'is', 'signs in as'], rows, cli.terminal.columns),
        nothing: 'Nobody yet.',
        more: 'windlass person list',
      }),
    };
  },
};

const add: Command = {
  name: 'add',
  summary: 'Adds a person. It takes the key of an admin: set WINDLASS_KEY.',
  args: [['<name>', 'as others know them']],
  options: [['--email <address>', 'lets them sign in with the identity provider by it'], ROLE],
  examples: ['person add "Ana Lind"', 'person add "Ana Lind" --email ana@example.com --role operator'],
  async run(cli, input) {
    const [email, role] = [option(input, 'email'), option(input, 'role') as Role | undefined];
    const connection = await cli.connect();
    const added = await connection.call(identityOperations.createActor, { kind: 'user', name: argument(input, 0) });
    if (email === undefined)
      return { value: added, lines: [`${added.name} is ${added.id}.`, `A key for them: windlass key create NAME --actor ${added.id}`] };
    const person = await connection.call(identityOperations.allowSignIn, { id: added.id, email, ...given({ role }) });
    return { value: person, lines: [letIn(person)] };
  },
};

const allow: Command = {
  name: 'let-in',
  summary: 'Lets a person sign in with the identity provider, by their email there; another role or address signs them out.',
  args: [PERSON, ['<email>', 'as the provider knows it, verified']],
  options: [ROLE],
  examples: ['person let-in 4t9kz1ab ana@example.com', 'person let-in ana@example.com ana@example.com --role admin'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = {
      id: await findPerson(connection, argument(input, 0)),
      email: argument(input, 1),
      ...given({ role: option(input, 'role') as Role | undefined }),
    };
    const person = await connection.call(identityOperations.allowSignIn, wanted);
    return { value: person, lines: [letIn(person)] };
  },
};

const end: Command = {
  name: 'shut-out',
  summary: 'No longer lets a person sign in with the identity provider, and signs them out at once; their keys stay.',
  args: [PERSON],
  examples: ['person shut-out ana@example.com'],
  async run(cli, input) {
    const connection = await cli.connect();
    const person = await connection.call(identityOperations.endSignIn, { id: await findPerson(connection, argument(input, 0)) });
    return { value: person, lines: [`${person.name} no longer signs in with the identity provider.`, 'Keys of theirs: windlass key list'] };
  },
};

function letIn({ name, signIn }: ActorView): string {
  return `${name} signs in as ${signIn?.role ?? 'nobody'} with ${signIn?.email ?? 'no address'}.`;
}

async function findPerson(connection: Connection, text: string): Promise<string> {
  if (isId('act', text)) return text;
  const page = await connection.call(identityOperations.listActors, { limit: PAGE_SIZE_MAX });
  const byEmail = page.items.find(({ signIn }) => signIn?.email === text.toLowerCase());
  if (byEmail !== undefined) return byEmail.id;
  return pickId(text, {
    prefix: 'act',
    ids: page.items.map(({ id }) => id),
    among: `the newest ${page.shown} people and programs`,
    list: '`windlass person list`',
  });
}

export const person: Noun = { verbs: [list, add, allow, end], usual: 'list' };
