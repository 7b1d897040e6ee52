/** `.windlass/launch.yaml` of a repository: what a launch there needs. Names only, so that it can be committed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import { SECRET_NAME } from './secret-form.ts';

export const SOURCE_FOLDER = '.windlass';
export const LAUNCH_FILE = `${SOURCE_FOLDER}/launch.yaml`;

const NAMES_MAX = 200;
const Names = z.array(z.string().regex(SECRET_NAME, 'must be the name of a variable')).max(NAMES_MAX).default([]);

const LaunchFile = z.strictObject({
  secrets: z
    .strictObject({
      /** A launch without one of these stops. */
      required: Names,
      /** Taken along when the vault or the shell has them. */
      optional: Names,
    })
    .prefault({}),
});
export type LaunchFile = z.infer<typeof LaunchFile>;

/** Without the file: nothing is needed. @throws AppError `configuration` with each fault. */
export async function readLaunchFile(checkout: string | null): Promise<LaunchFile> {
  if (checkout === null) return LaunchFile.parse({});
  const path = join(checkout, LAUNCH_FILE);
  let raw: unknown;
  try {
    raw = parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return LaunchFile.parse({});
    throw new AppError('configuration', `${path} cannot be read: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}.`, {
      cause: error,
    });
  }
  const parsed = LaunchFile.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  throw new AppError('configuration', `${path} is not valid.`, {
    next: 'It may hold `secrets: {required: [NAME], optional: [NAME]}`, names only.',
    faults: parsed.error.issues.map(({ path: at, message }) => ({ path: at.join('.') || 'the whole', message })),
  });
}
