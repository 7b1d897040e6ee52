/**
 * Pages as people see them: at three widths and in both themes, nothing that axe faults, nothing wider than the screen, nothing asked of
 * another origin, no error. `WINDLASS_PICTURES` names a folder for a picture of each, to be looked at.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { axeFaults } from './axe.ts';
import type { TestBrowser } from './browser.ts';
import type { TestServer } from './server.ts';

const PICTURES = process.env['WINDLASS_PICTURES'];

export const LOOKS = [
  { width: 375, theme: 'light', touch: true },
  { width: 768, theme: 'dark' },
  { width: 1440, theme: 'light' },
] as const;

/** What is touched by itself, as opposed to a link within a sentence, and is less than 44 px high. */
const TOO_SMALL = `[...document.querySelectorAll('button:not(.over), .button, input:not([type=checkbox]), select, textarea, summary, label.check, .tabs a, .bar a, .crumbs a, tr:has(.over)')]
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 0 && height > 0 && height < 43.9)
  .map(([each, { height }]) => each.tagName + ' "' + (each.getAttribute('aria-label') ?? each.textContent ?? '').trim().slice(0, 40) + '" of ' + Math.round(height) + ' px')`;

/** `told` stands in the names of the pictures. */
export async function lookAt(browser: TestBrowser, server: TestServer, seen: { paths: readonly string[]; told: string }): Promise<void> {
  const found: string[] = [];
  for (const look of PICTURES === undefined ? LOOKS : [...LOOKS, { width: 1440, theme: 'dark' } as const]) {
    const { page, context, faults } = await browser.open(server, '/', look);
    for (const path of seen.paths) {
      const at = `${path} at ${look.width} px, ${look.theme}`;
      await page.goto(server.url + path);
      await settled(page);
      await picture(page, `${seen.told}${path}-${look.width}-${look.theme}`);
      found.push(...(await axeFaults(page)).map((fault) => `${at}: ${fault}`));
      if (look.width === 375) found.push(...(await page.evaluate<string[]>(TOO_SMALL)).map((each) => `${at}: ${each} is too small for a finger`));
      if (!(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'))) found.push(`${at} is wider than the screen`);
    }
    found.push(...faults.map((fault) => `${look.width} px, ${look.theme}: ${fault}`));
    await context.close();
  }
  assert.equal(found.join('\n'), '');
}

/** Nothing is loading any more. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('h1');
  await page.waitForSelector('.bones', { state: 'detached' });
}

export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await page.screenshot({ path: join(PICTURES, `${name.replaceAll(/[^\w-]+/g, '_')}.png`), fullPage: true });
}
