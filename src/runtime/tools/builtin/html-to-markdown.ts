/** HTML as Markdown, made in a thread of its own that is stopped with the call. Not a browser: no script runs, nothing is loaded. */
import { Worker } from 'node:worker_threads';

const MEMORY_MB = 256;

/** Null when the page cannot be turned, or not in time: the caller shows its text as it is. */
export function htmlToMarkdown(html: string, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./html-worker.ts', import.meta.url), {
      workerData: html,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
    });
    const finish = (markdown: string | null): void => {
      signal.removeEventListener('abort', abort);
      void worker.terminate();
      resolve(markdown);
    };
    const abort = (): void => finish(null);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    worker.once('message', (markdown: unknown) => finish(String(markdown)));
    // too deep, too large, or not what turndown understands
    worker.once('error', () => finish(null));
    worker.once('exit', () => finish(null));
  });
}
