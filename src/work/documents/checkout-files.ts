/** Reads the Markdown of a checkout: the files at its top and everything below `docs/`. Follows no link; changes nothing. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { textFault } from '../../kernel/text.ts';
import { DOCUMENT_LIMITS } from './document.ts';

/** `text` is null when the file cannot be kept, and `reason` says why. */
export type CheckoutFile = { name: string; text: string | null; reason: string };
export type CheckoutFiles = { files: CheckoutFile[]; cut: boolean };
export type ReadCheckout = (top: string) => Promise<CheckoutFiles>;

/** Null when the folder is not there or may not be read. */
async function namesIn(top: string): Promise<string[] | null> {
  const at = async (folder: string, recursive: boolean): Promise<string[]> => {
    const entries = await readdir(join(top, folder), { withFileTypes: true, recursive });
    return entries.filter((each) => each.isFile() && /\.md$/i.test(each.name)).map((each) => join(each.parentPath, each.name).slice(top.length + 1));
  };
  const above = await at('', false).catch(() => null); // the checkout was moved or may not be read: the caller says so
  if (above === null) return null;
  const below = await at('docs', true).catch(() => []); // no docs folder, which is no fault
  return [...above, ...below].toSorted();
}

/** Null when the checkout cannot be read. */
export async function readCheckout(top: string): Promise<CheckoutFiles | null> {
  const names = await namesIn(top);
  if (names === null) return null;
  const files: CheckoutFile[] = [];
  for (const name of names.slice(0, DOCUMENT_LIMITS.syncFiles)) files.push(await readOne(top, name));
  return { files, cut: names.length > DOCUMENT_LIMITS.syncFiles };
}

async function readOne(top: string, name: string): Promise<CheckoutFile> {
  const refused = (reason: string): CheckoutFile => ({ name, text: null, reason });
  try {
    const path = join(top, name);
    const { size } = await stat(path);
    if (size > DOCUMENT_LIMITS.contentBytes) return refused(`It is ${size} bytes, over the ${DOCUMENT_LIMITS.contentBytes} that are kept.`);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
    if (text === '') return refused('It is empty.');
    const fault = textFault(text, DOCUMENT_LIMITS.contentBytes);
    return fault === null ? { name, text, reason: '' } : refused(`It ${fault}.`);
  } catch (error) {
    // one file that cannot be read says why, and the others go on
    return refused(error instanceof TypeError ? 'It is not UTF-8.' : `It cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
