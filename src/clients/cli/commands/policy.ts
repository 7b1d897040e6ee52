/** `windlass policy`: by which rules calls are allowed, refused or put to a person, and what would be decided of one. */
import { AppError } from '../../../kernel/errors.ts';
import type { PolicyTrial } from '../../../work/policy-trial/contract.ts';
import { policyOperations } from '../../../work/policy-trial/contract.ts';
import type { Command, Input, Noun } from '../command.ts';
import { argument, given, option } from '../command.ts';
import { findRun } from '../find-run.ts';
import { fields, table } from '../table.ts';
import type { Line, Style } from '../terminal.ts';

const STYLES: Readonly<Record<PolicyTrial['answer'], Style>> = { allow: 'green', confirm: 'yellow', deny: 'red', invalid: 'red' };
const WORDS: Readonly<Record<PolicyTrial['answer'], string>> = {
  allow: 'allowed',
  confirm: 'a person is asked',
  deny: 'refused',
  invalid: 'arguments do not fit',
};

const rules: Command = {
  name: 'rules',
  summary: 'Lists the rules, in the order in which they decide.',
  examples: ['policy', 'policy rules --json'],
  async run(cli) {
    const found = await (await cli.connect()).call(policyOperations.rules, {});
    const rows = found.items.map(({ answer, id, says }): Line[] => [[[STYLES[answer], WORDS[answer]]], id, says]);
    return { value: found, lines: table(['answer', 'rule', 'when'], rows, cli.terminal.columns) };
  },
};

const tryIt: Command = {
  name: 'try',
  summary: 'Shows what would be decided of a call, and by which rules; nothing is carried out.',
  args: [
    ['<agent>', 'name of the agent; or a run by its id, as it stands now'],
    ['<tool>', 'name of the tool'],
  ],
  options: [
    ['--args <json>', 'arguments of the call; whether they fit is not looked at when left out'],
    ['--labels <list>', 'what the run would have read by then: untrusted,private'],
  ],
  examples: [
    'policy try repo-digest http_send',
    'policy try repo-digest http_request --labels untrusted,private',
    `policy try repo-digest file_read --args '{"path": "README.md"}' --json`,
  ],
  async run(cli, input) {
    const connection = await cli.connect();
    const who = argument(input, 0);
    const of = who.startsWith('run_') || who === 'latest' ? { run: await findRun(connection, who) } : { agent: who };
    const labels = option(input, 'labels')
      ?.split(',')
      .map((label) => label.trim()) as PolicyTrial['labels'] | undefined;
    const trial = await connection.call(policyOperations.try, { ...of, tool: argument(input, 1), ...given({ labels, args: argsOf(input) }) });
    return { value: trial, lines: linesOf(trial) };
  },
};

function argsOf(input: Input): Record<string, never> | undefined {
  const text = option(input, 'args');
  if (text === undefined) return undefined;
  try {
    const args: unknown = JSON.parse(text);
    if (typeof args === 'object' && args !== null && !Array.isArray(args)) return args as Record<string, never>;
  } catch {
    // said below, with the same next step
  }
  throw new AppError('invalid_input', '--args takes a JSON object.', { next: `As in --args '{"path": "README.md"}'` });
}

function linesOf(trial: PolicyTrial): Line[] {
  return [
    [[STYLES[trial.answer], WORDS[trial.answer]], `: ${trial.reason}`],
    '',
    ...fields([
      ['rules', trial.rules.join(', ') || 'none was asked'],
      ['agent', `${trial.agent.name} v${trial.agent.version}, tier ${trial.tier}`],
      ['tool', `${trial.tool}, ${trial.sideEffect === null ? 'which the agent does not have' : `taken for ${trial.sideEffect}`}`],
      ['labels', trial.labels.join(', ') || 'none'],
      ['after it', trial.labelsAfter.join(', ') || 'none'],
    ]),
  ];
}

export const policy: Noun = { verbs: [rules, tryIt], usual: 'rules' };
