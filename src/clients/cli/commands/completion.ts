/** `windlass completion`: a script that completes nouns, verbs and flags in a shell; made from the commands themselves. */
import { AppError } from '../../../kernel/errors.ts';
import type { Command, Noun } from '../command.ts';
import { argument } from '../command.ts';
import { NOUNS } from '../nouns.ts';

type Next = {
  words: readonly string[];
  /** Whether one of them is an argument that names a file or folder. */
  files: boolean;
};

/** What may follow the words of each key: `''` the nouns, `runs` its verbs and flags, `runs list` its flags. */
async function wordsAfter(): Promise<Map<string, Next>> {
  const words = new Map<string, Next>([['', { words: [...NOUNS.map((entry) => entry.name), 'help'], files: false }]]);
  for (const entry of NOUNS) {
    const { name } = entry;
    const loaded: Noun | Command = await entry.load();
    if ('verbs' in loaded) {
      const usual = loaded.verbs.find((verb) => verb.name === loaded.usual);
      words.set(name, { words: [...loaded.verbs.map((verb) => verb.name), ...(usual === undefined ? [] : flagsOf(usual))], files: false });
      for (const verb of loaded.verbs) words.set(`${name} ${verb.name}`, { words: flagsOf(verb), files: takesFiles(verb) });
    } else {
      words.set(name, { words: flagsOf(loaded), files: takesFiles(loaded) });
    }
  }
  return words;
}

function flagsOf(command: Command): string[] {
  return [...(command.options ?? []).map(([flags]) => flags.split(' ', 1)[0] ?? ''), '--json', '--help'];
}

function takesFiles(command: Command): boolean {
  return (command.args ?? []).some(([name]) => /file|folder|path/.test(name));
}

/** Also for zsh, where `path` and `words` are taken. */
function bash(words: ReadonlyMap<string, Next>): string {
  const cases = [...words].map(([path, next]) => `    "${path}") next="${next.words.join(' ')}" ;;`);
  return [
    '_windlass() {',
    '  local said="" next="" i',
    '  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do',
    '    case "${COMP_WORDS[i]}" in -*) break ;; esac',
    '    said="${said:+$said }${COMP_WORDS[i]}"',
    '  done',
    '  case "$said" in',
    ...cases,
    '    *) case "${said%% *}" in',
    ...[...words]
      .filter(([path]) => path !== '' && !path.includes(' '))
      .map(([path, next]) => `      ${path}) next="${next.words.filter((word) => word.startsWith('-')).join(' ')}" ;;`),
    '    esac ;;',
    '  esac',
    '  COMPREPLY=($(compgen -W "$next" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _windlass windlass',
  ].join('\n');
}

function fish(words: ReadonlyMap<string, Next>): string {
  const lines = [...words].map(([path, { words: next, files }]) => {
    const parts = path.split(' ').filter((part) => part !== '');
    const seen = parts.map((part) => `__fish_seen_subcommand_from ${part}`);
    const verbs = parts.length === 1 ? next.filter((word) => !word.startsWith('-')) : [];
    const conditions = [...seen, ...(verbs.length === 0 ? [] : [`not __fish_seen_subcommand_from ${verbs.join(' ')}`])];
    return `complete -c windlass ${files ? '' : '-f '}-n '${conditions.join('; and ') || '__fish_use_subcommand'}' -a '${next.join(' ')}'`;
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
