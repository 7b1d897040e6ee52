/** A server with something of everything that agents and people share: projects, sessions, handoffs, notes, documents, standards, duties, alerts. */
import { Webhook } from 'standardwebhooks';
import { alertOperations } from '../../src/work/alerts/contract.ts';
import { cadenceOperations } from '../../src/work/cadence/contract.ts';
import { documentOperations } from '../../src/work/documents/contract.ts';
import { handoffOperations } from '../../src/work/handoffs/contract.ts';
import { noteOperations } from '../../src/work/knowledge/contract.ts';
import { projectOperations } from '../../src/work/projects/contract.ts';
import { sessionOperations } from '../../src/work/sessions/contract.ts';
import { standardOperations } from '../../src/work/standards/contract.ts';
import { webhookOperations } from '../../src/work/webhooks/contract.ts';
import { weeklyPlanOperations } from '../../src/work/weekly-plan/contract.ts';
import { testCheckout } from './checkout.ts';
import { standardBody } from './standards.ts';
import type { TestServer } from './server.ts';
import { testServer } from './server.ts';

const WORD = 'Keep that, please.';

export type ContextWorld = {
  server: TestServer;
  ids: { session: string; handoff: string; note: string; document: string; proposal: string; standard: string };
  [Symbol.asyncDispose](): Promise<void>;
};

export async function contextWorld(): Promise<ContextWorld> {
  const server = await testServer({ workers: 0 });
  const api = server.api();
  const checkout = testCheckout({ files: { 'README.md': '# Mill\n\nGrinds what comes in.\n', 'docs/API.md': '# API\n\nNothing yet.\n' } });
  await api.call(projectOperations.add, { path: checkout.top, code: 'mill', name: 'The mill' });
  const second = testCheckout({ files: { 'README.md': '# Post\n' } });
  await api.call(projectOperations.add, { path: second.top, code: 'post', name: 'The post office' });
  const start = (agent: string, project: string, workingOn: string) =>
    api.call(sessionOperations.start, { agent, project, machine: 'laptop', workingOn, branch: 'main', issue: '#12' });
  const { session } = await start('claude', 'mill', 'Mends the sieve so that nothing coarse comes through, whatever the weather.');
  await api.call(sessionOperations.claim, { id: session.id, kind: 'file', name: 'src/sieve/coarse.ts' });
  await api.call(sessionOperations.claim, { id: session.id, kind: 'issue', name: '#12' });
  const leaving = await start('codex', 'post', 'Sorts letters.');
  const { handoff } = await api.call(handoffOperations.write, {
    session: leaving.session.id,
    to: 'mill',
    status: 'blocked',
    priority: 'high',
    summary: 'Letters to the mill come back: the address in its sieve settings is that of the old building.',
    accomplished: ['Found where the address comes from.'],
    blocked: ['The settings belong to the mill.'],
    next: ['Set the new address.', 'Send the three letters again.'],
    details: { letters: [4711, 4712, 4713] },
  });
  const note = await api.call(noteOperations.create, {
    title: 'The sieve is cleaned before the grinding, never after',
    content: 'Cleaning after grinding pushes dust into the bearings.\n\nWe lost a bearing to it in March.',
    tags: ['decision', 'sieve'],
    word: WORD,
  });
  await api.call(noteOperations.update, {
    id: note.id,
    version: 1,
    content: 'Cleaning after grinding pushes dust into the bearings.\n\nWe lost two bearings to it.',
    word: WORD,
  });
  await api.call(documentOperations.sync, { code: 'mill' });
  const { items } = await api.call(documentOperations.list, { project: 'mill' });
  const document = items.find(({ name }) => name === 'docs/API.md')?.id ?? '';
  await api.call(documentOperations.put, { name: 'docs/API.md', project: 'mill', content: '# API\n\n`GET /flour` answers flour.\n', base: 1 });
  const author = await server.key({ role: 'member', kind: 'cli', name: 'claude' });
  const propose = (topic: string, title: string) =>
    server.api(author.secret).call(standardOperations.propose, {
      domain: 'errors',
      topic,
      tags: ['http'],
      why: 'Three of the last five incidents came from a client that retried at once.',
      content: standardBody(title, 'Wait longer after each failure.'),
    });
  const approved = await propose('say-why', 'Say why');
  const { standard } = await api.call(standardOperations.answer, { id: approved.id, hash: approved.hash, answer: 'approve', write: true });
  const proposal = await propose('retry-with-backoff', 'Retry with backoff');
  const duty = await api.call(cadenceOperations.add, { title: 'Try the backup', intervalDays: 30, project: 'mill' });
  await api.call(cadenceOperations.done, { id: duty.id, result: 'Restored in 4 minutes; two tables were slow.' });
  await api.call(cadenceOperations.add, { title: 'Renew the certificates', intervalDays: 90 });
  await server.db.owner("update duty set created_at = created_at - interval '91 days' where title = 'Renew the certificates'");
  await api.call(weeklyPlanOperations.write, {
    priorityProject: 'mill',
    goals: ['The sieve is mended.', 'No letter comes back.'],
    notes: 'The mason is here on Thursday.',
  });
  await raise(server);
  return {
    server,
    ids: { session: session.id, handoff: handoff.id, note: note.id, document, proposal: proposal.id, standard: standard ?? '' },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      checkout[Symbol.dispose]();
      second[Symbol.dispose]();
    },
  };
}

async function raise(server: TestServer): Promise<void> {
  const { secret, source } = await server.api().call(webhookOperations.create, { kind: 'generic', name: 'deploys' });
  const at = new Date();
  for (const [key, severity, title] of [
    ['disk', 'high', 'The disk of mill-2 is full in two days'],
    ['deploy', 'medium', 'Deployment of post 1.4 failed: migration 31 waits for a lock'],
  ] as const) {
    const body = JSON.stringify({ type: 'alert.raised', timestamp: at.toISOString(), data: { key, title, severity } });
    await server.request(`/${source.path}`, {
      method: 'POST',
      key: null,
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': key,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': new Webhook(secret).sign(key, at, body),
      },
    });
  }
  const { items } = await server.api().call(alertOperations.list, {});
  if (items.length !== 2) throw new Error(`${items.length} alerts came of two`);
}
