/** A small repository with a change that deserves findings, for tests of reviews. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type ReviewRepository = Disposable & {
  path: string;
  write(name: string, text: string | Uint8Array): void;
  commit(subject: string): void;
  git(...args: string[]): string;
};

export const ORDERS_BEFORE = `export function total(items: { price: number }[]): number {
  return items.reduce((sum, item) => sum + item.price, 0);
}
`;
export const ORDERS_AFTER = `import { db } from './db.ts';

export function total(items: any): any {
  return items.reduce((sum: any, item: any) => sum + item.price, 0);
}

export async function findOrders(customer: string) {
  try {
    return await db.query(\`select * from orders where customer = '\${customer}'\`);
  } catch {}
}

const apiKey = "sk_live_9f8e7d6c5b4a39281706";

export async function notify(url: string) {
  console.log('notify', url);
  await fetch(url);
}
`;

export function reviewRepository(): ReviewRepository {
  const path = mkdtempSync(join(tmpdir(), 'windlass-review-'));
  const git = (...args: string[]): string => {
    const identity = ['-c', 'user.name=Rae', '-c', 'user.email=rae@example.org', '-c', 'commit.gpgsign=false', '-c', 'core.autocrlf=false'];
    const { status, stdout, stderr } = spawnSync('git', ['-C', path, ...identity, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  const write = (name: string, text: string | Uint8Array): void => {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), text);
  };
  const commit = (subject: string): void => {
    git('add', '-A');
    git('commit', '-q', '-m', subject);
  };
  git('init', '-q', '-b', 'main');
  write('src/orders.ts', ORDERS_BEFORE);
  write('README.md', '# Orders\n');
  commit('Begin');
  return { path, git, write, commit, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
