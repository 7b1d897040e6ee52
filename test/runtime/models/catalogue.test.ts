/** Models as people see them: prices with their date, aliases with their fallbacks, providers that can be called. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelOperations } from '../../../src/runtime/models/contract.ts';
import { testServer } from '../../support/server.ts';

const OWN_PRICE = {
  windowTokens: 8_192,
  maxOutputTokens: 1_024,
  prices: [{ input: 1.5, cachedInput: 0, cacheWrite: 1.5, output: 3 }],
};

test('models have dated prices, those of the operator marked; aliases say what stands behind them [GTW-3, GTW-5]', async () => {
  await using server = await testServer({
    workers: 0,
    env: { OPENAI_API_KEY: 'sk-test-key-of-nobody' },
    config: {
      prices: { 'local/llama': OWN_PRICE, 'openai/unpriced': { ...OWN_PRICE, prices: [] } },
      aliases: { cheap: { models: [{ model: 'openai/gpt-6-luna', weight: 3 }], fallbacks: ['anthropic/claude-haiku-5-5'], cacheSeconds: 60 } },
    },
  });
  const found = await server.api().call(modelOperations.list, {});
  assert.match(found.prices.date, /^\d{4}-\d\d-\d\d$/);
  const own = found.models.find(({ id }) => id === 'local/llama');
  assert.deepEqual([own?.own, own?.usable, own?.price?.input, own?.price?.output], [true, false, 1_500_000, 3_000_000]);
  assert.equal(found.models.find(({ id }) => id === 'openai/unpriced')?.price, null);
  assert.equal(found.models.find(({ id }) => id === 'openai/gpt-6-luna')?.usable, true);
  assert.deepEqual(
    found.aliases.find(({ name }) => name === 'cheap'),
    {
      name: 'cheap',
      models: [{ model: 'openai/gpt-6-luna', weight: 3, usable: true }],
      fallbacks: [{ model: 'anthropic/claude-haiku-5-5', usable: false }],
      cacheSeconds: 60,
      own: true,
    },
  );
  assert.deepEqual(found.aliases.find(({ name }) => name === 'fast')?.models[0]?.model, 'openai/gpt-6-luna', 'the first that can be called');
  assert.deepEqual(
    found.providers.filter(({ configured }) => configured).map(({ name, openUntilMs }) => [name, openUntilMs]),
    [
      ['openai', null],
      ['ollama', null],
      ['rehearsal', null],
    ],
  );
  assert.equal(JSON.stringify(found).includes('sk-test'), false, 'no key is shown');
});
