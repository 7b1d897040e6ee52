/** Tools of toolset `context` for what is kept and due: handoffs, notes, documents, duties, the weekly plan, the work queue, projects. */
import { z } from 'zod';
import { isoTime } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { renderCount } from '../../kernel/page.ts';
import { ProjectCode } from '../../kernel/project.ts';
import { data } from '../../kernel/say.ts';
import { cadenceOperations } from '../../work/cadence/contract.ts';
import type { AuditView, GenerateView } from '../../work/documents/contract.ts';
import { documentOperations } from '../../work/documents/contract.ts';
import { HandoffParts, handoffOperations } from '../../work/handoffs/contract.ts';
import { noteOperations } from '../../work/knowledge/contract.ts';
import { projectOperations } from '../../work/projects/contract.ts';
import { weeklyPlanOperations } from '../../work/weekly-plan/contract.ts';
import { workQueueOperations } from '../../work/work-queue/contract.ts';
import { handoffLine } from './context-session-tools.ts';
import type { Settled } from './context-tool.ts';
import { contextTool, needed, settled } from './context-tool.ts';
import { excerpt, EXCERPT_BYTES } from './excerpt.ts';
import { renderPage } from './render.ts';
import { Cursor, Limit } from './tool-inputs.ts';
import type { Tool } from './toolset.ts';
import { answer } from './toolset.ts';

const Project = ProjectCode.optional().meta({ description: 'Code of the project.' });
const Sized = {
  maxBytes: z.int().min(500).max(EXCERPT_BYTES.max).default(EXCERPT_BYTES.default).meta({ description: 'How much of the text.' }),
  summary: z.boolean().default(false).meta({ description: 'Only its outline.' }),
};

const HOW_FOUND = {
  likeness: 'No note has these words; these have titles like them.',
  words_and_meaning: 'By words and meaning: what is near comes too, with or without these words.',
} as const;

/** @throws AppError `invalid_input` */
function given<T>(value: T | undefined, what: string, action: string): T {
  if (value !== undefined) return value;
  throw new AppError('invalid_input', `action ${action} needs ${what}.`, { next: `Call again with ${what}.` });
}

