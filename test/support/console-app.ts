/** The HTTP app with the console in it and nothing else. */
import { mountConsole } from '../../src/surfaces/http/console.ts';
import type { HttpApp } from '../../src/surfaces/http/context.ts';
import { fakeApp } from './cli.ts';

export function createConsoleApp(folder: string): HttpApp {
  const app = fakeApp({});
  mountConsole(app, { folder });
  return app;
}
