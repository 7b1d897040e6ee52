/** Claude Code, Codex and Gemini CLI through the whole server: a turn with a tool call metered to the token; then over budget, where each stops at once. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CODING_CLIS } from '../../support/coding-clis.ts';
import { insertBudget, readCounter } from '../../support/budgets.ts';
import { testHome } from '../../support/home.ts';
import { startModelUpstream } from '../../support/model-upstream.ts';
import { REPORTED } from '../../support/provider-protocols.ts';
import { testClients } from '../../support/test-clients.ts';
import { testServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const found = await testClients();
const skip = 'skip' in found ? found.skip : false;
const WORD = 'the word is banana';

for (const cli of CODING_CLIS) {
  test(
    `${cli.name}: a turn with a tool call, metered to the token; over budget it stops at once and shows our text [GTW-2, GTW-11, BUD-1]`,
    { skip },
    async () => {
      assert.ok('folder' in found);
      await using home = testHome();
      await mkdir(home.path, { recursive: true });
      const file = join(home.path, 'word.txt');
      await writeFile(file, WORD);
      await using upstream = await startModelUpstream(({ text, tools }) => {
        const { name, json } = cli.read(file);
        if (text.includes(WORD)) return { text: 'It is banana.' };
        return tools.includes(name) ? { calls: [{ id: 'call_1', name, json }], finish: 'tool_calls' } : { text: 'A word' };
      });
      await using server = await testServer({
        workers: 0,
        env: { TEST_KEY: 'provider-key-0123456789' },
        config: {
          providers: {
            anthropic: { kind: 'anthropic', baseUrl: `${upstream.url}/v1`, keyEnv: 'TEST_KEY' },
            openai: { kind: 'openai', baseUrl: `${upstream.url}/v1`, keyEnv: 'TEST_KEY' },
            google: { kind: 'google', baseUrl: `${upstream.url}/v1beta`, keyEnv: 'TEST_KEY' },
          },
        },
      });
      const key = await server.key({ role: 'member', scopes: ['gateway'] });
      const budget = { org: server.org, id: 'bud_test', scope: 'key', subject: key.id, unit: 'tokens', period: 'total', amount: 50_000_000 } as const;
      await insertBudget(server.db, budget);
      const asking = {
        folder: found.folder,
        home: home.path,
        gateway: `${server.url}/gateway`,
        key: key.secret,
        question: 'What is the word in word.txt?',
      };

      const said = await cli.ask(asking);
      assert.equal(said.code, 0, said.output);
      assert.match(said.output, /It is banana\./);
      const answers = upstream.asked.filter(({ path }) => !/count_?tokens/i.test(path)).length;
      assert.ok(answers >= 2);
      // all but cached input counts
      const tokens = answers * (REPORTED.input - REPORTED.cached + REPORTED.output);
      await until(`${tokens} tokens to be spent`, 5_000, async () => {
        const { spent, reserved } = await readCounter(server.db, budget.id);
        return spent === tokens && reserved === 0;
      });
      assert.ok(upstream.asked.every(({ text, headers }) => !text.includes(key.secret) && !JSON.stringify(headers).includes(key.secret)));

      await insertBudget(server.db, { ...budget, amount: tokens });
      const asked = upstream.asked.length;
      const refused = await cli.ask(asking);
      assert.match(refused.output, /budget/i);
      assert.match(refused.output, /tokens/i);
      assert.equal(upstream.asked.filter(({ path }) => !/count_?tokens/i.test(path)).length, answers, `nothing is sent (${asked})`);
      assert.ok(refused.ms < 30_000, `it stopped after ${Math.round(refused.ms)} ms`);
    },
  );
}