export const KNOWLEDGE_TOOLS: readonly Tool[] = [
  contextTool({
    name: 'handoff',
    title: 'Handoffs',
    description:
      'Leaves work to another project (send), lists what waits for a project, shows, takes or dismisses one. Your own project’s is left by session_end.',
    input: z.object({
      action: z.enum(['list', 'show', 'send', 'take', 'dismiss']).default('list'),
      id: z.string().max(60).optional(),
      project: z.string().max(100).optional().meta({ description: 'With list: whose.' }),
      all: z.boolean().default(false).meta({ description: 'With list: also what waits in no queue.' }),
      to: z.string().max(100).optional().meta({ description: 'With send: code of the other project.' }),
      handoff: HandoffParts.optional().meta({ description: 'With send.' }),
      reason: z.string().max(1_000).optional().meta({ description: 'With dismiss: why.' }),
      limit: Limit,
      cursor: Cursor,
      ...Sized,
    }),
    uses: [handoffOperations.list, handoffOperations.get, handoffOperations.write, handoffOperations.take, handoffOperations.dismiss],
    async run({ action, id, project, all, to, handoff, reason, maxBytes, summary, ...page }, { invoke }, session) {
      switch (action) {
        case 'list': {
          const found = await invoke(handoffOperations.list, { ...page, project, view: all ? 'all' : 'queue' });
          return answer(renderPage('handoffs', found, handoffLine), found);
        }
        case 'show': {
          const found = await invoke(handoffOperations.get, { id: given(id, 'id', action) });
          const { markdown, payload, ...view } = found;
          const shown = excerpt(markdown, { maxBytes, summary });
          return answer(`${handoffLine(view)}\n\n${shown.said}`, { ...view, ...(shown.whole ? { payload } : { markdown: shown.shown }) });
        }
        case 'send': {
          const target = given(to, 'to', action);
          const sent = await invoke(handoffOperations.write, { ...given(handoff, 'handoff', action), to: target, session: needed(session) });
          return answer(
            `${sent.created ? 'It waits' : 'It was left before and waits'} in the queue of ${data(target)}: ${handoffLine(sent.handoff)}`,
            sent,
          );
        }
        case 'take': {
          const taken = await invoke(handoffOperations.take, { id: given(id, 'id', action) });
          return answer(`Taken: ${handoffLine(taken)}`, taken);
        }
        case 'dismiss': {
          const dismissed = await invoke(handoffOperations.dismiss, { id: given(id, 'id', action), reason: given(reason, 'reason', action) });
          return answer(`Dismissed: ${handoffLine(dismissed)}`, dismissed);
        }
      }
    },
  }),
  contextTool({
    name: 'note',
    title: 'Keep a note',
    description:
      'Keeps a note at a person’s explicit word only: `word` is what they said that asked for it. With id and version it changes that note.',
    input: z.object({
      ...noteOperations.create.input.shape,
      title: noteOperations.create.input.shape.title.optional(),
      content: noteOperations.create.input.shape.content.optional(),
      tags: noteOperations.update.input.shape.tags,
      project: noteOperations.update.input.shape.project,
      id: z.string().max(60).optional(),
      version: z.int().min(1).optional(),
    }),
    uses: [noteOperations.create, noteOperations.update],
    async run({ id, version, title, content, tags, project, ...said }, { invoke }) {
      const kept =
        id === undefined
          ? await invoke(noteOperations.create, {
              title: given(title, 'title', 'create'),
              content: given(content, 'content', 'create'),
              tags,
              project,
              ...said,
            })
          : await invoke(noteOperations.update, { id, version: given(version, 'version', 'change'), title, content, tags, project, ...said });
      const scope = kept.project === null ? 'org-wide' : data(kept.project);
      return answer(`Kept: ${data(kept.title)} (${data(kept.id)}, version ${kept.version}, ${scope}).`, { ...kept, content: undefined });
    },
  }),
  contextTool({
    name: 'notes',
    title: 'Read notes',
    description: 'Reads one note by id, finds notes by words, or lists them by tag and project.',
    input: z.object({
      id: z.string().max(60).optional(),
      query: z.string().max(300).optional(),
      tag: z.string().max(40).optional(),
      project: Project,
      limit: Limit,
      cursor: Cursor,
      ...Sized,
    }),
    uses: [noteOperations.get, noteOperations.search, noteOperations.list],
    async run({ id, query, limit, cursor, maxBytes, summary, ...filter }, { invoke }) {
      if (id !== undefined) {
        const note = await invoke(noteOperations.get, { id });
        const shown = excerpt(note.content, { maxBytes, summary });
        const whence = `${note.project === null ? 'org-wide' : data(note.project)}, version ${note.version}, ${isoTime(note.updatedAtMs)} by ${data(note.written.by.name)}`;
        return answer(`${data(note.title)} (${data(note.id)}, ${whence})\n\n${shown.said}`, { ...note, content: shown.shown, whole: shown.whole });
      }
      const line = (note: { id: string; title: string; project: string | null; tags: readonly string[]; excerpt?: string }): string =>
        `${data(note.id)} ${data(note.title)} (${note.project === null ? 'org-wide' : data(note.project)}; ${note.tags.map((tag) => data(tag)).join(', ') || 'no tags'})${note.excerpt === undefined ? '' : `: ${data(note.excerpt)}`}`;
      if (query === undefined) {
        const page = await invoke(noteOperations.list, { ...filter, limit, cursor });
        return answer(renderPage('notes', page, line), page);
      }
      const found = await invoke(noteOperations.search, { ...filter, query, limit: Math.min(limit, 50) });
      const how = found.how === 'words' || found.shown === 0 ? '' : `${HOW_FOUND[found.how]}\n\n`;
      return answer(how + renderPage('notes', { ...found, next: null }, line), found);
    },
  }),
  contextTool({
    name: 'doc',
    title: 'Documents',
    description:
      'Lists documents, reads one by id, writes one under its name (every version is kept), or takes those of a project’s checkout (sync).',
    input: z.object({
      action: z.enum(['list', 'read', 'write', 'sync']).default('list'),
      id: z.string().max(60).optional(),
      version: z.int().min(1).optional(),
      project: Project,
      name: z.string().max(200).optional().meta({ description: 'With write, as in docs/API.md.' }),
      content: z.string().optional(),
      base: z.int().min(0).optional().meta({ description: 'With write: the version you read, 0 for none.' }),
      prefer: z
        .record(z.string(), z.enum(['repository', 'store']))
        .optional()
        .meta({ description: 'With sync: which side settles a conflict, by name.' }),
      limit: Limit,
      cursor: Cursor,
      ...Sized,
    }),
    uses: [documentOperations.list, documentOperations.get, documentOperations.put, documentOperations.sync],
    async run({ action, id, version, project, name, content, base, prefer, limit, cursor, maxBytes, summary }, { invoke }) {
      switch (action) {
        case 'list': {
          const page = await invoke(documentOperations.list, { project, limit, cursor });
          return answer(
            renderPage(
              'documents',
              page,
              (each) =>
                `${data(each.id)} ${data(each.name, 200)} (${each.project === null ? 'org-wide' : data(each.project)}, version ${each.version}, ${each.bytes} bytes, ${isoTime(each.updatedAtMs)})`,
            ),
            page,
          );
        }
        case 'read': {
          const found = await invoke(documentOperations.get, { id: given(id, 'id', action), version });
          const shown = excerpt(found.content, { maxBytes, summary });
          return answer(`${data(found.name, 200)} (${data(found.id)}, version ${found.shown.version} of ${found.version})\n\n${shown.said}`, {
            ...found,
            content: shown.shown,
            whole: shown.whole,
          });
        }
        case 'write': {
          const put = { name: given(name, 'name', action), content: given(content, 'content', action), project: project ?? null, base };
          const found = await invoke(documentOperations.put, put);
          return answer(`Kept: ${data(found.name, 200)} (${data(found.id)}), version ${found.version}.`, { ...found, content: undefined });
        }
        case 'sync': {
          const found = await invoke(documentOperations.sync, { code: given(project, 'project', action), prefer: prefer ?? {} });
          const told = found.results
            .filter(({ state }) => state !== 'unchanged')
            .map((each) => `- ${data(each.name, 200)}: ${each.state}${each.reason === '' ? '' : `, ${data(each.reason)}`}`);
          return answer(
            [
              `${found.results.length - told.length} unchanged, ${found.conflicts} conflicts${found.cut ? '; more files than one sync reads were left out' : ''}.`,
              ...told,
            ].join('\n'),
            found,
          );
        }
      }
    },
  }),
  contextTool({
    name: 'doc_audit',
    title: 'Audit documents',
    description:
      'Says which documents that a project must have are present, missing or stale, and writes those it can from what the repository really has; what somebody wrote stays.',
    input: z.object({ project: ProjectCode, generate: z.boolean().default(true).meta({ description: 'false only looks.' }) }),
    uses: [documentOperations.audit, documentOperations.generate],
    async run({ project, generate }, { invoke }) {
      const before = await invoke(documentOperations.audit, { code: project });
      const lacks = before.findings.some(({ state, generator }) => state !== 'present' && generator !== null);
      // without a checkout, or the right to write, the audit is worth showing all the same
      const healed = generate && lacks ? await settled(() => invoke(documentOperations.generate, { code: project })) : null;
      const audit = healed === null || 'error' in healed ? before : await invoke(documentOperations.audit, { code: project });
      return answer([...auditLines(audit), ...(healed === null ? [] : healedLines(healed))].join('\n'), {
        ...audit,
        generated: healed === null || 'error' in healed ? [] : healed.value.results,
      });
    },
  }),
  contextTool({
    name: 'cadence',
    title: 'Recurring duties',
    description:
      'Lists duties that come again and events that are planned, the one due first at the top; adds one (intervalDays, or at); records that one was done and what came of it.',
    input: z.object({
      action: z.enum(['list', 'add', 'done']).default('list'),
      project: Project,
      due: z.enum(['all', 'overdue']).default('all'),
      id: z.string().max(60).optional(),
      result: z.string().max(2_000).optional().meta({ description: 'With done: what came of it.' }),
      title: z.string().max(300).optional(),
      intervalDays: z.int().min(1).max(3_650).optional(),
      at: cadenceOperations.add.input.shape.at,
      link: cadenceOperations.add.input.shape.link,
      limit: Limit,
    }),
    uses: [cadenceOperations.list, cadenceOperations.add, cadenceOperations.done],
    async run({ action, project, due, id, result, title, intervalDays, at, link, limit }, { invoke }) {
      if (action === 'list') {
        const page = await invoke(cadenceOperations.list, { project, due, limit });
        return answer(renderPage('duties', page, dutyLine), page);
      }
      const duty =
        action === 'done'
          ? await invoke(cadenceOperations.done, { id: given(id, 'id', action), result: given(result, 'result', action) })
          : await invoke(cadenceOperations.add, {
              title: given(title, 'title', action),
              ...{ intervalDays, at, link },
              project: project ?? null,
            });
      return answer(`${action === 'done' ? 'Done' : 'Added'}: ${dutyLine(duty)}`, duty);
    },
  }),
  contextTool({
    name: 'weekly_plan',
    title: 'Weekly plan',
    description: 'Shows what the organization is after this week and whether that is stale; with goals it is written anew.',
    input: z.object({ ...weeklyPlanOperations.write.input.shape, goals: weeklyPlanOperations.write.input.shape.goals.optional() }),
    uses: [weeklyPlanOperations.read, weeklyPlanOperations.write],
    async run({ goals, ...rest }, { invoke }) {
      const { plan } =
        goals === undefined ? await invoke(weeklyPlanOperations.read, {}) : await invoke(weeklyPlanOperations.write, { ...rest, goals });
      if (plan === null) return answer('No weekly plan was ever written.', { plan });
      const age = plan.stale
        ? `**stale**, ${plan.ageDays} days old: ask before you rely on it`
        : `written ${isoTime(plan.atMs)} by ${data(plan.by.name)}`;
      const lines = plan.goals.map((goal) => `- ${data(goal, 300)}`);
      return answer(
        [
          `Version ${plan.version}, ${age}. Priority: ${plan.priorityProject === null ? 'no project' : data(plan.priorityProject)}.`,
          '',
          ...lines,
        ].join('\n'),
        { plan },
      );
    },
  }),
  contextTool({
    name: 'work_queue',
    title: 'Work queue',
    description: 'Lists open issues of the forge, the most urgent first, with totals that say what they are worth.',
    input: z.object({ project: Project, limit: Limit }),
    uses: [workQueueOperations.read],
    openWorld: true,
    async run(input, { invoke }) {
      const queue = await invoke(workQueueOperations.read, input);
      const failed = queue.sources
        .filter(({ state }) => state === 'failed')
        .map((each) => `- ${data(each.project)} **failed**, which is not the same as none: ${data(each.reason)}`);
      const items = queue.items.map(
        (each) => `- ${data(`${each.project}#${each.number}`)} ${each.priority}, ${each.status.replace('_', ' ')}: ${data(each.title)}`,
      );
      return answer(
        [`${queue.shown} of ${renderCount(queue.total)} open issues; urgent: ${renderCount(queue.byPriority.urgent)}.`, '', ...failed, ...items].join(
          '\n',
        ),
        queue,
      );
    },
  }),
  contextTool({
    name: 'projects',
    title: 'Projects',
    description: 'Lists the projects of the organization, or shows one.',
    input: z.object({ code: Project, limit: Limit, cursor: Cursor }),
    uses: [projectOperations.list, projectOperations.get],
    async run({ code, ...page }, { invoke }) {
      const line = (each: { code: string; name: string; remote: string | null }): string =>
        `${data(each.code)} ${data(each.name)}${each.remote === null ? '' : ` (${data(each.remote, 200)})`}`;
      if (code === undefined) {
        const found = await invoke(projectOperations.list, page);
        return answer(renderPage('projects', found, line), found);
      }
      const project = await invoke(projectOperations.get, { code });
      return answer(line(project), project);
    },
  }),
];

