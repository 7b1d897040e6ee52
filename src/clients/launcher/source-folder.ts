/** The one source that instructions, skills and commands are rendered from: `.windlass/` of a repository, or of a person's home folder. */
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { AppError } from '../../kernel/errors.ts';

export type SourceFile = { path: string; text: string };
export type Source = {
  /** Markdown; empty when there is none. */
  instructions: string;
  /** By name: all files of the skill, `SKILL.md` among them; paths relative to its folder. */
  skills: readonly { name: string; files: readonly SourceFile[] }[];
  commands: readonly { name: string; text: string }[];
};

const FILES_MAX = 500;
const BYTES_MAX = 512 * 1024;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Follows links within the folder that the source lies in. @throws AppError `configuration` naming the file and what is wrong with it. */
export async function readSource(folder: string): Promise<Source> {
  const within = await realpath(dirname(folder)).catch(() => dirname(folder)); // not there: then there is nothing to read either
  const readText = (path: string): Promise<string | null> => readTextWithin(within, path);
  const skills = await names(join(folder, 'skills'), 'a skill');
  const commands = (await names(join(folder, 'commands'), 'a command', '.md')).map((name) => ({
    name,
    path: join(folder, 'commands', `${name}.md`),
  }));
  const double = skills.find((name) => commands.some((command) => command.name === name));
  if (double !== undefined) throw fault(`${folder} has a skill and a command called ${double}`, 'Rename one of them: some CLIs know both as one.');
  return {
    instructions: ((await readText(join(folder, 'instructions.md'))) ?? '').trim(),
    skills: await Promise.all(skills.map(async (name) => ({ name, files: await readSkill(join(folder, 'skills', name), readText) }))),
    commands: await Promise.all(commands.map(async ({ name, path }) => ({ name, text: (await readText(path)) ?? '' }))),
  };
}

async function names(folder: string, what: string, ending = ''): Promise<string[]> {
  const found = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.')).toSorted(); // there are none
  return found.map((entry) => {
    const name = ending === '' ? entry : entry.replace(/\.md$/, '');
    if (!entry.endsWith(ending) || !NAME.test(name)) {
      throw fault(
        `${join(folder, entry)} is not named like ${what}`,
        `Lower-case letters, digits and dashes${ending === '' ? '' : `, ending in ${ending}`}.`,
      );
    }
    return name;
  });
}

async function readSkill(folder: string, readText: (path: string) => Promise<string | null>): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
  if (paths.length > FILES_MAX) throw fault(`${folder} has more than ${FILES_MAX} files`, 'Make it smaller.');
  const files = await Promise.all(paths.toSorted().map(async (path) => ({ path, text: (await readText(join(folder, path))) ?? '' })));
  const main = files.find(({ path }) => path === 'SKILL.md');
  if (main === undefined) throw fault(`${folder} has no SKILL.md`, 'Write one, with name and description between --- at its top.');
  const { head } = frontMatter(main.text);
  if (!/^description: *\S/m.test(head))
    throw fault(`${join(folder, 'SKILL.md')} has no description`, 'Put `description: when to use it` between --- at its top.');
  return files;
}

/** What a repository of somebody else links to elsewhere is not copied into its files, where models and commits take it along. */
async function readTextWithin(within: string, path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null); // there is none
  if (found === null) return null;
  if (!(await realpath(path)).startsWith(within.endsWith(sep) ? within : within + sep))
    throw fault(`${path} is a link out of ${within}`, 'Put the file itself in its place.');
  if (found.size > BYTES_MAX) throw fault(`${path} has more than ${BYTES_MAX} bytes`, 'Make it smaller.');
  const bytes = await readFile(path);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw fault(`${path} is not in UTF-8`, 'Only text is rendered.');
  return text.replaceAll('\r\n', '\n');
}

/** What stands between `---` lines at the top, and the rest. */
export function frontMatter(text: string): { head: string; body: string } {
  const found = /^---\n([\s\S]*?)\n---\n?/.exec(text);
  return found === null ? { head: '', body: text } : { head: found[1] ?? '', body: text.slice(found[0].length) };
}

function fault(what: string, next: string): AppError {
  return new AppError('configuration', `${what}.`, { next });
}
