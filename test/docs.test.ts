/** The examples of docs/ are what they say they are: agent files that parse, a configuration that loads. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../src/config.ts';
import { createValidator } from '../src/runtime/tools/validate.ts';
import { AgentDefinition } from '../src/work/agents/definition.ts';
import { parseFiles } from '../src/work/agents/definition-file.ts';

const DOCS = join(import.meta.dirname, '../docs');

function examples(file: string): string[] {
  return [...readFileSync(join(DOCS, file), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
}

test('every agent of docs/agents.md is one, and every key of a definition is explained there [AGT-3]', () => {
  const found = examples('agents.md');
  assert.ok(found.length >= 3);
  for (const text of found) {
    const name = /^name: (\S+)$/m.exec(text)?.[1] ?? '';
    const { definitions, faults } = parseFiles([{ path: `agents/${name}.yaml`, text }], createValidator());
    assert.deepEqual(faults, []);
    assert.equal(definitions[0]?.definition.name, name);
  }
  const reference = readFileSync(join(DOCS, 'agents.md'), 'utf8');
  for (const key of Object.keys(AgentDefinition.shape)) assert.match(reference, new RegExp(`^\\|.*\`${key}\`.*\\|`, 'm'), key);
});

test('the configuration of docs/operating.md loads, and says what the page says [OPS-2]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-docs-'));
  try {
    writeFileSync(join(folder, 'windlass.yaml'), examples('operating.md')[0] ?? '');
    const config = loadConfig({ flags: { home: folder }, env: {}, cwd: folder });
    assert.deepEqual([config.port, config.host, config.workers, config.defaultModel], [7420, '127.0.0.1', 16, 'local/qwen']);
    assert.deepEqual(Object.keys(config.mcpServers), ['forge']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the configuration of docs/gateway.md loads, aliases and all [GTW-3]', () => {
  const folder = mkdtempSync(join(tmpdir(), 'windlass-docs-'));
  try {
    writeFileSync(join(folder, 'windlass.yaml'), examples('gateway.md')[0] ?? '');
    const config = loadConfig({ flags: { home: folder }, env: {}, cwd: folder });
    assert.deepEqual(Object.keys(config.aliases), ['fast', 'smart']);
    assert.deepEqual(config.aliases['fast'], { models: [{ model: 'lab/qwen-3.8-27b', weight: 1 }], fallbacks: [], cacheSeconds: null });
    assert.deepEqual(config.aliases['smart']?.models[0], { model: 'anthropic/claude-opus-5-5', weight: 3 });
    assert.equal(config.gateway.actorRequestsPerMinute, 600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
