/** The source of a repository that somebody else has prepared. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSource } from '../../../src/clients/launcher/source-folder.ts';

test('a link out of a repository is not rendered into its files; one within it is [LCH-3, SEC-3]', async () => {
  const top = await mkdtemp(join(tmpdir(), 'windlass-source-'));
  try {
    const source = join(top, 'repository/.windlass');
    await mkdir(join(source, 'skills'), { recursive: true });
    await mkdir(join(top, 'own'));
    await writeFile(join(top, 'own/credentials'), 'secret');
    await writeFile(join(top, 'own/SKILL.md'), '---\ndescription: x\n---\n');
    await symlink('../../own/credentials', join(source, 'instructions.md'));
    await assert.rejects(readSource(source), /instructions\.md is a link out of/);
    await rm(join(source, 'instructions.md'));
    await symlink('../../../own', join(source, 'skills/steal'));
    await assert.rejects(readSource(source), /is a link out of/);
    await rm(join(source, 'skills/steal'));
    await writeFile(join(top, 'repository/README.md'), 'Read me.');
    await symlink('../README.md', join(source, 'instructions.md'));
    assert.equal((await readSource(source)).instructions, 'Read me.');
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});
