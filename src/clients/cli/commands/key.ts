/** `windlass key`: API keys. A secret is printed once, by the command that made it. */
import { identityOperations } from '../../../platform/identity/contract.ts';
import type { KeyView } from '../../../platform/identity/contract.ts';
import { PAGE_SIZE_MAX } from '../../../kernel/page.ts';
import { isId } from '../../../kernel/ids.ts';
import type { Answer, Cli, Command, Input, Noun } from '../command.ts';
import { argument, flag, given, numberOption, option } from '../command.ts';
import type { Connection } from '../connection.ts';
import { pickId } from '../find-run.ts';
import { count, relativeTime, shortId } from '../format.ts';
import { pageLines, table } from '../table.ts';
import type { Line } from '../terminal.ts';

const list: Command = {
  name: 'list',
  summary: 'Lists API keys, newest first; never their secrets.',
  options: [
    ['--all', 'also those that are revoked or expired'],
    ['--limit <n>', 'how many at most (50)'],
    ['--cursor <cursor>', 'next page of the list before'],
  ],
  examples: ['key list', 'key list --all --json'],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = { all: flag(input, 'all') ? 'true' : undefined, limit: option(input, 'limit'), cursor: option(input, 'cursor') };
    const page = await connection.call(identityOperations.listKeys, given(wanted));
    return {
      value: page,
      lines: pageLines(page, { table: () => keyTable(cli, page.items), nothing: 'No keys.', more: 'windlass key list' }),
    };
  },
};

function keyTable({ terminal, clock }: Cli, keys: readonly KeyView[]): Line[] {
  const nowMs = clock.nowMs();
  return table(
    ['key', 'name', 'of', 'role', 'state', 'last used', 'fingerprint', 'scopes', 'bound to'],
    keys.map((key) => [
      shortId(terminal, key.id),
      key.name,
      `${key.actor.name} (${key.actor.kind})`,
      key.role,
      [[key.state === 'active' ? 'green' : 'dim', stateText(key, nowMs)]],
      key.lastUsedAtMs === null ? 'never' : relativeTime(key.lastUsedAtMs, nowMs),
      key.fingerprint,
      key.scopes.join(' '),
      boundText(key),
    ]),
    terminal.columns,
  );
}

/** What holds for its model calls: `windmill, agent digest, fast anthropic/*, 60 calls a minute`. */
function boundText({ project, projectCode, agent, agentName, models, limits }: KeyView): string {
  const { requestsPerMinute, tokensPerMinute, cacheSeconds } = limits;
  return [
    ...(project === null ? [] : [`project ${projectCode ?? project}`]),
    ...(agent === null ? [] : [`agent ${agentName ?? agent}`]),
    ...(models === null ? [] : [models.join(' ')]),
    ...(requestsPerMinute === null ? [] : [`${count(requestsPerMinute)} calls a minute`]),
    ...(tokensPerMinute === null ? [] : [`${count(tokensPerMinute)} tokens a minute`]),
    ...(cacheSeconds === null ? [] : [`answers kept ${count(cacheSeconds)} s`]),
  ].join(', ');
}

function stateText(key: KeyView, nowMs: number): string {
  return key.state === 'active' && key.expiresAtMs !== null ? `ends ${relativeTime(key.expiresAtMs, nowMs)}` : key.state;
}

const create: Command = {
  name: 'create',
  summary: 'Makes an API key and shows it once. It takes the owner key: set WINDLASS_KEY.',
  args: [['<name>', 'what it is for']],
  options: [
    ['--role <role>', 'viewer, member, operator, admin or owner (member)'],
    ['--scopes <list>', 'some of read,run,context,agents,answer,admin,gateway; all that the role can use when left out'],
    ['--actor <id>', 'whose it is; your own when left out'],
    ['--expires-in-days <days>', 'without it the key does not expire'],
    ['--project <code>', 'the project that its model calls are counted against'],
    ['--agent <name>', 'the agent that its model calls are counted against'],
    ['--models <list>', 'models it may name at the gateway, * for any part; all when left out'],
    ['--requests-per-minute <n>', 'model calls in a minute'],
    ['--tokens-per-minute <n>', 'tokens of model calls in a minute'],
    ['--cache-seconds <n>', 'answers to the very same model call are kept so long and given again'],
  ],
  examples: [
    'key create "CI of windmill" --role member --scopes read,run',
    'key create laptop --expires-in-days 90 --json',
    'key create claude-code --scopes gateway --project windmill --models "anthropic/*,fast"',
  ],
  async run(cli, input) {
    const connection = await cli.connect();
    const wanted = {
      role: option(input, 'role') as KeyView['role'] | undefined,
      scopes: listOption(input, 'scopes') as KeyView['scopes'] | undefined,
      actor: option(input, 'actor'),
      expiresInDays: numberOption(input, 'expiresInDays'),
      project: option(input, 'project'),
      agent: option(input, 'agent'),
      models: listOption(input, 'models'),
      requestsPerMinute: numberOption(input, 'requestsPerMinute'),
      tokensPerMinute: numberOption(input, 'tokensPerMinute'),
      cacheSeconds: numberOption(input, 'cacheSeconds'),
    };
    return secretAnswer(await connection.call(identityOperations.createKey, { name: argument(input, 0), ...given(wanted) }));
  },
};

function listOption(input: Input, name: string): string[] | undefined {
  return option(input, name)
    ?.split(',')
    .map((item) => item.trim());
}

/** The secret stands alone on its line, so that a script can take the first. */
function secretAnswer(made: { key: KeyView; secret: string; message: string }): Answer {
  const { key } = made;
  return { value: made, lines: [made.secret, '', made.message, [['dim', `${key.id}  ${key.role}  ${key.scopes.join(' ')}`]]] };
}

const rotate: Command = {
  name: 'rotate',
  summary: 'Makes a key in place of another; the old one works on for the overlap.',
  args: [['<key>', 'id of the key, or the end of one']],
  options: [['--overlap-hours <hours>', 'how long the old key goes on working; 0 ends it now (24)']],
  examples: ['key rotate 4t9kz1ab', 'key rotate 4t9kz1ab --overlap-hours 0'],
  async run(cli, input) {
    const connection = await cli.connect();
    const id = await findKeyId(connection, argument(input, 0));
    return secretAnswer(await connection.call(identityOperations.rotateKey, { id, ...given({ overlapHours: numberOption(input, 'overlapHours') }) }));
  },
};

const revoke: Command = {
  name: 'revoke',
  summary: 'Ends a key at once.',
  args: [['<key>', 'id of the key, or the end of one']],
  examples: ['key revoke 4t9kz1ab'],
  async run(cli, input) {
    const connection = await cli.connect();
    const key = await connection.call(identityOperations.revokeKey, { id: await findKeyId(connection, argument(input, 0)) });
    return { value: key, lines: [`The key "${key.name}" (${key.fingerprint}) no longer works.`] };
  },
};

async function findKeyId(connection: Connection, text: string): Promise<string> {
  if (isId('key', text)) return text;
  const page = await connection.call(identityOperations.listKeys, { limit: PAGE_SIZE_MAX });
  return pickId(text, {
    prefix: 'key',
    ids: page.items.map((key) => key.id),
    among: `the newest ${page.shown} live keys`,
    list: '`windlass key list`',
  });
}

export const key: Noun = { verbs: [list, create, rotate, revoke], usual: 'list' };
