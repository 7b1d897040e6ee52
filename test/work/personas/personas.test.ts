/** Persona files: those that ship keep the limit by a real tokenizer, others are added by a file, and a broken one is refused with its line. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { agentOperations } from '../../../src/work/agents/contract.ts';
import { personaOperations } from '../../../src/work/personas/contract.ts';
import { createLibrary } from '../../../src/work/personas/library.ts';
import { CORE_PERSONAS, definitionOf, instructionsOf, parsePersona, PERSONA_LIMITS } from '../../../src/work/personas/persona.ts';
import { reviewOperations } from '../../../src/work/reviews/contract.ts';
import { reviewerTools } from '../../../src/work/reviews/tools.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const SHIPPED = join(import.meta.dirname, '../../../templates/personas');
const files = readdirSync(SHIPPED).filter((name) => name.endsWith('.md'));
const own = (more = '', prompt = 'You look at poems.') =>
  `---\nname: poet\ntitle: Poet\ndescription: Rhymes.\ndimensions: [quality]\n${more}---\n${prompt}\n`;

test('seven core personas and the specialists ship, each with a prompt of at most 1,500 tokens by a real tokenizer, and only read [PER-1]', async () => {
  assert.equal(files.length >= 14, true);
  for (const name of files) {
    const parsed = parsePersona(readFileSync(join(SHIPPED, name), 'utf8'), name);
    assert.equal(parsed.ok, true, JSON.stringify(parsed));
    if (!parsed.ok) continue;
    const tokens = encode(instructionsOf(parsed.persona)).length;
    assert.equal(tokens <= PERSONA_LIMITS.promptTokens, true, `${name}: ${tokens}`);
    const definition = definitionOf(parsed.persona, reviewerTools(true));
    assert.equal(
      definition.tools.some((tool) => /write|send|request|commit/.test(tool)),
      false,
    );
    assert.equal(definition.tier, 3);
  }
  const library = createLibrary({ shipped: SHIPPED, home: '/nonexistent' });
  assert.deepEqual(
    (await library.core()).map(({ name }) => name),
    [...CORE_PERSONAS],
  );
  const names = (await library.list(null)).found.map(({ persona }) => persona.name);
  for (const { persona } of (await library.list(null)).found) for (const each of persona.specialists) assert.equal(names.includes(each), true, each);
});

test('a file with faults is refused with every fault and its line [PER-1]', () => {
  const faults = (text: string) => {
    const parsed = parsePersona(text, 'personas/poet.md');
    return parsed.ok ? [] : parsed.faults.map(({ line, message }) => `${line}: ${message}`);
  };
  assert.deepEqual(faults(own()), []);
  assert.deepEqual(faults('You look at poems.'), ['1: must begin with front matter between two lines of ---']);
  assert.match(faults(own('model: [a\n')).join(), /^6: /);
  assert.match(faults(own('colour: red\n')).join(), /^6: .*colour/i);
  assert.match(faults(own().replace('quality', 'beauty')).join(), /^5: /);
  assert.match(faults(own().replace('name: poet', 'name: The Poet')).join(), /^2: must be lower-case/);
  assert.deepEqual(faults(own('', '')), ['7: has no prompt below its front matter']);
  const long = faults(own('', `Short.\n${'word '.repeat(600)}\n${'more '.repeat(600)}\nend`));
  assert.match(
    long.join(),
    /^9: the prompt, with the rules of all reviewers, is about \d+ tokens; 1500 are the limit, which it passes in this line$/,
  );
});

test('a persona is added by a file in the home or the repository, cannot take a name that ships, and is listed with its faults [PER-1]', async () => {
  const home = mkdtempSync(join(tmpdir(), 'windlass-personas-'));
  try {
    mkdirSync(join(home, 'personas'));
    const write = (name: string, text: string): void => writeFileSync(join(home, 'personas', name), text);
    write('poet.md', own());
    write('security.md', own().replace('name: poet', 'name: security'));
    write('wrong.md', own().replace('name: poet', 'name: other'));
    write('broken.md', 'no front matter');
    const library = createLibrary({ shipped: SHIPPED, home });
    assert.equal((await library.get('poet', null)).agent, 'reviewer-poet');
    assert.match((await library.get('security', null)).prompt, /application security engineer/, 'the one that ships');
    await assert.rejects(library.get('broken', null), (error: Error) => /personas\/broken\.md:1: must begin with front matter/.test(error.message));
    await assert.rejects(library.get('nobody', null), { code: 'not_found' });
    const { faults } = await library.list(null);
    assert.deepEqual(faults.map(({ path }) => path).toSorted(), ['personas/broken.md', 'personas/security.md', 'personas/wrong.md']);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('an added persona reviews at once, and a changed file is a new version of its agent [PER-1]', async () => {
  await using server = await testServer();
  mkdirSync(join(server.home, 'personas'), { recursive: true });
  const file = join(server.home, 'personas/poet.md');
  writeFileSync(file, own());
  const api = server.api();
  const ask = async () => {
    const { id } = await api.call(reviewOperations.start, { persona: 'poet', text: 'Roses are red\n', name: 'poem.txt' });
    return until('it ends', 20_000, async () => {
      const job = await api.call(reviewOperations.get, { id, waitSeconds: 1 });
      return job.ended ? job : null;
    });
  };
  assert.equal((await ask()).status, 'succeeded');
  assert.equal((await ask()).status, 'succeeded');
  assert.equal((await api.call(agentOperations.get, { name: 'reviewer-poet' })).version, 1, 'the same file is the same version');
  writeFileSync(file, own('', 'You look at prose.'));
  assert.equal((await ask()).status, 'succeeded');
  const agent = await api.call(agentOperations.get, { name: 'reviewer-poet' });
  assert.deepEqual([agent.version, agent.definition.instructions.startsWith('You look at prose.')], [2, true]);
  assert.equal(
    (await api.call(personaOperations.list, {})).items.some(({ name, from }) => name === 'poet' && from === 'home'),
    true,
  );
});
