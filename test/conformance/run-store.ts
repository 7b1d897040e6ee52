/**
 * What every `RunStore` must do, called by the test of each: the model in memory and PostgreSQL. Not here: how several
 * processes on one database behave, and real faults, which only PostgreSQL has.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrgId } from '../../src/kernel/ids.ts';
import type { RunEvent } from '../../src/kernel/events.ts';
import type { AppendRequest, RunStore } from '../../src/runtime/runs/store-port.ts';
import { verifyChain } from '../../src/storage/journal.ts';
import { ACTOR, newRun, noteEvent } from '../support/run-fixtures.ts';
import { budgetSuite } from './run-store-budgets.ts';
import { claimSuite } from './run-store-claims.ts';
import { A, append, appended, B, claim, claimOne, create, ended, ids, LEASE_MS, opened, request, run, START_MS } from './run-store-harness.ts';
import type { OpenStore } from './run-store-harness.ts';

const events = async (store: RunStore, org: OrgId, id: string): Promise<(RunEvent | null)[]> =>
  (await store.readEntries(org, run(id), { afterSeq: 0, limit: 100 })).map((entry) => entry.event);

export function runStoreSuite(name: string, open: OpenStore): void {
  journalTests(name, open);
  batchTests(name, open);
  inboxTests(name, open);
  claimSuite(name, open);
  budgetSuite(name, open);
}

function journalTests(name: string, open: OpenStore): void {
  test(`${name}: entries are in order, chained and read back as written [RUN-2]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const odd = noteEvent('NUL \0, lone surrogates \ud800 and \udfff, emoji 🙂, quotes " and \\u0000');
    const large = noteEvent('x'.repeat(100_000));
    let lease = await claimOne(store, A, 'run_1');
    lease = await appended(store, request(lease, { events: [odd, large].map((event, index) => ({ event, effectId: `call_${index}` })) }));
    await appended(store, ended(lease));
    const entries = await store.readEntries(A, run('run_1'), { afterSeq: 0, limit: 10 });
    assert.deepEqual(
      entries.map((entry) => entry.seq),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      entries.slice(1, 3).map((entry) => entry.event),
      [odd, large],
    );
    assert.deepEqual(
      entries.map((entry) => entry.effectId),
      [null, 'call_0', 'call_1', null],
    );
    assert.ok(entries.every((entry, index) => entry.atMs === START_MS && (index === 0 || entry.position > (entries[index - 1]?.position ?? 0))));
    assert.equal(verifyChain(await under.sealed(A, run('run_1'))), null);
    assert.deepEqual(
      (await store.readEntries(A, run('run_1'), { afterSeq: 2, limit: 1 })).map((entry) => entry.seq),
      [3],
    );
  });

  test(`${name}: a transaction that fails leaves no run behind [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await assert.rejects(
      store.transaction(A, async (tx) => {
        await store.createRun(tx, newRun(A, 'run_1'));
        assert.equal(await store.putInbox(tx, { org: A, run: run('run_1'), kind: 'note', event: noteEvent('x'), actor: ACTOR }), true);
        throw new Error('stop');
      }),
      /stop/,
    );
    assert.equal(await store.getRun(A, run('run_1')), null);
    assert.deepEqual(await store.readEntries(A, run('run_1'), { afterSeq: 0, limit: 10 }), []);
    assert.deepEqual(await claim(store), []);
  });

  test(`${name}: the projection carries what was given and what patches changed [RUN-2]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1', { lane: 'talk', pool: 'gpu', priority: 'high', deadlineMs: START_MS + 5 }));
    const [lease] = await claim(store, { pools: ['gpu'] });
    assert.ok(lease !== undefined);
    const usage = { inputTokens: 5, cachedInputTokens: 1, cacheWriteTokens: 2, outputTokens: 7, reasoningTokens: 3, estimated: true };
    const patch = {
      status: 'running',
      startedAtMs: START_MS,
      phase: 'plan',
      percent: 12.5,
      turns: 1,
      toolCalls: 2,
      usage,
      cost: { microUsd: 9, known: false },
    } as const;
    const held = await appended(store, request(lease, { patch }));
    await appended(
      store,
      request(held, { patch: { phase: null, status: 'waiting', waitingFor: 'time', release: { runnableAtMs: START_MS + 1_000 } } }),
    );
    const row = await store.getRun(A, run('run_1'));
    assert.ok(row !== null);
    const { headHash: _hash, ...known } = row;
    assert.deepEqual(known, {
      ...newRowFacts('run_1'),
      lane: 'talk',
      pool: 'gpu',
      priority: 'high',
      deadlineMs: START_MS + 5,
      status: 'waiting',
      waitingFor: 'time',
      startedAtMs: START_MS,
      percent: 12.5,
      turns: 1,
      toolCalls: 2,
      usage,
      cost: { microUsd: 9, known: false },
      runnableAtMs: START_MS + 1_000,
      headSeq: 3,
      fence: 1,
    });
    assert.equal(await store.getRun(B, run('run_1')), null, 'another org sees no run');
    assert.deepEqual(await store.readEntries(B, run('run_1'), { afterSeq: 0, limit: 10 }), []);
  });
}

function newRowFacts(id: string): object {
  const { queued: _queued, notBeforeMs: _notBefore, ...given } = newRun(A, id);
  return {
    ...given,
    status: 'queued',
    waitingFor: null,
    reason: '',
    purpose: 'live',
    trigger: 'manual',
    origin: null,
    createdAtMs: START_MS,
    startedAtMs: null,
    endedAtMs: null,
    rehearsed: false,
    phase: null,
    percent: null,
    turns: 0,
    toolCalls: 0,
    rules: 1,
  };
}

function batchTests(name: string, open: OpenStore): void {
  test(`${name}: a stale lease is refused alone in a batch [RUN-3, R8]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'), newRun(B, 'run_2'));
    const old = await claimOne(store, A, 'run_1');
    const good = await claimOne(store, B, 'run_2');
    await under.setTime(LEASE_MS + 1);
    const successor = await claimOne(store, A, 'run_1');
    assert.equal(successor.fence, old.fence + 1);
    const results = await store.append([request(old), request(good), request({ ...successor, headSeq: 7 })]);
    assert.deepEqual(
      results.map((result) => result.ok),
      ['stale', 'appended', 'stale'],
    );
    assert.equal((await events(store, A, 'run_1')).length, 1);
    await appended(store, request(successor));
  });

  test(`${name}: the same head is appended to once [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    const results = await store.append([request(lease), request(lease)]);
    assert.deepEqual(
      results.map((result) => result.ok),
      ['appended', 'stale'],
    );
    assert.equal((await events(store, A, 'run_1')).length, 2);
  });

  test(`${name}: a companion that fails, or a payload that is refused, harms its own run only [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    const names = ['run_1', 'run_2', 'run_3', 'run_4', 'run_5'];
    await create(store, ...names.map((id) => newRun(A, id)));
    const leases = new Map((await claim(store)).map((lease) => [lease.run as string, lease]));
    const requests = names.map((id): AppendRequest => {
      const lease = leases.get(id);
      assert.ok(lease !== undefined);
      if (id === 'run_2') return request(lease, { companion: () => Promise.reject(new Error('no')) });
      if (id === 'run_3') return request(lease, { companion: (tx) => store.createRun(tx, newRun(A, 'run_child')) });
      if (id === 'run_4') return request(lease, { events: [{ event: noteEvent('x'), effectId: 'bad \0 id' }] });
      return request(lease);
    });
    const results = await store.append(requests);
    assert.deepEqual(
      results.map((result) => result.ok),
      ['appended', 'refused', 'appended', 'refused', 'appended'],
    );
    assert.ok((await store.getRun(A, run('run_child'))) !== null);
    assert.equal((await events(store, A, 'run_2')).length, 1);
    assert.equal((await events(store, A, 'run_4')).length, 1);
    assert.equal((await store.readEntries(A, run('run_child'), { afterSeq: 0, limit: 1 })).length, 1);
  });

  test(`${name}: a companion of a stale append is not run to effect [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    const result = await append(store, request({ ...lease, fence: 0 }, { companion: (tx) => store.createRun(tx, newRun(A, 'run_child')) }));
    assert.equal(result.ok, 'stale');
    assert.equal(await store.getRun(A, run('run_child')), null);
  });
}

function inboxTests(name: string, open: OpenStore): void {
  const put = (store: RunStore, id: string, text: string): Promise<boolean> =>
    store.transaction(A, (tx) => store.putInbox(tx, { org: A, run: run(id), kind: 'note', event: noteEvent(text), actor: ACTOR }));

  test(`${name}: the inbox of a held run is kept, and consumed exactly once [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    assert.equal(await put(store, 'run_1', 'one'), true);
    assert.equal(await put(store, 'run_1', 'two'), true);
    const inbox = await store.readInbox(A, run('run_1'));
    assert.deepEqual(
      inbox.map((item) => [item.kind, item.event]),
      [
        ['note', noteEvent('one')],
        ['note', noteEvent('two')],
      ],
    );
    const consumed = inbox.slice(0, 1).map((item) => item.id);
    const next = await appended(store, request(lease, { consumed }));
    assert.equal((await append(store, request(next, { consumed }))).ok, 'stale', 'a row consumed before is not journalled again');
    assert.deepEqual(
      (await store.readInbox(A, run('run_1'))).map((item) => item.event),
      [noteEvent('two')],
    );
    assert.deepEqual(await store.readInbox(B, run('run_1')), []);
  });

  test(`${name}: a row put while the run is held makes it runnable once it is released [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    const lease = await claimOne(store, A, 'run_1');
    await put(store, 'run_1', 'wake up');
    assert.deepEqual(await claim(store), [], 'it is held');
    await appended(store, request(lease, { patch: { release: { runnableAtMs: null } } }));
    assert.deepEqual(ids(await claim(store)), ['run_1']);
  });

  test(`${name}: a row wakes a run that waits, and an ended run takes none [RUN-3]`, async () => {
    await using under = await opened(open);
    const { store } = under;
    await create(store, newRun(A, 'run_1'));
    await appended(store, request(await claimOne(store, A, 'run_1'), { patch: { release: { runnableAtMs: START_MS + 60_000 } } }));
    assert.deepEqual(await claim(store), []);
    await put(store, 'run_1', 'wake up');
    const [lease] = await claim(store);
    assert.ok(lease !== undefined);
    await appended(store, ended(lease));
    assert.equal(await put(store, 'run_1', 'too late'), false);
    assert.equal(await put(store, 'run_none', 'nobody'), false);
    assert.deepEqual(await claim(store), []);
  });
}
