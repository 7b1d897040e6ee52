/** Every command's first word, in the order of the help. A noun's code is loaded when it is called and not before. */
import type { Command, Noun } from './command.ts';

export type NounEntry = {
  readonly name: string;
  readonly group: string;
  /** One sentence, ending in a full stop. */
  readonly summary: string;
  load(): Promise<Noun | Command>;
};

export const NOUNS: readonly NounEntry[] = [
  {
    name: 'run',
    group: 'Runs',
    summary: 'Starts a run of an agent.',
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'runs',
    group: 'Runs',
    summary: 'Runs: list, look into, steer, repeat.',
    load: async () => (await import('./commands/runs.ts')).runs,
  },
  {
    name: 'watch',
    group: 'Runs',
    summary: 'Follows a run until it ends.',
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  {
    name: 'status',
    group: 'Server',
    summary: 'What goes on, what waits for you, what it has cost today.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'key',
    group: 'Server',
    summary: 'API keys: list, create, rotate, revoke.',
    load: async () => (await import('./commands/key.ts')).key,
  },
];
