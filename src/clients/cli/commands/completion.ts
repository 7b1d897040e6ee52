/** `windlass completion`: a script that completes nouns, verbs and flags in a shell; made from the commands themselves. */
import { AppError } from '../../../kernel/errors.ts';
import type { Command, Noun } from '../command.ts';
import { argument } from '../command.ts';
import { NOUNS } from '../nouns.ts';

/** What may follow the words of each key: `''` the nouns, `runs` its verbs and flags, `runs list` its flags. */
async function wordsAfter(): Promise<Map<string, string[]>> {
  const words = new Map([['', [...NOUNS.map((entry) => entry.name), 'help']]]);
  for (const entry of NOUNS) {
    const { name } = entry;
    const loaded: Noun | Command = await entry.load();
    if ('verbs' in loaded) {
      const usual = loaded.verbs.find((verb) => verb.name === loaded.usual);
      words.set(name, [...loaded.verbs.map((verb) => verb.name), ...(usual === undefined ? [] : flagsOf(usual))]);
      for (const verb of loaded.verbs) words.set(`${name} ${verb.name}`, flagsOf(verb));
    } else {
      words.set(name, flagsOf(loaded));
    }
  }
  return words;
}

function flagsOf(command: Command): string[] {
  return [...(command.options ?? []).map(([flags]) => flags.split(' ', 1)[0] ?? ''), '--json', '--help'];
}

function bash(words: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...words].map(([path, next]) => `    "${path}") words="${next.join(' ')}" ;;`);
  return [
    '_windlass() {',
    '  local path="" words="" i',
    '  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do',
    '    case "${COMP_WORDS[i]}" in -*) break ;; esac',
    '    path="${path:+$path }${COMP_WORDS[i]}"',
    '  done',
    '  case "$path" in',
    ...cases,
    '    *) case "${path%% *}" in',
    ...[...words]
      .filter(([path]) => path !== '' && !path.includes(' '))
      .map(([path, next]) => `      ${path}) words="${next.filter((word) => word.startsWith('-')).join(' ')}" ;;`),
    '    esac ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _windlass windlass',
  ].join('\n');
}

function fish(words: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...words].flatMap(([path, next]) => {
    const parts = path.split(' ').filter((part) => part !== '');
    const condition = parts.length === 0 ? '__fish_use_subcommand' : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
    return `complete -c windlass -n '${condition}' -a '${next.join(' ')}'`;
  });
  return lines.join('\n');
}

export const completion: Command = {
  name: 'completion',
  summary: 'Prints a script that completes commands and flags in bash, zsh or fish.',
  args: [['<shell>', 'bash, zsh or fish']],
  examples: ['completion bash >> ~/.bashrc', 'completion zsh >> ~/.zshrc', 'completion fish > ~/.config/fish/completions/windlass.fish'],
  async run(_cli, input) {
    const shell = argument(input, 0);
    const words = await wordsAfter();
    const scripts: Record<string, () => string> = {
      bash: () => bash(words),
      zsh: () => `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`,
      fish: () => fish(words),
    };
    const script = scripts[shell]?.();
    if (script === undefined)
      throw new AppError('invalid_input', `There is no completion for ${shell}.`, { next: 'There is one for bash, zsh and fish.' });
    return { value: { shell, script }, lines: [script] };
  },
};
