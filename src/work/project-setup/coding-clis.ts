/** Which coding CLIs are installed on this machine, and whether their configuration names Windlass. Reads, and starts nothing. */
import { access, constants, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type CodingCli = { name: string; registered: boolean };

/** Below the home folder, and below a checkout. */
const FILES = {
  claude: { home: ['.claude.json', '.claude/settings.json'], checkout: ['.mcp.json'] },
  codex: { home: ['.codex/config.toml'], checkout: ['.codex/config.toml'] },
  gemini: { home: ['.gemini/settings.json'], checkout: ['.gemini/settings.json'] },
} as const;

export function createCodingClis({ path, home }: { path: string; home: string }): (checkout: string | null) => Promise<CodingCli[]> {
  return async (checkout) => {
    const found = await Promise.all(
      Object.entries(FILES).map(async ([name, files]) => {
        if (!(await isInstalled(name, path))) return [];
        const places = [
          ...files.home.map((file) => join(home, file)),
          ...(checkout === null ? [] : files.checkout.map((file) => join(checkout, file))),
        ];
        const texts = await Promise.all(places.map((place) => readFile(place, 'utf8').catch(() => ''))); // most are not there
        return [{ name, registered: texts.some((text) => /"windlass"\s*:|\[mcp_servers\."?windlass/.test(text)) }];
      }),
    );
    return found.flat();
  };
}

async function isInstalled(name: string, path: string): Promise<boolean> {
  const places = path.split(delimiter).filter((folder) => folder !== '');
  const found = await Promise.all(
    places.map((folder) =>
      access(join(folder, name), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
