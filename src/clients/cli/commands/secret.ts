/**
 * `windlass secret`: values that a project's tools need, kept encrypted on this machine and handed to a coding CLI when it is launched.
 * A value comes from standard input, a file or a hidden prompt, never from an argument, and is never printed (spec SEC-2, SEC-3, SEC-7).
 */
import { AppError } from '../../../kernel/errors.ts';
import { readLaunchFile } from '../../launcher/launch-file.ts';
import { checkForm, checkSecretName, cleanValue, formOf } from '../../launcher/secret-form.ts';
import { lookUp } from '../../launcher/secrets.ts';
import type { Vault } from '../../launcher/vault.ts';
import { createVault, secretPath } from '../../launcher/vault.ts';
import { topOf } from '../../launcher/find-checkout.ts';
import type { Cli, Command, Noun } from '../command.ts';
import { argument, flag, option } from '../command.ts';
import { relativeTime } from '../format.ts';
import { launchedOn } from '../connection.ts';
import { readText } from '../read-text.ts';
import { table } from '../table.ts';
import type { Line } from '../terminal.ts';

/** A launched agent's shell is bounded like its tools (spec POL-4): other projects' secrets are neither set, listed nor removed from it. */
function pathHere({ env }: Pick<Cli, 'env'>, text: string): string {
  const path = secretPath(text);
  const [target = ''] = path.split('/');
  const active = launchedOn(env);
  if (active === undefined || active === target) return path;
  throw new AppError('denied', `The secrets of ${target} are out of bounds here: the active project is ${active}.`, {
    next: `Leave the work to ${target} (tool handoff, or \`windlass handoff write SESSION --to ${target}\`), or do it in a shell that no launch started.`,
  });
}

function vaultOf({ home, clock, machine, randomBytes }: Cli): Vault {
  return createVault({ home, clock, randomBytes, pid: machine.pid, kill: machine.kill });
}

const set: Command = {
  name: 'set',
  summary: 'Stores a secret, or replaces it; the value is asked for, or read from standard input.',
  args: [
    ['<path>', 'project, as in app; app/vault is stored and never injected, app/staging overrides there'],
    ['<name>', 'name of the variable'],
  ],
  options: [
    ['--from <source>', '@FILE, or - for standard input; asked for on a terminal when left out'],
    ['--as-is', 'store it although it does not look like such a secret'],
  ],
  examples: [
    'secret set app STRIPE_SECRET_KEY',
    'secret set app/staging DATABASE_URL --from @url.txt',
    'secret set app STRIPE_SECRET_KEY --from -   # what a password manager prints is piped in',
  ],
  async run(cli, input) {
    const path = pathHere(cli, argument(input, 0));
    const name = argument(input, 1);
    checkSecretName(name);
    const value = cleanValue(await askValue(cli, { name, from: option(input, 'from') }));
    const asIs = flag(input, 'asIs');
    const stored = await vaultOf(cli).set({ path, name, value }, (before) => (asIs ? formOf(value) : checkForm(name, value, before)));
    return { value: stored, lines: [`${name} is stored at ${path} (${stored.form}, fingerprint ${stored.fingerprint}).`] };
  },
};

async function askValue(cli: Cli, { name, from }: { name: string; from: string | undefined }): Promise<string> {
  if (from !== undefined && from !== '-' && !from.startsWith('@')) {
    throw new AppError('invalid_input', 'A value is never given as an argument: other processes can read those, and your shell keeps them.', {
      next: 'Leave --from out to be asked for it, or use --from @FILE or --from -.',
    });
  }
  const typed = from === undefined ? await cli.askHidden(`Value of ${name}:`) : null;
  return typed ?? readText(cli, from ?? '-');
}

