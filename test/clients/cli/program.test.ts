/** How commands are called: help, usage errors, exit codes, `--json`, which server and which key. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { compareVersions, findKey, findServer } from '../../../src/clients/cli/connection.ts';
import { NOUNS } from '../../../src/clients/cli/nouns.ts';
import type { ErrorCode } from '../../../src/kernel/errors.ts';
import { AppError, ERROR_CODES } from '../../../src/kernel/errors.ts';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { answers, temporaryFolder, windlass } from '../../support/cli.ts';
import { page, RUN_ID, runDetail, runId } from '../../support/cli-fixtures.ts';

const EMPTY = { operations: [answers(runOperations.list, () => page([]))] };

test('every command has help with examples, and every example is a command that exists [CLI-1]', async () => {
  const words = new Set<string>();
  for (const entry of NOUNS) {
    const loaded = await entry.load();
    const commands = 'verbs' in loaded ? loaded.verbs.map((verb) => [entry.name, verb.name]) : [[entry.name]];
    for (const path of commands) words.add(path.join(' '));
    if ('usual' in loaded && loaded.usual !== null) words.add(entry.name);
  }
  for (const path of words) {
    const { exit, out, err } = await windlass([...path.split(' '), '--help']);
    assert.equal(exit, 0, path);
    assert.equal(err, '', path);
    const isNoun = NOUNS.some((entry) => entry.name === path) && !out.includes('Examples:');
    if (isNoun) continue;
    const examples = [...out.matchAll(/^ {2}\$ .*?windlass ([a-z]+)(?: ([a-z]+))?/gm)];
    assert.ok(examples.length > 0, `${path} has no example`);
    for (const [, noun = '', verb = ''] of examples) assert.ok(words.has(noun) || words.has(`${noun} ${verb}`), `${path}: ${noun} ${verb}`);
  }
});

test('without words it prints help and ends well; help names any command', async () => {
  const bare = await windlass([]);
  assert.equal(bare.exit, 0);
  assert.match(bare.out, /^Usage: windlass \[options\] \[command\]/);
  assert.deepEqual(await windlass(['help']), bare);
  assert.deepEqual(await windlass(['help', 'runs', 'cancel']), await windlass(['runs', 'cancel', '--help']));
  assert.match((await windlass(['help', 'runs', 'cancel'])).out, /^Usage: windlass runs cancel /);
  assert.equal((await windlass(['--version'])).out, '0.1.0\n');
});

test('unknown words and flags are usage errors with the nearest known one [CLI-1]', async () => {
  const cases: [string[], RegExp][] = [
    [['wtach'], /Unknown command 'wtach'\.\n {2}next: Did you mean watch\?/],
    [['runs', 'shwo', 'latest'], /Unknown command 'shwo'\.\n {2}next: Did you mean show\?/],
    [['runs', 'list', '--stauts', 'failed'], /Unknown option '--stauts'\.\n {2}next: Did you mean --status\?/],
    [['runs', 'show'], /Missing required argument 'run'/],
    [['runs', 'show', 'a', 'b'], /Too many arguments/i],
    [['runs', '--limit'], /argument missing/],
    [['runs', 'fork', RUN_ID], /Where to fork is missing/],
    [['runs', 'fork', RUN_ID, '--at', 'x'], /--at takes a number, not "x"/],
  ];
  for (const [argv, expected] of cases) {
    const { exit, out, err } = await windlass(argv, { server: EMPTY });
    assert.equal(exit, 2, argv.join(' '));
    assert.equal(out, '');
    assert.match(err, expected);
  }
});

test('every error code ends with its exit code, and under --json is one object on standard error [CLI-1]', async () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const fails = answers(runOperations.list, () => {
      throw new AppError(code, 'It broke.', { next: 'Mend it.', faults: [{ path: 'a.yaml limits', message: 'too high', line: 3 }] });
    });
    const { exit, out, err } = await windlass(['runs', '--json'], { server: { operations: [fails] } });
    assert.equal(out, '', code);
    const { error } = JSON.parse(err) as { error: { code: string; message: string; next: string | null; faults: unknown[] } };
    assert.equal(error.code, code);
    assert.equal(exit, ERROR_CODES[code].exit, code);
    if (!ERROR_CODES[code].exposed) continue;
    assert.deepEqual(error, { code, message: 'It broke.', next: 'Mend it.', faults: [{ path: 'a.yaml limits', message: 'too high', line: 3 }] });
    const plain = await windlass(['runs'], { server: { operations: [fails] } });
    assert.equal(plain.err, 'error: It broke.\n  a.yaml:3 limits: too high\n  next: Mend it.\n');
  }
});

test('a server that is away is exit 5 with the next step; a usage error under --json is JSON as well', async () => {
  const away = await windlass(['runs']);
  assert.equal(away.exit, 5);
  assert.match(away.err, /No Windlass answers at http:\/\/127\.0\.0\.1:7420\.\n {2}next: Start it with `npm start`/);
  const usage = await windlass(['runs', '--json', '--nope']);
  assert.equal(usage.exit, 2);
  assert.equal((JSON.parse(usage.err) as { error: { code: string } }).error.code, 'invalid_input');
});

test('what answers but is no Windlass is told so', async () => {
  const page404 = await windlass(['runs'], { fetch: async () => new Response('<html>', { status: 404 }) });
  assert.equal(page404.exit, 5);
  const page200 = await windlass(['runs'], { fetch: async () => new Response('<html>', { status: 200 }) });
  assert.equal(page200.exit, 5);
  assert.match(page200.err, /is no Windlass/);
  const other = await windlass(['runs'], { fetch: async () => Response.json({ hello: 1 }) });
  assert.equal(other.exit, 1);
  assert.match(other.err, /form that this version does not know/);
});

test('--json prints one value whatever its place', async () => {
  for (const argv of [
    ['--json', 'runs'],
    ['runs', '--json'],
    ['runs', 'list', '--json'],
  ]) {
    const { exit, out, err } = await windlass(argv, { server: EMPTY });
    assert.equal(exit, 0);
    assert.equal(err, '');
    assert.deepEqual(JSON.parse(out), page([]));
  }
});

test('the server is named by WINDLASS_URL, else by server.json, else it is the usual one', async () => {
  using home = temporaryFolder({ 'server.json': JSON.stringify({ url: 'http://127.0.0.1:9999', pid: 1, version: '0.1.0' }) });
  using bare = temporaryFolder();
  assert.equal((await findServer({ WINDLASS_URL: 'https://w.example/' }, home.path)).url, 'https://w.example');
  assert.equal((await findServer({}, home.path)).url, 'http://127.0.0.1:9999');
  assert.equal((await findServer({}, bare.path)).url, 'http://127.0.0.1:7420');
  using everywhere = temporaryFolder({ 'server.json': JSON.stringify({ url: 'http://0.0.0.0:9999', pid: 1, version: '0.1.0' }) });
  assert.equal((await findServer({}, everywhere.path)).url, 'http://127.0.0.1:9999');
  assert.equal((await findServer({ WINDLASS_PORT: '7000' }, bare.path)).url, 'http://127.0.0.1:7000');
  await assert.rejects(findServer({ WINDLASS_URL: 'localhost:7420' }, bare.path), /no http address/);
});

test('the key is WINDLASS_KEY, else local.key, which goes to no other machine', async () => {
  using home = temporaryFolder({ 'local.key': 'wl_local\n' });
  using bare = temporaryFolder();
  const at = (url: string) => ({ url, server: null });
  const mine = await findKey({ WINDLASS_KEY: 'wl_mine' }, home.path, at('https://w.example'));
  assert.deepEqual(mine, { kind: 'found', key: 'wl_mine', from: 'WINDLASS_KEY' });
  for (const url of ['http://127.0.0.1:7420', 'http://localhost:1', 'http://[::1]:1']) {
    const found = await findKey({}, home.path, at(url));
    assert.equal(found.kind === 'found' && found.key, 'wl_local', url);
  }
  assert.equal((await findKey({}, home.path, at('https://w.example'))).kind, 'none');
  assert.equal((await findKey({}, home.path, at('http://127.0.0.1.example'))).kind, 'none');
  assert.equal((await findKey({}, bare.path, at('http://127.0.0.1:1'))).kind, 'none');
  const ours = { url: 'http://192.0.2.7:7420', pid: 1, version: '0.1.0' };
  assert.equal((await findKey({}, home.path, { url: ours.url, server: ours })).kind, 'found', 'it listens on another address of this machine');
});

test('a key file that cannot be read is said to be that', { skip: process.getuid?.() === 0 ? 'root reads everything' : false }, async () => {
  using home = temporaryFolder({ 'local.key': 'wl_local\n' });
  chmodSync(`${home.path}/local.key`, 0);
  const { exit, err } = await windlass(['runs'], { home: home.path, env: { WINDLASS_KEY: '' }, server: EMPTY });
  assert.equal(exit, 4);
  assert.match(err, /cannot be read/);
});

test('a key file that is a folder is said to be unreadable', async () => {
  using home = temporaryFolder();
  const { mkdirSync } = await import('node:fs');
  mkdirSync(`${home.path}/local.key`);
  const { exit, err } = await windlass(['runs'], { home: home.path, env: { WINDLASS_KEY: '' }, server: EMPTY });
  assert.equal(exit, 4);
  assert.match(err, /cannot be read \(EISDIR\)/);
});

test('an older server is told once, on standard error, and not under --json [MCP-4]', async () => {
  using home = temporaryFolder({ 'server.json': JSON.stringify({ url: 'http://127.0.0.1:7420', pid: 1, version: '0.1.0' }) });
  const options = { home: home.path, env: { WINDLASS_URL: '' }, server: EMPTY, version: '0.2.0' };
  const { err } = await windlass(['runs'], options);
  assert.equal(err, 'The running server is version 0.1.0, this is 0.2.0: restart it to bring it up to date.\n');
  assert.equal((await windlass(['runs', '--json'], options)).err, '');
  assert.equal((await windlass(['runs'], { ...options, version: '0.1.0' })).err, '');
  assert.deepEqual([compareVersions('0.9.0', '0.10.0'), compareVersions('1.0.0', '0.10.0'), compareVersions('x', '1.0.0')], [-1, 1, 0]);
});

test('a run is named by its id, the end of it, or latest', async () => {
  const ids = ['aaaaaa', 'aabbbb', 'bbbbbb'].map(runId);
  const server = {
    operations: [
      answers(runOperations.list, (input) => page(ids.slice(0, input.limit).map((id) => runDetail({ id })))),
      answers(runOperations.get, ({ id }) => runDetail({ id })),
    ],
  };
  const shown = async (text: string): Promise<string> => {
    const { out, err } = await windlass(['runs', 'show', text, '--json'], { server });
    return out === '' ? err : (JSON.parse(out) as { id: string }).id;
  };
  assert.equal(await shown('latest'), runId('aaaaaa'));
  assert.equal(await shown('aaaaaa'), runId('aaaaaa'));
  assert.equal(await shown(runId('bbbbbb')), runId('bbbbbb'));
  assert.match(await shown('bbbb'), /fits 2 of the newest 3 runs/);
  assert.match(await shown('cccc'), /not_found.*is the id of none/);
  assert.match(await shown('aaa'), /4 characters/);
});

test('no option of a command carries the name of one that all of them have [CLI-1]', async () => {
  for (const entry of NOUNS) {
    const loaded = await entry.load();
    for (const command of 'verbs' in loaded ? loaded.verbs : [loaded]) {
      const clash = (command.options ?? []).filter(([flags]) => /(?:^|\s)--(?:version|help|json)\b/.test(flags));
      assert.deepEqual(clash, [], `${entry.name} ${command.name}`);
    }
  }
});
