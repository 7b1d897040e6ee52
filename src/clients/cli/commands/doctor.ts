/** `windlass doctor`: finds and explains what is wrong, with the server up or down (spec CLI-1). */
import process from 'node:process';
import type { Check } from '../check.ts';
import { checkConfig, checkDatabase, checkGit, checkHome, checkModels, checkNode, checkPort, checkSignIn } from '../check-machine.ts';
import { askVersion, checkKey, checkSchedules, checkServer, checkStale, checkTools } from '../check-server.ts';
import { checkConsole, checkGateway } from '../check-surfaces.ts';
import type { Cli, Command } from '../command.ts';
import { findServer } from '../connection.ts';
import { plural } from '../format.ts';
import type { Line, Style } from '../terminal.ts';

const MARKS: Record<Check['state'], readonly [Style, string]> = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'FAIL'] };

async function examine(cli: Cli): Promise<Check[]> {
  const { check: configuration, config } = checkConfig(cli);
  const place = await findServer(cli.env, cli.home);
  const version = await askVersion(cli, place.url);
  const running = version !== null && version !== 'foreign';
  const { check: key, api } = await checkKey(cli, place, running);
  return [
    checkNode(process.versions.node),
    configuration,
    ...(await checkHome(cli.home)),
    await checkDatabase(cli.home, config),
    await checkPort(config, running ? place.url : null),
    checkServer(place, version, cli.clock.nowMs()),
    ...(running ? [await checkStale(cli, place, version)] : []),
    key,
    checkModels(cli.env, config),
    ...checkSignIn(cli.env, config),
    ...(running ? [await checkConsole(cli, place.url)] : []),
    ...(api === null ? [] : [await checkGateway(api), ...(await checkTools(api)), ...(await checkSchedules(api))]),
    await checkGit(cli),
  ];
}

export function checkLines(checks: readonly Check[]): Line[] {
  const names = Math.max(...checks.map((check) => check.name.length));
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  const below = `      ${' '.repeat(names)}  `;
  const lines = checks.flatMap((check): Line[] => {
    const [found = '', ...more] = check.found.split('\n');
    return [
      [MARKS[check.state], `  ${check.name.padEnd(names)}  ${found}`],
      ...more.map((line) => below + line),
      ...(check.next === null ? [] : [[['dim', `${below}next: ${check.next}`]] satisfies Line]),
    ];
  });
  const verdict = count('fail') > 0 ? `${plural(count('fail'), 'failure')}, ` : '';
  return [...lines, '', `${verdict}${plural(count('warn'), 'warning')}, ${count('ok')} ok.`];
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Finds what is wrong and says what to do; exit 1 when something fails. Works while the server is down.',
  examples: ['doctor', 'doctor --json'],
  async run(cli) {
    const checks = await examine(cli);
    const failed = checks.some((check) => check.state === 'fail');
    return { value: { ok: !failed, checks }, lines: checkLines(checks), exit: failed ? 1 : 0 };
  },
};