const list: Command = {
  name: 'list',
  summary: 'Lists secrets by path: name, form, age, fingerprint; never a value.',
  args: [['[project]', 'only of this project']],
  examples: ['secret list', 'secret list app --json'],
  async run(cli, input) {
    const wanted = input.args[0] ?? launchedOn(cli.env);
    const project = wanted === undefined ? undefined : pathHere(cli, wanted).split('/')[0];
    const items = await vaultOf(cli).list(project);
    const nowMs = cli.clock.nowMs();
    const rows = items.map((each) => [each.path, each.name, each.form, relativeTime(each.setAtMs, nowMs), each.fingerprint]);
    const none = project === undefined ? 'No secrets.' : `No secrets of ${project}.`;
    const lines =
      rows.length === 0
        ? [`${none} Store one: windlass secret set ${project ?? 'PROJECT'} NAME`]
        : table(['path', 'name', 'form', 'set', 'fingerprint'], rows, cli.terminal.columns);
    return { value: { items, shown: items.length, total: { kind: 'exact', value: items.length } }, lines };
  },
};

const check: Command = {
  name: 'check',
  summary: 'Says of each secret whether it is there and gets injected, without reading a value out; exit 1 when one is missing.',
  args: [
    ['<project>', 'code of the project'],
    ['[names...]', 'names to look up; those that .windlass/launch.yaml of this checkout requires when left out'],
  ],
  options: [['--staging', 'as a launch with --staging would see them']],
  examples: ['secret check app', 'secret check app STRIPE_SECRET_KEY --staging'],
  async run(cli, input) {
    const [project = '', ...named] = input.args;
    const code = pathHere(cli, project).split('/')[0] ?? '';
    const names = named.length > 0 ? named : (await readLaunchFile(await topOf(cli.cwd))).secrets.required;
    const environment = flag(input, 'staging') ? 'staging' : 'production';
    const found = await lookUp({ vault: vaultOf(cli), env: cli.env }, { project: code, environment, names });
    const missing = found.filter(({ state }) => state !== 'injected' && state !== 'inherited');
    const lines: Line[] = found.map(({ name, state, words }) => [
      [state === 'injected' || state === 'inherited' ? 'green' : 'red', state === 'injected' || state === 'inherited' ? 'ok       ' : 'missing  '],
      `${name}: ${words}`,
    ]);
    const nothing = `Nothing is required of ${code} here. Name what to look up, or list it in .windlass/launch.yaml.`;
    return {
      value: { project: code, environment, items: found, ok: missing.length === 0 },
      lines: lines.length === 0 ? [nothing] : lines,
      exit: missing.length === 0 ? 0 : 1,
    };
  },
};

const remove: Command = {
  name: 'remove',
  summary: 'Removes a secret from the vault and says where its name still is.',
  args: [
    ['<path>', 'as in app, app/vault or app/staging'],
    ['<name>', 'name of the variable'],
  ],
  options: [['--everywhere', 'from all three paths of the project']],
  examples: ['secret remove app OLD_TOKEN', 'secret remove app OLD_TOKEN --everywhere'],
  async run(cli, input) {
    const path = pathHere(cli, argument(input, 0));
    const name = argument(input, 1);
    const code = path.split('/')[0] ?? '';
    const paths = flag(input, 'everywhere') ? [code, `${code}/vault`, `${code}/staging`] : [path];
    const vault = vaultOf(cli);
    const removed = await vault.remove(name, paths);
    const left = [
      ...(await vault.list()).filter((each) => each.name === name).map((each) => `the vault at ${each.path}`),
      ...((cli.env[name] ?? '') === '' ? [] : ['the environment of this shell']),
    ];
    if (removed.length === 0 && left.length === 0)
      throw new AppError('not_found', `There is no ${name} at ${paths.join(', ')}.`, {
        next: `\`windlass secret list ${code}\` shows what there is.`,
      });
    const lines: Line[] = [
      removed.length === 0 ? `${name} was not at ${paths.join(', ')}.` : `${name} is removed from ${removed.join(', ')}.`,
      ...(left.length === 0 ? [] : [[['yellow', `It is still in ${left.join(' and ')}.`]] satisfies Line]),
      'Removing it here does not revoke it: do that where it was issued.',
    ];
    return { value: { name, removed, left }, lines };
  },
};

export const secret: Noun = { verbs: [set, list, check, remove], usual: 'list' };
