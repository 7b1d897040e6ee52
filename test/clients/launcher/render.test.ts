/** `windlass render`: one source in each CLI's format, drift named, everywhere or for yourself [LCH-3]. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { windlass } from '../../support/cli.ts';
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
