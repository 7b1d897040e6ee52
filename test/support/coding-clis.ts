/**
 * The three coding CLIs without a terminal, each in a home folder of its own and pointed at the gateway as `docs/gateway.md` says. They come from the
 * cache folder of `test-clients.ts`.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

export type CodingCli = {
  name: 'claude' | 'codex' | 'gemini';
  /** A tool of its own that reads a file, as the model calls it. */
  read(path: string): { name: string; json: string };
  /** Asks one question in `home`; answers all that was printed. */
  ask(options: Asking): Promise<{ code: number; output: string; ms: number }>;
};
type Asking = { folder: string; home: string; gateway: string; key: string; question: string };
type Program = { file: string; args: string[]; env: Record<string, string> };

const RUN_MS = 90_000;

export const CODING_CLIS: readonly CodingCli[] = [
  {
    name: 'claude',
    read: (path) => ({ name: 'Read', json: JSON.stringify({ file_path: path }) }),
    ask: (asking) =>
      run(asking, {
        file: 'claude',
        args: ['-p', asking.question, '--allowedTools', 'Read', '--output-format', 'json', '--model', 'claude-sonnet-5-5'],
        env: {
          ANTHROPIC_BASE_URL: `${asking.gateway}/anthropic`,
          ANTHROPIC_API_KEY: asking.key,
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
          CLAUDE_CONFIG_DIR: join(asking.home, '.claude'),
        },
      }),
  },
  {
    name: 'codex',
    read: (path) => ({ name: 'exec_command', json: JSON.stringify({ cmd: `cat ${path}` }) }),
    async ask(asking) {
      const config = [
        ...['model = "gpt-5.4-mini"', 'model_provider = "windlass"', 'approval_policy = "never"', 'sandbox_mode = "danger-full-access"'],
        ...['[model_providers.windlass]', 'name = "Windlass"', `base_url = "${asking.gateway}/openai/v1"`, 'wire_api = "responses"'],
        ...['env_key = "WINDLASS_VIRTUAL"', 'supports_websockets = false'],
      ];
      await mkdir(join(asking.home, '.codex'), { recursive: true });
      await writeFile(join(asking.home, '.codex/config.toml'), config.join('\n'));
      return run(asking, {
        file: 'codex',
        args: ['exec', '--json', '--skip-git-repo-check', '--disable', 'plugins', asking.question],
        env: { CODEX_HOME: join(asking.home, '.codex'), WINDLASS_VIRTUAL: asking.key },
      });
    },
  },
  {
    name: 'gemini',
    read: (path) => ({ name: 'read_file', json: JSON.stringify({ file_path: path }) }),
    async ask(asking) {
      const settings = {
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        general: { disableAutoUpdate: true },
      };
      await mkdir(join(asking.home, '.gemini'), { recursive: true });
      await writeFile(join(asking.home, '.gemini/settings.json'), JSON.stringify(settings));
      return run(asking, {
        file: 'gemini',
        args: ['-m', 'gemini-2.5-flash', '-p', asking.question, '-o', 'json', '--approval-mode', 'yolo'],
        env: { GEMINI_API_KEY: asking.key, GOOGLE_GEMINI_BASE_URL: `${asking.gateway}/google`, GEMINI_CLI_TRUST_WORKSPACE: 'true' },
      });
    },
  },
];

function run({ folder, home }: Asking, { file, args, env }: Program): Promise<{ code: number; output: string; ms: number }> {
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  const beganMs = performance.now();
  return new Promise((resolve) => {
    const child = execFile(
      join(folder, 'node_modules/.bin', file),
      args,
      { cwd: home, timeout: RUN_MS, maxBuffer: 32 * 1024 * 1024, env: { PATH: path, HOME: home, NO_PROXY: '127.0.0.1', ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr, ms: performance.now() - beganMs });
      },
    );
    child.stdin?.end(); // one of them reads it to its end
  });
}
