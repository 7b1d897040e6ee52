/**
 * Words that do not belong in what is committed: those that only make sense on one machine, and those that say a thing is not finished.
 */
import { type Rule, findingsOf } from './source.ts';

const MACHINE_PATH = /(?:^|[^A-Za-z0-9_.~-])\/(?:work|farm|root|tmp\/bash_jobs)\/[A-Za-z0-9._-]/g;
const REGISTRY = /\b(?:registry\.(?:npmjs|yarnpkg)|deb\.debian|pypi\.org|proxy\.golang)|\bfarm-[a-z]+/g;

export const machineRule: Rule = {
  name: 'machine-words',
  applies: () => true,
  check: (source) => [
    ...findingsOf('machine-words', source, { in: source.text, pattern: MACHINE_PATH, message: (match) => `${match}: a path of one machine` }),
    ...findingsOf('machine-words', source, { in: source.text, pattern: REGISTRY, message: (match) => `${match}: a host or tool of one machine` }),
  ],
};

const UNFINISHED = /\b(?:TODO|FIXME|XXX)\b|\bnot (?:yet )?implemented\b|\b(?:test|it|describe|suite)\.(?:only|skip|todo)\b/g;

export const unfinishedRule: Rule = {
  name: 'unfinished',
  applies: (path) => /^(?:src|web|bin|bench|test)\/.*\.(?:tsx?|mjs|sql)$/.test(path) && !path.startsWith('test/tidy/'),
  check: (source) =>
    findingsOf('unfinished', source, { in: source.text, pattern: UNFINISHED, message: (match) => `${match}: finish it, or leave it out` }),
};
