/**
 * From arguments to an exit code: finds the command, runs it, prints its answer or its failure. What the commands do is in `commands/`;
 * what belongs to a process (streams, signals) comes from `main.ts`.
 */
import { Command as Parser, CommanderError } from 'commander';
import { AppError } from '../../kernel/errors.ts';
import type { Answer, Cli, Command, Input, Noun, Options } from './command.ts';
import { compareVersions, connect, homeFolder } from './connection.ts';
import { reportFailure } from './failure.ts';
import { NOUNS } from './nouns.ts';
import type { Sink } from './terminal.ts';
import { createTerminal } from './terminal.ts';

export type Process = Omit<Cli, 'terminal' | 'home' | 'connect'> & {
  stdout: Sink;
  stderr: Sink;
};

type Chosen = { command: Command; input: Input };

/** The first ones somebody needs. */
const EXAMPLES = ['up', 'run repo-digest --wait', 'top', 'approvals', 'help runs list'];
const HELP_COLUMNS_MAX = 110;
/** Parsing ended with text that was asked for: help or the version. */
const SHOWN = { exit: 0 } as const;

/** Answers the exit code; throws nothing. `argv` is without Node and script. */
export async function runCli(argv: readonly string[], host: Process): Promise<number> {
  const terminal = createTerminal({ json: wantsJson(argv), stdout: host.stdout, stderr: host.stderr, env: host.env });
  const cli: Cli = { ...host, terminal, home: homeFolder(host.env, host.cwd), connect: () => connectOnce(cli) };
  try {
    const chosen = await parse(argv, host);
    if ('exit' in chosen) return chosen.exit;
    return print(cli, await chosen.command.run(cli, chosen.input));
  } catch (error) {
    // The only place that turns a failure into words: everything below throws.
    terminal.redraw([]);
    return reportFailure(terminal, error);
  }
}

function print({ terminal }: Cli, answer: Answer): number {
  if (terminal.json && answer.value !== undefined) terminal.value(answer.value);
  if (!terminal.json) for (const line of answer.lines) terminal.out(line);
  return answer.exit ?? 0;
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

async function connectOnce(cli: Cli): ReturnType<Cli['connect']> {
  const connection = await connect(cli);
  const { server } = connection;
  if (server !== null && !cli.terminal.json && compareVersions(server.version, cli.version) < 0) {
    cli.terminal.err([['yellow', `The running server is version ${server.version}, this is ${cli.version}: restart it to bring it up to date.`]]);
  }
  return connection;
}

async function parse(argv: readonly string[], host: Process): Promise<Chosen | { exit: number }> {
  const words = argv.filter((word) => word !== '--json');
  const asked = words[0] === 'help' ? words.slice(1) : words;
  const chosen: Chosen[] = [];
  const root = newParser(host, 'windlass')
    .description('Dependable AI agents for a small team.')
    .option('--json', 'print one JSON value and nothing else')
    .version(host.version, '-V, --version', 'print the version')
    .addHelpText('after', `\nExamples:\n${EXAMPLES.map((example) => `  $ windlass ${example}`).join('\n')}`)
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied or over budget, 5 server out of reach.');
  for (const entry of NOUNS) {
    const loaded = entry.name === asked[0] ? await entry.load() : null;
    const parser = newParser(host, entry.name).summary(entry.summary.replace(/\.$/, '')).description(entry.summary).helpGroup(`${entry.group}:`);
    root.addCommand(parser);
    if (loaded === null) continue;
    if ('verbs' in loaded) addVerbs(parser, loaded, { host, next: asked[1], onChosen: (each) => chosen.push(each) });
    else addCommand(parser, loaded, { path: entry.name, onChosen: (each) => chosen.push(each) });
  }
  root.helpCommand('help [command]', 'print help of a command');
  try {
    // The parser's own help goes one word deep; this way it is that of the command named.
    await root.parseAsync(words.length === 0 || words[0] === 'help' ? [...asked, '--help'] : [...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return ended(error, asked);
    throw error;
  }
  return chosen[0] ?? SHOWN;
}

function newParser(host: Process, name: string): Parser {
  const columns = Math.min(HELP_COLUMNS_MAX, host.stdout.isTTY === true ? (host.stdout.columns ?? 80) : 100);
  return new Parser(name)
    .exitOverride()
    .helpOption('-h, --help', 'print help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      // Commander's own words on errors are not printed: they become an AppError and are reported as every other.
      writeErr: () => {},
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
}

type Adding = { host: Process; next: string | undefined; onChosen: (chosen: Chosen) => void };

function addVerbs(parser: Parser, noun: Noun, { host, next, onChosen }: Adding): void {
  // With a word after the noun the verb was meant, and a misspelt one is told instead of being taken for an argument.
  parser.helpCommand(false);
  const words = noun.usualTakesWords === true && !noun.verbs.some((verb) => verb.name === next);
  const noVerb = words || next === undefined || next.startsWith('-');
  for (const verb of noun.verbs) {
    const child = newParser(host, verb.name).summary(verb.summary.replace(/\.$/, ''));
    addCommand(child, verb, { path: `${parser.name()} ${verb.name}`, onChosen });
    parser.addCommand(child, { isDefault: verb.name === noun.usual && noVerb });
  }
  if (noun.usual !== null) parser.addHelpText('after', `\nWithout a verb: ${noun.usual}.`);
}

function addCommand(parser: Parser, command: Command, { path, onChosen }: { path: string; onChosen: Adding['onChosen'] }): void {
  parser.description(command.summary).allowExcessArguments(false);
  for (const [form, description] of command.args ?? []) parser.argument(form, description);
  for (const [flags, description] of command.options ?? []) parser.option(flags, description);
  parser.addHelpText('after', ['', 'Examples:', ...command.examples.map((example) => `  $ windlass ${example}`)].join('\n'));
  parser.action(() =>
    onChosen({ command: { ...command, name: path }, input: { args: parser.processedArgs.flat().filter(isText), options: parser.opts<Options>() } }),
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Help and version end well; anything else that the parser refuses is a fault in the call. */
function ended(error: CommanderError, asked: readonly string[]): { exit: number } {
  if (error.exitCode === 0) return SHOWN;
  const known = asked[0] !== undefined && NOUNS.some((entry) => entry.name === asked[0]) ? ` ${asked[0]}` : '';
  const help = `\`windlass${known} --help\` shows how it is called.`;
  if (error.code === 'commander.help') throw new AppError('invalid_input', `What shall be done with ${asked[0] ?? 'it'} is missing.`, { next: help });
  // arguments too many are counted and not repeated: one of them may be a secret
  const said = error.code === 'commander.excessArguments' ? error.message.replace(/(but got \d+)[\s\S]*/, '$1.') : error.message;
  const [what = '', hint] = said.replace(/^error: /, '').split('\n');
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1)}${what.endsWith('.') ? '' : '.'}`;
  const meant = hint === undefined ? '' : `${hint.replace(/^\((.*)\)$/, '$1')} `;
  throw new AppError('invalid_input', sentence, { next: `${meant}${help}` });
}
