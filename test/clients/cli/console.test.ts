/** `windlass console`: a link that signs a browser in, and what the key behind it cannot do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOperations } from '../../../src/platform/identity/contract.ts';
import { signInOperations } from '../../../src/platform/sign-in/contract.ts';
import { NOW_MS, answers, windlass } from '../../support/cli.ts';

const server = (permissions: string[]) => ({
  operations: [
    answers(signInOperations.link, () => ({ token: 'wll_x', path: '/sign-in#wll_x', expiresAtMs: NOW_MS + 900_000 })),
    answers(identityOperations.whoami, () => ({
      actor: { id: 'act_1', kind: 'user' as const, name: 'Tess' },
      key: { id: 'key_1', fingerprint: '0123' },
      role: 'owner' as const,
      scopes: ['read' as const],
      permissions,
    })),
  ],
});

test('a link is printed with whose it is, and a key that cannot answer says what to do [CLI-1]', async () => {
  const owner = await windlass(['console'], { server: server(['approvals.answer']) });
  assert.deepEqual([owner.exit, owner.err], [0, '']);
  assert.match(owner.out, /^http:\/\/127\.0\.0\.1:7420\/sign-in#wll_x\n/);
  assert.match(owner.out, /Good once, for 15 minutes; it signs in as Tess \(owner\)\./);
  assert.doesNotMatch(owner.out, /WINDLASS_KEY/);
  assert.match((await windlass(['console'], { server: server([]) })).out, /set WINDLASS_KEY to the owner key/);
  const json = JSON.parse((await windlass(['console', '--json'], { server: server([]) })).out) as object;
  assert.deepEqual(json, { address: 'http://127.0.0.1:7420/sign-in#wll_x', expiresAtMs: NOW_MS + 900_000, as: 'Tess', role: 'owner' });
});
