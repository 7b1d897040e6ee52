/** The key that the secrets of webhook sources are derived from: a file of this home, mode 600. Not the secrets themselves. */
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { AppError } from '../../kernel/errors.ts';
import type { RandomBytes } from '../../kernel/ids.ts';

export const SIGNING_KEY_FILE = 'webhook.key';
const KEY_BYTES = 32;

/** `mark` tells keys apart without telling the key. */
export type SigningKey = { bytes: Uint8Array; mark: string };
export type SigningKeys = {
  /** Makes the file the first time. */
  ensure(): Promise<SigningKey>;
  /** Null when this home has none. */
  read(): Promise<SigningKey | null>;
};

export function createSigningKeys({ path, randomBytes }: { path: string; randomBytes: RandomBytes }): SigningKeys {
  const read = async (): Promise<SigningKey | null> => {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null; // none was made yet
      throw new AppError('unavailable', 'The signing key of webhooks cannot be read.', { next: `Let the server read ${path}.`, cause: error });
    });
    if (text === null) return null;
    const bytes = Buffer.from(text.trim(), 'base64');
    if (bytes.length !== KEY_BYTES)
      throw new AppError('unavailable', 'The signing key of webhooks is damaged.', { next: `Put ${path} back from a backup, or remove it.` });
    return { bytes, mark: sha256Hex(bytes.toString('hex')).slice(0, 16) };
  };
  return {
    read,
    ensure: async () => {
      const known = await read();
      if (known !== null) return known;
      const made = Buffer.from(randomBytes(KEY_BYTES)).toString('base64');
      const unfinished = `${path}.${Buffer.from(randomBytes(8)).toString('hex')}`;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(unfinished, `${made}\n`, { mode: 0o600, flag: 'wx' });
      // a link is made once: of two at once the second finds the first one's key
      await link(unfinished, path).catch(() => {});
      await rm(unfinished);
      const kept = await read();
      if (kept === null)
        throw new AppError('unavailable', 'The signing key of webhooks could not be written.', { next: `Let the server write ${path}.` });
      return kept;
    },
  };
}
