/** What axe finds on a page that people with disabilities cannot use, a line each. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Found = { violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] };

export async function axeFaults(page: Page): Promise<string[]> {
  // by the debugger, which the page's own policy does not bind
  await page.evaluate(SOURCE);
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`;
  const { violations } = (await page.evaluate(run)) as Found;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help} at ${target.join(' ')} ${failureSummary ?? ''}`),
  );
}
