/** JSON that is kept in the home folder to be quicker or to do without the server: losing it, or finding it broken, costs nothing else. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { writeWhole } from './write-file.ts';

/** Null when it is not there, or not of that shape. */
export async function readKept<S extends z.ZodType>(path: string, shape: S): Promise<z.output<S> | null> {
  try {
    return shape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null; // never kept, of another version, or broken: it is made anew
  }
}

export async function keep(path: string, value: unknown): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeWhole(path, `${JSON.stringify(value)}\n`, 0o600);
  } catch {
    // a home that cannot be written: everything is asked for again next time
  }
}
