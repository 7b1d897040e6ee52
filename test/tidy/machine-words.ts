/**
 * Words that only make sense on the machine where a file was written: its paths, and the hosts that packages came from.
 */
import { type Rule, findingsOf } from './source.ts';

const HOME_PATH = /(?:^|[^A-Za-z0-9_.~-])\/(?:work|farm|root|tmp\/bash_jobs|home\/[a-z]+)\/[A-Za-z0-9._-]/g;
const REGISTRY = /\b(?:registry\.(?:npmjs|yarnpkg)|deb\.debian|pypi\.org|proxy\.golang)|\bfarm-[a-z]+/g;

export const machineRule: Rule = {
  name: 'machine-words',
  applies: () => true,
  check: (source) => [
    ...findingsOf('machine-words', source, { in: source.text, pattern: HOME_PATH, message: (match) => `${match}: a path of one machine` }),
    ...findingsOf('machine-words', source, { in: source.text, pattern: REGISTRY, message: (match) => `${match}: a host or tool of one machine` }),
  ],
};
