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
import { bundledNode, missingPackage, runOn, stripsTypes } from './launch.mjs';

const EXIT_USAGE = 2;

function stop(what, next) {
  process.stderr.write(`windlass: ${what}\n  Next: ${next}\n`);
  process.exitCode = EXIT_USAGE;
}

async function runHere() {
  const home = process.env.WINDLASS_HOME || join(homedir(), '.windlass');
  // The home folder is the storage's to make, with its own mode; before the first start there is nothing to cache in.
  if (existsSync(home)) module.enableCompileCache?.(join(home, 'compile-cache'));
  try {
    await import('../src/clients/cli/main.ts');
  } catch (error) {
    const name = missingPackage(error);
    if (name === null) throw error;
    stop(`${name} is not installed.`, 'run `npm ci` in the folder that holds package.json.');
  }
}

const self = fileURLToPath(import.meta.url);
if (stripsTypes(process.versions.node)) {
  await runHere();
} else {
  const node = bundledNode({ platform: process.platform, arch: process.arch, from: self });
  if (node === null) {
    stop(
      `Node ${process.versions.node} is too old (22.18 is the least), and no Node of our own is installed for ${process.platform} ${process.arch}.`,
      'run `npm ci` with optional dependencies, or use Node 24.',
    );
  } else {
    runOn(node, [self, ...process.argv.slice(2)]);
  }
}
