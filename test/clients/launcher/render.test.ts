/** `windlass render`: one source in each CLI's format, drift named, everywhere or for yourself [LCH-3]. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { answers, NOW_MS, windlass } from '../../support/cli.ts';
import { page } from '../../support/cli-fixtures.ts';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import { testCheckout } from '../../support/checkout.ts';

const SKILL = `---
name: review
description: When a change is to be reviewed.
---

Look at it.

<!-- parallel -->
- For faults
- For tests
<!-- /parallel -->

Say what you found.
`;
const FILES = {
  '.windlass/instructions.md': '# How we work\n\nSmall steps.\n',
  '.windlass/skills/review/SKILL.md': SKILL,
  '.windlass/skills/review/look.sh': 'echo look\n',
  '.windlass/commands/ship.md': '---\ndescription: Ships "it"\n---\nShip $ARGUMENTS, carefully.\n',
};

test('instructions, skills and commands are rendered for each CLI, and go with their source, with a guide to reviews and standards [LCH-3, STD-5]', async () => {
  using at = testCheckout({ files: FILES });
  const before = at.snapshot();
  const render = (...argv: string[]) => windlass(['render', ...argv], { home: at.home, cwd: at.top });
  const dry = await render('--dry-run');
  assert.match(dry.out, /10 files would be written in 1 place\./);
  assert.deepEqual(at.snapshot(), before);
  const done = await render();
  assert.equal(done.exit, 0, done.err);
  for (const file of ['AGENTS.md', 'CLAUDE.md', 'GEMINI.md'])
    assert.match(at.read(file), /# How we work\n\nSmall steps\.[\s\S]*## Reviews and standards[\s\S]*`standard_propose`[\s\S]*## When to stop/);
  assert.match(at.read('.claude/skills/review/SKILL.md'), /at the same time, each with a helper[\s\S]*- For faults\n- For tests/);
  assert.match(at.read('.agents/skills/review/SKILL.md'), /in passes, one after the other[\s\S]*1\. For faults\n2\. For tests\n\nSay what/);
  assert.equal(at.read('.agents/skills/review/look.sh'), 'echo look\n');
  assert.match(at.read('.claude/commands/ship.md'), /Ship \$ARGUMENTS/);
  assert.deepEqual({ ...parse(at.read('.gemini/commands/ship.toml')) }, { description: 'Ships "it"', prompt: 'Ship {{args}}, carefully.' });
  assert.match(at.read('.agents/skills/ship/SKILL.md'), /name: ship\n[\s\S]*Ship what the person said with it/);

  rmSync(join(at.top, '.windlass/commands'), { recursive: true });
  at.write('.agents/skills/review/look.sh', 'echo better\n');
  at.write('.windlass/instructions.md', 'Smaller steps.\n');
  const again = await render();
  assert.equal(again.exit, 1);
  assert.match(again.out, /kept +\.agents\/skills\/review\/look\.sh: it was changed by hand/);
  assert.equal(at.read('.agents/skills/review/look.sh'), 'echo better\n');
  assert.match(at.read('GEMINI.md'), /Smaller steps/);
  assert.equal(at.snapshot()['.gemini/commands'], undefined);
  const removed = await render('--remove');
  assert.match(removed.out, /kept +\.agents\/skills\/review\/look\.sh/);
  assert.deepEqual(
    Object.keys(at.snapshot()).filter((path) => /claude|gemini|GEMINI|AGENTS|CLAUDE/.test(path)),
    [],
  );
});

test('a file that was there before is never ours [LCH-3]', async () => {
  using at = testCheckout({ files: { ...FILES, '.claude/skills/review/SKILL.md': 'mine\n' } });
  const done = await windlass(['render'], { home: at.home, cwd: at.top });
  assert.match(done.out, /kept +\.claude\/skills\/review\/SKILL\.md: it was there before us/);
  await windlass(['render', '--remove'], { home: at.home, cwd: at.top });
  assert.equal(at.read('.claude/skills/review/SKILL.md'), 'mine\n');
});

test('for yourself it goes where each CLI reads a person’s own [LCH-3]', async () => {
  using at = testCheckout();
  const own = join(at.home, 'me');
  mkdirSync(join(own, '.windlass'), { recursive: true });
  writeFileSync(join(own, '.windlass/instructions.md'), 'Always in English.\n');
  const done = await windlass(['render', '--user'], { home: at.home, cwd: at.top, env: { HOME: own } });
  assert.equal(done.exit, 0, done.err);
  for (const path of ['.claude/CLAUDE.md', '.codex/AGENTS.md', '.gemini/GEMINI.md'])
    assert.match(readFileSync(join(own, path), 'utf8'), /Always in English/);
});

test('a source that cannot be rendered is refused with what is wrong [LCH-3]', async () => {
  for (const [path, text, expected] of [
    ['.windlass/skills/a/README.md', 'x', /has no SKILL\.md/],
    ['.windlass/skills/a/SKILL.md', 'no head', /has no description/],
    ['.windlass/commands/A B.md', 'x', /not named like a command/],
  ] as const) {
    using at = testCheckout({ files: { [path]: text } });
    const { exit, out } = await windlass(['render'], { home: at.home, cwd: at.top });
    assert.equal(exit, 1);
    assert.match(out, expected);
  }
});

test('a file that takes AGENTS.md in by an import is not told the same twice, and loses what it was told [LCH-3]', async () => {
  using at = testCheckout({ files: { ...FILES, 'AGENTS.md': '# Ours\n', 'CLAUDE.md': '# Claude\n\n@AGENTS.md\n', 'GEMINI.md': 'See AGENTS.md\n' } });
  const render = (...argv: string[]) => windlass(['render', ...argv], { home: at.home, cwd: at.top });
  const before = at.snapshot();
  assert.equal((await render()).exit, 0);
  assert.equal(at.read('CLAUDE.md'), '# Claude\n\n@AGENTS.md\n');
  for (const file of ['AGENTS.md', 'GEMINI.md']) assert.match(at.read(file), /windlass:begin[\s\S]*## When to stop/);
  at.write('GEMINI.md', `@./AGENTS.md\n\n${at.read('GEMINI.md')}`);
  await render();
  assert.equal(at.read('GEMINI.md'), '@./AGENTS.md\n\nSee AGENTS.md\n');
  at.write('CLAUDE.md', '# Claude\n');
  await render();
  assert.match(at.read('CLAUDE.md'), /^# Claude\n\n<!-- windlass:begin/, 'without the import it is told again');
  at.write('CLAUDE.md', at.read('CLAUDE.md').replace('## When to stop', '## When to go on'));
  const kept = await render();
  assert.match(kept.out, /kept +CLAUDE\.md: our block was changed by hand/);
  at.write('CLAUDE.md', String(before['CLAUDE.md']).slice(4));
  at.write('GEMINI.md', String(before['GEMINI.md']).slice(4));
  await render('--remove');
  assert.deepEqual(at.snapshot(), before);
});

test('in all checkouts: a dry run counts files, codes are left out, one that fails stops no other, nothing is written twice [LCH-3]', async () => {
  using app = testCheckout({ remote: 'git@x.example:a/app.git', files: FILES });
  using site = testCheckout({ remote: 'git@x.example:a/site.git' });
  using broken = testCheckout({ remote: 'git@x.example:a/broken.git', files: { 'CLAUDE.md': '<!-- windlass:begin 123 -->\n' } });
  using legacy = testCheckout({ remote: 'git@x.example:a/legacy.git' });
  const project = (code: string, path: string | null, remote: string) => ({
    ...{ id: `prj_${code}`, code, name: code, path, remote, repositories: [remote], capabilities: [], secretsPath: null, designSpec: null },
    ...{ environments: [], status: 'active' as const, platform: false, declared: false, createdAtMs: NOW_MS },
  });
  const projects = [
    project('app', app.top, 'git@x.example:a/app.git'),
    project('broken', broken.top, 'git@x.example:a/broken.git'),
    project('elsewhere', null, 'git@x.example:a/elsewhere.git'),
    project('legacy', legacy.top, 'git@x.example:a/legacy.git'),
    project('site', site.top, 'git@x.example:a/site.git'),
  ];
  const server = { operations: [answers(projectOperations.list, () => page(projects))] };
  const all = (...argv: string[]) =>
    windlass(['render', '--all', ...argv], { server, home: app.home, cwd: app.top, env: { HOME: app.home, WINDLASS_DEV: app.home } });
  const before = [app, site, legacy].map((each) => each.snapshot());
  const dry = await all('--exclude', 'legacy, broken', '--dry-run');
  assert.match(dry.out, /\n13 files would be written in 2 places\.\n$/, dry.out);
  assert.deepEqual(
    [app, site, legacy].map((each) => each.snapshot()),
    before,
  );
  const done = await all('--exclude', 'legacy');
  assert.equal(done.exit, 1);
  assert.match(done.out, /broken\n *failed .*do not stand there once each[^]*13 files written in 3 places, 1 failed\.\n$/);
  assert.match(site.read('AGENTS.md'), /## When to stop/);
  assert.deepEqual(legacy.snapshot(), before[2], 'what is excluded is not touched');
  assert.match((await all('--exclude', 'legacy,broken')).out, /^0 files written in 2 places\.\n$/);
  const json = JSON.parse((await all('--exclude', 'legacy,broken', '--json')).out) as { places: { name: string }[]; written: number };
  assert.deepEqual([json.places.map(({ name }) => name), json.written], [['app', 'site'], 0]);
  const from = await all('--from', join(app.top, '.windlass'), '--exclude', 'legacy,broken,app');
  assert.match(from.out, /10 files written in 1 place/);
  assert.match(site.read('CLAUDE.md'), /Small steps/, 'one source is spread to all');
  const wrong = await all('--exclude', 'nowhere');
  assert.deepEqual([wrong.exit, /There is no project nowhere to exclude/.test(wrong.err)], [2, true]);
});
