/** `windlass up`: the server in this process until Ctrl-C; at the very first start also the first project and the first run. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Config } from '../../../config.ts';
import { DEFAULT_PORT, loadConfig } from '../../../config.ts';
import { toAppError } from '../../../kernel/errors.ts';
import type { Server } from '../../../main.ts';
import type { Answer, Cli, Command, Input } from '../command.ts';
import { flag, given, option } from '../command.ts';
import { connect } from '../connection.ts';
import { duration } from '../format.ts';
import { followToOutcome } from '../outcome.ts';
import type { Line } from '../terminal.ts';

const CONSOLE_BUILD = join(import.meta.dirname, '../../../../web/build.ts');
type Welcome = NonNullable<Awaited<ReturnType<Server['welcome']>>>;

export const up: Command = {
  name: 'up',
  summary: 'Starts Windlass here: database, engine, API; Ctrl-C stops it.',
  options: [
    ['--port <port>', `port to listen on (${DEFAULT_PORT}, or WINDLASS_PORT)`],
    ['--host <host>', 'address to listen on (127.0.0.1, or WINDLASS_HOST)'],
    ['--home <folder>', 'home folder (~/.windlass, or WINDLASS_HOME)'],
    ['--config <file>', 'configuration file (windlass.yaml)'],
    ['--workers <count>', 'runs carried out at once; 0 for a process that only serves'],
    ['--log <level>', 'debug, info, warn or error (info)'],
    ['--new-owner-key', 'print another owner key, when the first was lost; revoke the lost one with `windlass key revoke`'],
  ],
  examples: ['up', 'up --port 7500', 'up --home ./.windlass --log debug'],
  async run(cli, input) {
    const startedMs = cli.clock.nowMs();
    const stopped = cli.interrupt();
    const built = buildConsole(cli);
    const config = loadConfig({ flags: flagsOf(input), env: cli.env, cwd: cli.cwd });
    const { startServer } = await import('../../../main.ts');
    const server = await startServer(config, { env: cli.env, log: (line) => cli.terminal.err(line), newOwnerKey: flag(input, 'newOwnerKey') });
    try {
      const welcome = await server.welcome(cli.cwd);
      await built;
      announce(cli, { server, config, welcome, tookMs: cli.clock.nowMs() - startedMs });
      if (welcome !== null) await firstRun(cli, config, { server, welcome, stopped });
      if (!stopped.aborted) await new Promise<void>((resolve) => stopped.addEventListener('abort', () => resolve(), { once: true }));
    } finally {
      cli.terminal.err([['dim', 'Stopping: runs finish their step or are handed over.']]);
      await server.stop();
    }
    return { value: { stopped: true }, lines: ['Windlass has stopped. Nothing was lost: start it again and every run goes on.'] };
  },
};

/** The web console, when its sources are newer than what was built of them. The server answers without it. */
async function buildConsole(cli: Cli): Promise<void> {
  if (!existsSync(CONSOLE_BUILD)) return;
  await cli.execute(process.execPath, [CONSOLE_BUILD, '--if-stale']).catch((error: unknown) => {
    cli.terminal.err(`The console could not be built: ${toAppError(error).message.trim()}\n  Everything else works. Next: npm run build`);
  });
}

function flagsOf(input: Input): Parameters<typeof loadConfig>[0]['flags'] {
  const names = ['port', 'host', 'home', 'config', 'workers', 'log'] as const;
  return given(Object.fromEntries(names.map((name) => [name, option(input, name)])));
}

type Started = { server: Server; config: Config; welcome: Welcome | null; tookMs: number };

function announce(cli: Cli, { server, config, welcome, tookMs }: Started): void {
  const { terminal } = cli;
  if (terminal.json) return terminal.err(`ready at ${server.url}`);
  const say = (...lines: Line[]): void => lines.forEach((line) => terminal.out(line));
  const models = server.models.available().filter((known) => known.configured && known.provider !== 'rehearsal' && known.models.length > 0);
  const named = models.map((known) => known.provider).join(', ');
  say(
    [['bold', `Windlass ${server.version}`], ' is ready at ', ['cyan', server.url], ['dim', ` (${duration(tookMs)})`]],
    '',
    `  home      ${config.home}`,
    `  database  ${server.database}`,
    `  models    ${named === '' ? 'none configured: agents with a rehearsal play it; set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY for real ones' : named}`,
    '',
  );
  if (server.ownerKey !== null) {
    const link: Line[] =
      server.signInPath === null
        ? []
        : ['Open the console, signed in with it (once, within 15 minutes):', '', [['cyan', `  ${server.url}${server.signInPath}`]], ''];
    say(
      [['bold', 'Your owner key, shown this once:']],
      '',
      `  ${server.ownerKey}`,
      '',
      ...link,
      'The key answers approvals, makes keys and changes agents: `export WINDLASS_KEY=…` in the shell where you do that.',
      `Programs on this machine use ${server.localKeyFile}, which can run and read but none of that.`,
      '',
    );
  }
  if (welcome === null) say(`The console is at ${server.url}; ${called(cli)} status shows what goes on. Ctrl-C stops the server.`);
}

/** How the command is called here: who came by npm has it in the clone only. */
function called(cli: Cli): string {
  return cli.env['npm_execpath'] === undefined ? 'windlass' : 'npx windlass';
}

type First = { server: Server; welcome: Welcome; stopped: AbortSignal };

async function firstRun(cli: Cli, config: Config, { server, welcome, stopped }: First): Promise<Answer | null> {
  const { terminal } = cli;
  const { project, agents, run } = welcome;
  const say = (line: Line): void => (terminal.json ? terminal.err(line) : terminal.out(line));
  say(`Agents made from templates: ${agents.join(', ')}.`);
  if (project === null || run === null) {
    say(`This folder is in no git repository, so there is nothing to digest yet. With the owner key: ${called(cli)} project add PATH`);
    return null;
  }
  say(`First project: ${project.code} (${project.path ?? ''}).`);
  say(`Running repo-digest on it${run.rehearsed ? ', rehearsed: a script of fixed steps over your real repository, no model key needed' : ''}.`);
  say('');
  // this server, whatever another one's address or key the environment names
  const env = { ...cli.env, WINDLASS_URL: server.url, WINDLASS_KEY: server.ownerKey ?? undefined };
  const connection = await connect({ ...cli, env, home: config.home });
  const answer = await followToOutcome(cli, connection, { run: run.id, after: 0 });
  for (const line of answer.lines) say(line);
  if (stopped.aborted) return answer;
  say('');
  say([['dim', `Again: ${called(cli)} run repo-digest --wait   What goes on: ${called(cli)} status   Stop the server: Ctrl-C`]]);
  return answer;
}
