/** The terminal screen as somebody uses it: a real server, a real terminal, keys in and characters out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { runOperations } from '../../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { testServer } from '../../support/server.ts';
import type { TestServer } from '../../support/server.ts';
import type { Tmux } from '../../support/tmux.ts';
import { NO_TMUX, openTmux } from '../../support/tmux.ts';
import { until } from '../../support/until.ts';

const BIN = join(import.meta.dirname, '../../../bin/windlass.mjs');
const SCRIPTS = {
  asker:
    'turns:\n  - text: I need a word.\n    calls: [{ tool: ask_human, args: { question: "Red or blue?", choices: [red, blue] } }]\n  - text: "It is {{ results.ask_human.last.text }}."\n',
  greeter: 'turns:\n  - text: "Hello."\n',
  sleeper: 'turns:\n  - hang: true\n',
};

async function world(): Promise<TestServer> {
  const server = await testServer({ rehearsals: SCRIPTS });
  for (const name of ['asker', 'greeter', 'sleeper']) {
    await server
      .api()
      .call(agentOperations.create, { name, model: `rehearsal/${name}`, instructions: 'x', tools: name === 'asker' ? ['ask_human'] : [] });
  }
  return server;
}

function openTop(server: Pick<TestServer, 'home' | 'url' | 'ownerKey'>, size: { columns: number; rows: number }): Tmux {
  const terminal = openTmux({ ...size, cwd: server.home, env: { WINDLASS_URL: server.url, WINDLASS_KEY: server.ownerKey } });
  terminal.type('echo before-the-screen');
  terminal.press('Enter');
  terminal.type(`${process.execPath} ${BIN} top`);
  terminal.press('Enter');
  return terminal;
}

/** The screen that was there before, once the shell answers how it ended. */
async function endedWith(terminal: Tmux): Promise<string> {
  await until('the screen of before', 10_000, () => terminal.screen().includes('before-the-screen'));
  terminal.type('echo ended with $?');
  terminal.press('Enter');
  return terminal.sees(/ended with 0/);
}

/** A way to the server that can be closed and opened again; left open by a test that fails, it would keep the process from ending. */
function createWay(toPort: number): AsyncDisposable & { open(): Promise<string>; close(): Promise<void> } {
  const sockets = new Set<Socket>();
  let port = 0;
  const server = createServer((socket) => {
    const onward = connect(toPort, '127.0.0.1');
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => sockets.delete(each));
    }
    socket.pipe(onward).pipe(socket);
  });
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    close,
    [Symbol.asyncDispose]: close,
    async open() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
      return `http://127.0.0.1:${port}`;
    },
  };
}

test(
  'at 80x24: a run asked for, watched, its question answered by a command, cancelled; quitting gives the terminal back [TUI-1]',
  { skip: NO_TMUX },
  async () => {
    await using server = await world();
    using terminal = openTop(server, { columns: 80, rows: 24 });
    await terminal.sees(/No runs yet[\s\S]*live|live[\s\S]*No runs yet/);
    terminal.type('/run asker');
    terminal.press('Enter');
    await terminal.sees(/asker +waiting +for input/);
    await terminal.sees(/1 to answer/);
    terminal.press('Enter');
    await terminal.sees(/asks \S{8}: Red or blue\?/);
    terminal.press('Enter');
    await terminal.sees(/── Question [\s\S]*Red or blue\?[\s\S]*binds to/);
    terminal.type('/answer blue');
    terminal.press('Enter');
    await terminal.sees(/Answered: asker \S{8} goes on/);
    await terminal.sees(/asker +succeeded/);
    const [asked] = (await server.api().call(runOperations.list, {})).items;
    assert.equal((await server.api().call(runOperations.get, { id: asked?.id ?? '' })).answer, 'It is blue.');

    terminal.type('/run sleeper');
    terminal.press('Enter');
    await terminal.sees(/› \S{8} {2}(?:asker|sleeper)[\s\S]*sleeper +running|sleeper +running/);
    terminal.press('Home');
    terminal.type('/cancel');
    terminal.press('Enter');
    await terminal.sees(/Enter again cancels sleeper/);
    terminal.press('Enter');
    await terminal.sees(/sleeper +cancelled/);
    terminal.press('Tab');
    await terminal.sees(/Details[\s\S]*Errors/);
    terminal.type('/quit');
    terminal.press('Enter');
    const after = await endedWith(terminal);
    assert.match(after, /before-the-screen/);
    assert.doesNotMatch(after, /windlass top .*http/);
  },
);

test(
  'at 200x60 and resized: errors beside the runs; the server going away and coming back is shown; Ctrl-Z, Ctrl-C [TUI-1]',
  { skip: NO_TMUX },
  async () => {
    await using server = await world();
    for (const name of ['greeter', 'sleeper']) await server.api().call(agentOperations.run, { name });
    await using way = createWay(Number(new URL(server.url).port));
    using terminal = openTop({ ...server, url: await way.open() }, { columns: 200, rows: 60 });
    await terminal.sees(/│ Details[\s\S]*│ Errors/);
    await terminal.sees(/greeter +succeeded/);
    terminal.resize(80, 24);
    // a terminal that changes its size is blank for a moment: the narrow screen is there once its first and last lines are
    const narrow = await until('the narrow screen', 10_000, () => {
      const lines = terminal.screen().split('\n');
      return !lines.join().includes('│') && /^windlass top .*live$/.test(lines[0] ?? '') && lines[23] !== '' ? lines : null;
    });
    assert.match(narrow[23] ?? '', /^> /);
    terminal.resize(100, 50);
    await terminal.sees(/─{100}\nDetails/);

    terminal.press('C-z');
    await terminal.sees(/before-the-screen/);
    terminal.type('fg');
    terminal.press('Enter');
    await terminal.sees(/windlass top .*http[\s\S]*Details/);
    await way.close();
    await terminal.sees(/away for \d+ s[\s\S]*as last known/);
    await way.open();
    await terminal.sees(/^windlass top .*live\n/);
    terminal.press('C-c');
    assert.match(await endedWith(terminal), /before-the-screen/);
    await way.close();
  },
);
