/** A real browser for tests of the console: the system's Chromium, where there is one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import type { TestServer } from './server.ts';

const ROOT = join(import.meta.dirname, '../..');
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executablePath = [process.env['WINDLASS_CHROMIUM'] ?? '', ...PLACES].find((path) => path !== '' && existsSync(path));

/** For `skip` of a test: why there is no browser, or false. */
export const NO_BROWSER = executablePath === undefined ? 'no Chromium here: apt-get install chromium, or name one in WINDLASS_CHROMIUM' : false;

export type TestBrowser = AsyncDisposable & {
  browser: Browser;
  /** A browser of its own that is signed in, and a page of it at `path`. Whatever the page asks of another origin, or breaks on, fails. */
  open(server: TestServer, path?: string, options?: Look): Promise<TestPage>;
};
export type Look = { width?: number; height?: number; theme?: 'light' | 'dark'; key?: string; touch?: boolean };
export type TestPage = { page: Page; context: BrowserContext; faults: string[] };

/** Builds the console first when it is not of these sources. */
export async function testBrowser(): Promise<TestBrowser> {
  const built = spawnSync(process.execPath, [join(ROOT, 'web/build.ts'), '--if-stale'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the console does not build:\n${built.stderr}`);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  return {
    browser,
    async open(server, path = '/', look = {}) {
      const context = await browser.newContext({
        viewport: { width: look.width ?? 1440, height: look.height ?? 900 },
        colorScheme: look.theme ?? 'light',
        hasTouch: look.touch ?? false,
      });
      const faults: string[] = [];
      context.on('request', (request) => {
        if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) faults.push(`asked for ${request.url()}`);
      });
      context.on('weberror', (error) => faults.push(error.error().message));
      context.on('console', (message) => {
        if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) faults.push(message.text());
      });
      const signedIn = await context.request.post(`${server.url}/session`, {
        data: { key: look.key ?? server.ownerKey },
        headers: { origin: server.url },
      });
      if (!signedIn.ok()) throw new Error(`signing in answered ${signedIn.status()}`);
      const page = await context.newPage();
      await page.goto(server.url + path);
      return { page, context, faults };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
