/**
 * The one source in each CLI's format (spec LCH-3): instructions as a block of AGENTS.md, CLAUDE.md and GEMINI.md, skills where each CLI
 * looks for them, commands. The rules for stopping and the boundary are in every one of them (spec LCH-7). Pure.
 */
import { BOUNDARY_RULE, STOP_RULES } from '../../kernel/stop-rules.ts';
import type { OwnedFile } from './owned.ts';
import type { Source, SourceFile } from './source-folder.ts';
import { frontMatter } from './source-folder.ts';
import { MARKDOWN_MARKS } from './text-block.ts';

export const RENDER_GROUP = 'render';

/** Where the CLIs read, relative to a repository or to a person's own folder. */
export type Layout = {
  instructions: readonly string[];
  /** The line by which the others of them take AGENTS.md in whole: what stands there is not told twice. */
  imports: RegExp | null;
  claudeSkills: string;
  claudeCommands: string;
  sharedSkills: string;
  geminiCommands: string;
};

export const PROJECT_LAYOUT: Layout = {
  instructions: ['AGENTS.md', 'CLAUDE.md', 'GEMINI.md'],
  imports: /^@(?:\.\/)?AGENTS\.md\s*$/m,
  claudeSkills: '.claude/skills',
  claudeCommands: '.claude/commands',
  sharedSkills: '.agents/skills',
  geminiCommands: '.gemini/commands',
};
export const USER_LAYOUT: Layout = {
  ...PROJECT_LAYOUT,
  instructions: ['.codex/AGENTS.md', '.claude/CLAUDE.md', '.gemini/GEMINI.md'],
  imports: null,
};

const SESSION = `Begin with \`session_start\` of the \`windlass\` tools: it says where you are, what was handed over and who else is at work. End with
\`session_end\` and a handoff of what is done, what is not, and what is next. Notes are written only when a person asks for one.`;

const REVIEWS = `Before you write or judge code, look for rules that hold here: \`windlass standard search "…"\`, or the tool \`standards_search\`. For the judgement of
others there is \`windlass review\` (what is not committed; \`main..HEAD\`; \`--persona security,sre\`; \`--panel\` for seven reviewers and grades), or the tool
\`persona_review\`: it goes on by itself and ends with findings that quote the source. When you see a pattern repeat, propose it with \`windlass standard propose\`
or \`standard_propose\`; it becomes a rule only when a person approves it. \`windlass review personas\` says who can review.`;

export function renderInstructions(source: Pick<Source, 'instructions'>): string {
  const own = source.instructions === '' ? [] : [source.instructions, ''];
  return [
    ...own,
    '## Sessions',
    '',
    SESSION,
    '',
    '## Reviews and standards',
    '',
    REVIEWS,
    '',
    '## When to stop',
    '',
    STOP_RULES,
    '',
    '## Boundary',
    '',
    BOUNDARY_RULE,
  ].join('\n');
}

export function renderAll(source: Source, layout: Layout): OwnedFile[] {
  const body = renderInstructions(source);
  return [
    ...layout.instructions.map((path): OwnedFile => ({
      ...{ kind: 'block', path, body, marks: MARKDOWN_MARKS },
      ...(layout.imports !== null && path !== 'AGENTS.md' ? { unless: layout.imports } : {}),
    })),
    ...source.skills.flatMap(({ name, files }) =>
      files.flatMap((file): OwnedFile[] => [
        { kind: 'whole', path: `${layout.claudeSkills}/${name}/${file.path}`, text: forParallel(file) },
        { kind: 'whole', path: `${layout.sharedSkills}/${name}/${file.path}`, text: inPasses(file) },
      ]),
    ),
    ...source.commands.flatMap(({ name, text }): OwnedFile[] => [
      { kind: 'whole', path: `${layout.claudeCommands}/${name}.md`, text },
      { kind: 'whole', path: `${layout.geminiCommands}/${name}.toml`, text: commandToml(text) },
      // Codex has no commands of a project; as a skill it is called by its name
      { kind: 'whole', path: `${layout.sharedSkills}/${name}/SKILL.md`, text: commandSkill(name, text) },
    ]),
  ];
}

const PARALLEL = /^<!-- parallel -->\n([\s\S]*?)^<!-- \/parallel -->\n?/gm;

/** Items between `<!-- parallel -->` marks are work for helpers at the same time. */
function forParallel({ text }: SourceFile): string {
  return text.replaceAll(
    PARALLEL,
    (_whole, items: string) =>
      `Do these at the same time, each with a helper (subagent) of its own, then bring what they found together:\n\n${items}`,
  );
}

/** For CLIs that have no helpers: one after the other, in order. */
function inPasses({ text }: SourceFile): string {
  return text.replaceAll(PARALLEL, (_whole, items: string) => {
    let number = 0;
    const passes = items.replaceAll(/^[-*] /gm, () => `${(number += 1)}. `);
    return `Do these in passes, one after the other; finish each and write down what it found before the next, then bring it together:\n\n${passes}`;
  });
}

function description(text: string): string {
  const said = /^description: *(.+)$/m
    .exec(frontMatter(text).head)?.[1]
    ?.trim()
    .replace(/^(["'])(.*)\1$/, '$2');
  return said ?? /^\s*#* *(.+)$/m.exec(frontMatter(text).body)?.[1]?.trim() ?? '';
}

/** Claude Code's word for what is typed behind the command, in Gemini CLI's. */
function commandToml(text: string): string {
  const prompt = frontMatter(text).body.trim().replaceAll('$ARGUMENTS', '{{args}}');
  return `description = ${JSON.stringify(description(text))}\nprompt = ${JSON.stringify(prompt)}\n`;
}

function commandSkill(name: string, text: string): string {
  const body = frontMatter(text).body.trim().replaceAll('$ARGUMENTS', 'what the person said with it');
  return `---\nname: ${name}\ndescription: ${JSON.stringify(`Only when a person asks for "${name}": ${description(text)}`)}\n---\n\n${body}\n`;
}
