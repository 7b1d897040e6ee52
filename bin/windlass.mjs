#!/usr/bin/env node
/**
 * The command's first line: plain JavaScript that any Node from 18 on can read. It finds a Node that runs TypeScript and hands over to the CLI.
 * It knows no command itself.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { missingPackage, noNode, pickNode, runOn } from './launch.mjs';

const EXIT_USAGE = 2;

async function runHere() {
  const home = process.env.WINDLASS_HOME || join(homedir(), '.windlass');
  // The home folder is the storage's to make, with its own mode; before the first start there is nothing to cache in.
  if (existsSync(home)) module.enableCompileCache?.(join(home, 'compile-cache'));
  try {
    await import('../src/clients/cli/main.ts');
  } catch (error) {
    const name = missingPackage(error);
    if (name === null) throw error;
    process.stderr.write(`windlass: ${name} is not installed.\n  Next: run \`npm ci\` in the folder that holds package.json.\n`);
    process.exitCode = EXIT_USAGE;
  }
}

const self = fileURLToPath(import.meta.url);
const node = pickNode(self);
if (node === process.execPath) {
  await runHere();
} else if (node === null) {
  process.stderr.write(noNode());
  process.exitCode = EXIT_USAGE;
} else {
  runOn(node, [self, ...process.argv.slice(2)]);
}
