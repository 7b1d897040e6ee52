/**
 * Where personas come from: those that ship, those of Windlass's home, those of a project's checkout. A name belongs to the first that
 * has it, so that nothing in a repository can pass for a persona that ships. A file with faults is named, never skipped in silence.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../../kernel/errors.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Persona } from './persona.ts';
import { CORE_PERSONAS, parsePersona, PERSONA_LIMITS } from './persona.ts';

export type Origin = 'shipped' | 'home' | 'repository';
export type Found = { persona: Persona; from: Origin };
export type Shelf = { found: Found[]; faults: Fault[] };

export type Library = {
  /** All there are for a checkout, or without one. */
  list(checkout: string | null): Promise<Shelf>;
  /** @throws AppError `not_found` with what there is, `invalid_input` with every fault of its file */
  get(name: string, checkout: string | null): Promise<Persona>;
  /** The seven that ship as core. */
  core(): Promise<Persona[]>;
};

export function createLibrary(deps: { shipped: string; home: string }): Library {
  let shipping: Promise<Shelf> | null = null;
  // files of ours do not change while we run
  const shipped = (): Promise<Shelf> => (shipping ??= readFolder(deps.shipped, 'shipped'));

  const list = async (checkout: string | null): Promise<Shelf> => {
    const shelves = await Promise.all([
      shipped(),
      readFolder(join(deps.home, 'personas'), 'home'),
      ...(checkout === null ? [] : [readFolder(join(checkout, 'personas'), 'repository')]),
    ]);
    const found = new Map<string, Found>();
    const faults = shelves.flatMap((shelf) => shelf.faults);
    for (const each of shelves.flatMap((shelf) => shelf.found)) {
      const { name } = each.persona;
      const other = found.get(name);
      if (other === undefined) found.set(name, each);
      else faults.push({ path: `personas/${name}.md`, line: 1, message: `the name ${name} belongs to one that is ${IS[other.from]}` });
    }
    return { found: [...found.values()], faults };
  };

  return {
    list,
    async get(name, checkout) {
      const ours = (await shipped()).found.find(({ persona }) => persona.name === name);
      if (ours !== undefined) return ours.persona;
      const shelf = await list(checkout);
      const found = shelf.found.find(({ persona }) => persona.name === name);
      if (found !== undefined) return found.persona;
      const faults = shelf.faults.filter((fault) => fault.path.startsWith(`personas/${name}.md`));
      if (faults.length > 0) {
        const said = faults.map((fault) => `${fault.path}:${fault.line ?? 1}: ${fault.message}`).join('; ');
        throw new AppError('invalid_input', `The persona ${name} cannot be used. ${said}.`, { faults, next: 'Mend its file and ask again.' });
      }
      throw new AppError('not_found', `There is no persona ${name.slice(0, 60)}.`, {
        next: `There are: ${shelf.found.map(({ persona }) => persona.name).join(', ')}. Another one is a Markdown file in a personas folder.`,
      });
    },
    async core() {
      const { found } = await shipped();
      return CORE_PERSONAS.flatMap((name) => found.flatMap(({ persona }) => (persona.name === name ? [persona] : [])));
    },
  };
}

const IS: Record<Origin, string> = { shipped: 'shipped with Windlass', home: "in Windlass's home", repository: 'in the repository' };

/** A folder that is not there holds none. */
async function readFolder(folder: string, from: Origin): Promise<Shelf> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // not there, or not to be read: then there are none
  const names = entries.flatMap((entry) => (entry.isFile() && entry.name.endsWith('.md') ? [entry.name] : [])).toSorted();
  const found: Found[] = [];
  const faults: Fault[] = [];
  for (const name of names.slice(0, PERSONA_LIMITS.filesInFolder)) {
    const path = `personas/${name}`;
    try {
      const parsed = parsePersona(await readFile(join(folder, name), 'utf8'), path);
      if (!parsed.ok) faults.push(...parsed.faults);
      else if (`${parsed.persona.name}.md` === name) found.push({ persona: parsed.persona, from });
      else faults.push({ path, line: 1, message: `its name is ${parsed.persona.name}, so the file must be ${parsed.persona.name}.md` });
    } catch (error) {
      // one file that cannot be read is named, and the others go on
      faults.push({ path, line: 1, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  if (names.length > PERSONA_LIMITS.filesInFolder)
    faults.push({ path: 'personas', message: `holds more than ${PERSONA_LIMITS.filesInFolder} files; the others are not read` });
  return { found, faults };
}
