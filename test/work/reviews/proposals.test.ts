/** A standard that a reviewer proposes from within its review: only of a pattern that is really there, once, and for people to answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectOperations } from '../../../src/work/projects/contract.ts';
import type { JobDetail } from '../../../src/work/reviews/contract.ts';
import { panelOperations, reviewOperations } from '../../../src/work/reviews/contract.ts';
import { checkProposal } from '../../../src/work/reviews/proposal.ts';
import { standardOperations } from '../../../src/work/standards/contract.ts';
import { reviewRepository } from '../../support/review-repository.ts';
import { testServer, type TestServer } from '../../support/server.ts';
import { until } from '../../support/until.ts';

const SECONDS = 30_000;
const CODE = `export async function a() {
  await fetch('https://one.example', { signal: AbortSignal.timeout(1_000) });
}
export async function b() {
  await fetch('https://two.example', { signal: AbortSignal.timeout(1_000) });
}
`;
const place = (line: number, evidence: string, file = 'src/calls.ts') => ({ file, line, evidence });
const PLACES = [place(2, "await fetch('https://one.example'"), place(5, "await fetch('https://two.example'")];
const proposal = (more: object = {}) => ({
  ...{ domain: 'HTTP', topic: 'Every call has a limit', title: 'Every call has a limit', tags: ['http', 'Time outs'] },
  ...{ context: 'Calls to others.\n\n# Not a title\n\nMore.', pattern: 'Give each one a signal.', examples: '`AbortSignal.timeout(1_000)`' },
  ...{ antiPatterns: 'None at all.', whenToRevisit: 'When fetch has a limit of its own.', why: 'Each call sets its own.', places: PLACES },
  ...more,
});
const recorded = (proposals: object[]) => `turns:\n  - json: ${JSON.stringify({ summary: 'Seen.', findings: [], specialists: [], proposals })}\n`;

async function reviewed(server: TestServer, model: string, key?: string): Promise<JobDetail> {
  const { id } = await server
    .api(key)
    .call(reviewOperations.start, { persona: 'engineer', text: CODE, name: 'src/calls.ts', model: `rehearsal/${model}` });
  return until(`${id} ends`, SECONDS, async () => {
    const job = await server.api().call(reviewOperations.get, { id, waitSeconds: 1 });
    return job.ended ? job : null;
  });
}

test('a reviewer proposes a standard for a pattern that repeats; people are asked once, answer by its hash, and their no holds [STD-2]', async () => {
  using repository = reviewRepository();
  const rehearsals = {
    sees: recorded([proposal()]),
    rewords: recorded([proposal({ pattern: 'Say it in other words.' })]),
    another: recorded([proposal({ topic: 'retries' })]),
  };
  await using server = await testServer({ rehearsals });
  const api = server.api();
  const { code } = await api.call(projectOperations.add, { path: repository.path });
  const job = await reviewed(server, 'sees');
  assert.equal(job.status, 'succeeded', job.message);
  assert.equal(job.proposal?.path, 'http/every-call-has-a-limit.md', job.proposalRefused ?? '');
  const { items } = await api.call(standardOperations.proposals, { state: 'open' });
  const [made] = items;
  assert.deepEqual([items.length, made?.id, made?.project, made?.proposedBy.name], [1, job.proposal?.id, code, 'reviewer-engineer']);
  assert.deepEqual(made?.tags, ['http', 'time-outs']);
  assert.match(made?.why ?? '', new RegExp(`Seen at src/calls\\.ts:2, src/calls\\.ts:5\\. By review ${job.id}\\.$`));
  assert.match(made?.content ?? '', /^# Every call has a limit\n\n## Context\n\nCalls to others\.\n\n### Not a title/);
  const { text } = await api.call(reviewOperations.report, { id: job.id, format: 'markdown' });
  assert.match(text, /Proposes the standard http\/every-call-has-a-limit\.md; a person reads and answers it/);
  const again = await reviewed(server, 'rewords');
  assert.deepEqual([again.proposal, again.proposalRefused?.includes('was proposed before')], [null, true]);
  // whoever asked by hand may answer; an answer to another text is none
  const answer = (hash: string, word: 'approve' | 'refuse') =>
    api.call(standardOperations.answer, { id: made?.id ?? '', hash, answer: word, text: 'No.', write: true });
  await assert.rejects(answer('0'.repeat(64), 'approve'), { code: 'precondition_failed' });
  assert.equal((await answer(made?.hash ?? '', 'approve')).state, 'written');
  assert.equal((await reviewed(server, 'rewords')).proposalRefused, 'there is a standard http/every-call-has-a-limit.md already');
  const other = await reviewed(server, 'another');
  const found = await api.call(standardOperations.proposal, { id: other.proposal?.id ?? '' });
  await api.call(standardOperations.answer, { id: found.id, hash: found.hash, answer: 'refuse', text: 'We do not.' });
  assert.match((await reviewed(server, 'another')).proposalRefused ?? '', /which is refused/);
});

test('three reviewers who see one pattern at once propose it once; a full list is not made longer [STD-2]', async () => {
  await using server = await testServer({ rehearsals: { sees: recorded([proposal()]), another: recorded([proposal({ topic: 'retries' })]) } });
  const api = server.api();
  const started = await api.call(panelOperations.start, {
    ...{ text: CODE, name: 'src/calls.ts', personas: ['engineer', 'sre', 'architect'], models: ['rehearsal/sees'] },
  });
  const panel = await until('the panel ends', SECONDS, async () => {
    const found = await api.call(panelOperations.get, { id: started.id, waitSeconds: 1 });
    return found.ended ? found : null;
  });
  assert.deepEqual(
    panel.proposals.map(({ path }) => path),
    ['http/every-call-has-a-limit.md'],
  );
  const columns = 'domain, tags, content, hash, why, actor_id, actor_name, key';
  await server.db.owner(
    `insert into standard_proposal (org_id, id, topic, ${columns}) select org_id, id || n, topic || n, ${columns} from standard_proposal, generate_series(1, 19) n`,
  );
  assert.match((await reviewed(server, 'another')).proposalRefused ?? '', /^20 proposals wait for an answer/);
});

test('what a reviewer proposes is dropped when its pattern is not there, and its own headings end no section [STD-2]', () => {
  const sources = new Map([['src/calls.ts', [CODE.split('\n').map((text, i) => ({ line: i + 1, text }))]]]);
  const refused = (more: object) => checkProposal([proposal(more)], sources).refused ?? '';
  assert.deepEqual(checkProposal([], sources), { proposed: null, refused: null });
  assert.equal(refused({}), '');
  assert.match(refused({ places: PLACES.slice(0, 1) }), /2 places at least, and 1 of the 1 it names is in the source/);
  assert.match(refused({ places: [PLACES[0], PLACES[0], place(3, 'no such line'), place(1, 'export', 'src/none.ts')] }), /and 1 of the 4/);
  assert.match(refused({ topic: '!!' }), /form of one: topic/);
  assert.match(refused({ context: '  ' }), /`## Context` is empty/);
  assert.match(checkProposal(['a wish'], sources).refused ?? '', /has not the form/);
  const covered = checkProposal([proposal({ examples: 'token = "9f8e7d6c5b4a39281706"' })], sources).proposed?.content ?? '';
  assert.equal(covered.includes('9f8e7d6c5b4a39281706'), false, 'no credential of the source is written down');
});
