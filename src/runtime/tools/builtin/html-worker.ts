/** The thread in which HTML becomes Markdown: a page may be built to take for ever, and this can be stopped. Used by `html-to-markdown.ts` alone. */
import { parentPort, workerData } from 'node:worker_threads';
import TurndownService from 'turndown';

const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' });
turndown.remove(['script', 'style', 'noscript', 'iframe', 'template', 'object', 'embed', 'head']);
parentPort?.postMessage(turndown.turndown(String(workerData)));
