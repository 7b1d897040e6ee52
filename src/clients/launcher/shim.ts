/** A `windlass` on PATH for what the launcher starts: hooks and the MCP server call it by that name, whatever is installed elsewhere. */
import { mkdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../config.ts';
import { writeWhole } from './write-file.ts';

const BIN = fileURLToPath(new URL('../../../bin/windlass.mjs', import.meta.url));

/** The folder to put first on PATH. */
export async function ensureShim(home: string, node: string): Promise<string> {
  const folder = join(home, 'bin');
  const path = join(folder, 'windlass');
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const script = `#!/bin/sh\nexec ${quoted(node)} ${quoted(BIN)} "$@"\n`;
  const before = await readFile(path, 'utf8').catch(() => ''); // the first launch
  if (before !== script) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeWhole(path, script, 0o700);
  }
  return folder;
}

export function withFirst(env: Environment, folder: string): string {
  return [folder, ...(env['PATH'] ?? '').split(delimiter).filter((each) => each !== folder)].join(delimiter);
}
