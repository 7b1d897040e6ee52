/**
 * The secrets of this user's projects in one file of the home folder, encrypted with AES-256-GCM under a key file of mode 600 (spec SEC-1,
 * SEC-2). The whole is one ciphertext, so that the file shows no names either. It protects copies of the file, not against who can read
 * the key file as well.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { LockDeps } from './file-lock.ts';
import { withLock } from './file-lock.ts';
import { SECRET_PATH } from './secret-form.ts';
import { writeWhole } from './write-file.ts';

export const VAULT_FILE = 'vault.json';
export const VAULT_KEY_FILE = 'vault.key';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const NAMES_MAX = 5_000;
const FINGERPRINT_CHARS = 8;
/** Bound into the ciphertext: a file of another format version does not open as this one. */
const FORMAT = 'windlass vault 1';

const Sealed = z.object({ format: z.literal(FORMAT), nonce: z.base64(), tag: z.base64(), data: z.base64() });
const Stored = z.object({ value: z.string(), form: z.string(), setAtMs: z.int() });
const Contents = z.record(z.string(), z.record(z.string(), Stored));
type Contents = z.infer<typeof Contents>;

/** What may be shown of a secret. The fingerprint is keyed, so that no value can be guessed by it. */
export type SecretView = { path: string; name: string; form: string; setAtMs: number; fingerprint: string };

export type Vault = {
  /** All, or those of one project; by path and name. */
  list(project?: string): Promise<SecretView[]>;
  /** Names and values of one path; empty when nothing is stored there. */
  read(path: string): Promise<Readonly<Record<string, string>>>;
  /** `check` sees the form of the value before and answers that of the new one. */
  set(secret: { path: string; name: string; value: string }, check: (before: string | null) => string): Promise<SecretView>;
  /** The paths it was removed from. */
  remove(name: string, paths: readonly string[]): Promise<string[]>;
};

export type VaultDeps = LockDeps & { home: string; randomBytes: (length: number) => Uint8Array };

/** `app/staging` of `/app/staging`. @throws AppError `invalid_input` */
export function secretPath(text: string): string {
  if (!SECRET_PATH.test(text)) {
    throw new AppError('invalid_input', `"${text.slice(0, 80)}" is no path of secrets.`, {
      next: 'Name the project, as in app, or one of its other two: app/vault (stored, never injected), app/staging (overrides there).',
    });
  }
  return text.replace(/^\//, '');
}

export function createVault(deps: VaultDeps): Vault {
  const { home, clock } = deps;
  const file = join(home, VAULT_FILE);
  const load = async (): Promise<{ key: Buffer | null; contents: Contents }> => {
    const sealed = await readFile(file, 'utf8').catch(absent);
    const key = await readKey(home);
    if (sealed === null) return { key, contents: {} };
    if (key === null) {
      throw new AppError('denied', `${file} is there and its key ${join(home, VAULT_KEY_FILE)} is not.`, {
        next: 'Put the key file back from your backup; without it the secrets are lost: remove the vault and set them anew.',
      });
    }
    return { key, contents: unseal(sealed, key, file) };
  };
  const change = <T>(work: (contents: Contents, key: Buffer) => { contents: Contents; answer: T }): Promise<T> =>
    withLock(`${file}.lock`, deps, async () => {
      const loaded = await load();
      const key = loaded.key ?? (await makeKey(deps));
      const { contents, answer } = work(loaded.contents, key);
      await writeWhole(file, seal(contents, key, deps.randomBytes(NONCE_BYTES)), 0o600);
      return answer;
    });
  return {
    async list(project) {
      const { key, contents } = await load();
      return Object.keys(contents)
        .toSorted()
        .filter((path) => project === undefined || path.split('/')[0] === project)
        .flatMap((path) =>
          Object.entries(contents[path] ?? {})
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, stored]) => view({ path, name, key }, stored)),
        );
    },
    async read(path) {
      const { contents } = await load();
      return Object.fromEntries(Object.entries(contents[path] ?? {}).map(([name, { value }]) => [name, value]));
    },
    set: ({ path, name, value }, check) =>
      change((contents, key) => {
        const count = Object.values(contents).reduce((sum, names) => sum + Object.keys(names).length, 0);
        if (count >= NAMES_MAX) throw new AppError('too_large', `The vault holds ${NAMES_MAX} secrets, the most it takes.`);
        const stored = { value, form: check(contents[path]?.[name]?.form ?? null), setAtMs: clock.nowMs() };
        const changed = { ...contents, [path]: { ...contents[path], [name]: stored } };
        return { contents: changed, answer: view({ path, name, key }, stored) };
      }),
    remove: (name, paths) =>
      change((contents) => {
        const from = paths.filter((path) => Object.hasOwn(contents[path] ?? {}, name));
        const left = Object.entries(contents).map(([path, names]) => {
          const kept = from.includes(path) ? Object.entries(names).filter(([each]) => each !== name) : Object.entries(names);
          return [path, Object.fromEntries(kept)] as const;
        });
        return { contents: Object.fromEntries(left.filter(([, names]) => Object.keys(names).length > 0)), answer: from };
      }),
  };
}

function view({ path, name, key }: { path: string; name: string; key: Buffer | null }, { value, form, setAtMs }: z.infer<typeof Stored>): SecretView {
  const fingerprint = createHmac('sha256', key ?? '')
    .update(value)
    .digest('hex')
    .slice(0, FINGERPRINT_CHARS);
  return { path, name, form, setAtMs, fingerprint };
}

function seal(contents: Contents, key: Buffer, nonce: Uint8Array): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(FORMAT));
  const data = Buffer.concat([cipher.update(JSON.stringify(contents), 'utf8'), cipher.final()]);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return `${JSON.stringify({ format: FORMAT, nonce: text(nonce), tag: text(cipher.getAuthTag()), data: text(data) })}\n`;
}

function unseal(text: string, key: Buffer, file: string): Contents {
  try {
    const { nonce, tag, data } = Sealed.parse(JSON.parse(text));
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: 16 }).setAAD(Buffer.from(FORMAT));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    const bytes = Buffer.concat([decipher.update(Buffer.from(data, 'base64')), decipher.final()]);
    return Contents.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    // whatever the fault, nothing of the file's content may reach a message
    throw new AppError('denied', `${file} does not open with its key: one of the two was changed, or is of another machine.`, {
      next: 'Put both files back from one backup; or remove both and set the secrets anew.',
    });
  }
}

async function readKey(home: string): Promise<Buffer | null> {
  const path = join(home, VAULT_KEY_FILE);
  const text = await readFile(path, 'utf8').catch(absent);
  if (text === null) return null;
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
    throw new AppError('denied', `${path} can be read by others, so the vault is not opened.`, { next: `chmod 600 ${path}` });
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) throw new AppError('denied', `${path} holds no key of the vault.`, { next: 'Put it back from your backup.' });
  return key;
}

/** The lock of the vault is held. */
async function makeKey({ home, randomBytes }: VaultDeps): Promise<Buffer> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const key = Buffer.from(randomBytes(KEY_BYTES));
  const file = await open(join(home, VAULT_KEY_FILE), 'wx', 0o600);
  await file.writeFile(`${key.toString('base64')}\n`);
  await file.sync();
  await file.close();
  return key;
}

/** @throws the error again unless it says that there is no such file. */
function absent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw new AppError('denied', `The vault cannot be read: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
}
