/** A server with something of everything that the console shows: agents, runs that ended well and badly, one that asks, one that waits. */
import { approvalOperations } from '../../src/platform/approvals/contract.ts';
import { runOperations } from '../../src/runtime/runs/contract.ts';
import { agentOperations } from '../../src/work/agents/contract.ts';
import type { TestServer } from './server.ts';
import { testServer } from './server.ts';
import { until } from './until.ts';

const REHEARSALS = {
  talk: 'turns:\n  - text: Done. All three files were read and nothing in them was found to be wrong.\n',
  ask: `turns:
  - calls:
      - tool: ask_human
        args: { question: "Which release is meant, 1.4 or 2.0?", choices: ["1.4", "2.0"] }
  - text: Thank you, that is what I needed.
`,
  post: `turns:
  - text: I will tell the team.
    calls:
      - tool: http_send
        args: { method: POST, url: "http://127.0.0.1:9/team", body: "The release 1.4 is out." }
  - text: The team was told, or it was not.
`,
};

export type ConsoleWorld = {
  server: TestServer;
  runs: { done: string; asks: string; approval: string; cancelled: string };
  [Symbol.asyncDispose](): Promise<void>;
};

export async function consoleWorld(): Promise<ConsoleWorld> {
  const server = await testServer({ rehearsals: REHEARSALS });
  const api = server.api();
  const make = (name: string, more: object) =>
    api.call(agentOperations.create, {
      name,
      instructions: 'Do what is asked.',
      description: 'Reads what came in over night and says what matters.',
      ...more,
    });
  await make('nightly-audit', {
    model: 'rehearsal/talk',
    schedules: [{ cron: '30 2 * * *', timezone: 'Europe/Berlin' }],
    input: {
      type: 'object',
      properties: { since: { type: 'string', description: 'As git says it.' }, depth: { type: 'integer', minimum: 1, default: 3 } },
    },
  });
  await make('release-notes', { model: 'rehearsal/ask', tools: ['ask_human'] });
  await make('team-news', { model: 'rehearsal/post', tools: ['http_send'] });
  const start = async (name: string): Promise<string> => (await api.call(agentOperations.run, { name })).id;
  const done = await start('nightly-audit');
  const asks = await start('release-notes');
  const approval = await start('team-news');
  const cancelled = await start('release-notes');
  await until('two ask', 20_000, async () => (await api.call(approvalOperations.list, {})).items.length >= 3);
  await api.call(runOperations.cancel, { id: cancelled, reason: 'Another one asks the same.' });
  await until('what ends has ended', 20_000, async () => {
    const ended = await Promise.all([done, cancelled].map((id) => api.call(runOperations.get, { id })));
    return ended.every(({ endedAtMs }) => endedAtMs !== null);
  });
  return { server, runs: { done, asks, approval, cancelled }, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
