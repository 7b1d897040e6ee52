#!/usr/bin/env node
/**
 * `node bin/node.mjs ARGS` is `node ARGS` on a Node that strips types: this one when it is new enough, else the one that the packages bring.
 * npm scripts start here, because npm 10 does not link the bundled Node into node_modules/.bin.
 */
import { delimiter, dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { noNode, pickNode, runOn } from './launch.mjs';

const node = pickNode(fileURLToPath(import.meta.url));
if (node === null) {
  process.stderr.write(noNode());
  process.exitCode = 2;
} else {
  // What the script starts by name gets the same Node.
  process.env.PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  runOn(node, process.argv.slice(2));
}