function auditLines({ project, overall, findings }: AuditView): string[] {
  const lines = findings.map(({ name, state, ageDays }) => `- ${data(name, 200)}: **${state}**${ageDays === null ? '' : `, ${ageDays} days old`}`);
  return [`${data(project)}: ${overall}.`, '', ...lines];
}

function healedLines(healed: Settled<GenerateView>): string[] {
  if ('error' in healed)
    return ['', `Nothing was generated: ${healed.error.message}${healed.error.next === undefined ? '' : ` ${healed.error.next}`}`];
  return [
    '',
    ...healed.value.results.map(({ name, state, reason, sources }) =>
      state === 'generated'
        ? `- ${data(name, 200)} generated from ${sources.map((each) => data(each, 200)).join(', ')}`
        : `- ${data(name, 200)} ${state}: ${data(reason)}`,
    ),
  ];
}

function dutyLine(duty: {
  id: string;
  title: string;
  project: string | null;
  dueAtMs: number;
  overdue: boolean;
  intervalDays: number | null;
}): string {
  const scope = duty.project === null ? 'org-wide' : data(duty.project);
  return `${data(duty.id)} ${data(duty.title, 300)} (${scope}, ${duty.intervalDays === null ? 'once' : `every ${duty.intervalDays} days`}): ${duty.overdue ? '**overdue**, was ' : ''}due ${isoTime(duty.dueAtMs)}`;
}
