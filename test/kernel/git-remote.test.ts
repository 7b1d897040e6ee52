/** One repository has one name however its remote is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { remoteKey } from '../../src/kernel/git-remote.ts';

const word = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,12}$/);

test('every way to write a remote names the same repository [PRJ-2]', () => {
  fc.assert(
    fc.property(word, word, word, (host, owner, repository) => {
      const key = `${host}.example/${owner}/${repository}`;
      for (const text of [
        `https://${host}.example/${owner}/${repository}`,
        `https://${host}.example/${owner}/${repository}.git/`,
        `https://user:token@${host}.example/${owner.toUpperCase()}/${repository}.git`,
        `ssh://git@${host}.example:22/${owner}/${repository}.git`,
        `git@${host}.example:${owner}/${repository}.git`,
        `${host}.EXAMPLE:${owner}/${repository}`,
      ]) {
        assert.equal(remoteKey(text), key, text);
      }
    }),
  );
});

test('different repositories have different names, a path is its own, and what is no remote has none [PRJ-2]', () => {
  assert.notEqual(remoteKey('git@github.com:acme/app'), remoteKey('git@gitlab.com:acme/app'));
  assert.notEqual(remoteKey('git@github.com:acme/app'), remoteKey('git@github.com:acme/app2'));
  assert.equal(remoteKey('/srv/git/App.git/'), '/srv/git/App.git');
  assert.equal(remoteKey('file:///srv/git/App.git'), '/srv/git/App.git');
  for (const text of ['', ' ', 'https://', 'https://github.com/', 'word', './app', '/']) assert.equal(remoteKey(text), null, text);
});
