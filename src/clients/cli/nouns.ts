/** Every command's first word, in the order of the help. A noun's code is loaded when it is called and not before. */
import type { Command, Noun } from './command.ts';

export type NounEntry = {
  readonly name: string;
  readonly group: string;
  /** One sentence, ending in a full stop. */
  readonly summary: string;
  load(): Promise<Noun | Command>;
};

export const NOUNS: readonly NounEntry[] = [
  {
    name: 'up',
    group: 'Server',
    summary: 'Starts Windlass here: database, engine, API; Ctrl-C stops it.',
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'console',
    group: 'Server',
    summary: 'Prints a link that signs a browser in to the console, once.',
    load: async () => (await import('./commands/console.ts')).consoleCommand,
  },
  {
    name: 'run',
    group: 'Runs',
    summary: 'Starts a run of an agent.',
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'runs',
    group: 'Runs',
    summary: 'Runs: list, look into, steer, repeat.',
    load: async () => (await import('./commands/runs.ts')).runs,
  },
  {
    name: 'watch',
    group: 'Runs',
    summary: 'Follows a run until it ends.',
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  {
    name: 'top',
    group: 'Runs',
    summary: 'A screen of runs as they go on, with questions to answer and commands.',
    load: async () => (await import('./commands/top.ts')).top,
  },
  {
    name: 'approvals',
    group: 'Questions to people',
    summary: 'What runs ask people: list, show.',
    load: async () => (await import('./commands/approvals.ts')).approvals,
  },
  {
    name: 'approve',
    group: 'Questions to people',
    summary: 'Approves an action of a run.',
    load: async () => (await import('./commands/answer.ts')).approve,
  },
  {
    name: 'deny',
    group: 'Questions to people',
    summary: 'Refuses an action or a question of a run.',
    load: async () => (await import('./commands/answer.ts')).deny,
  },
  {
    name: 'answer',
    group: 'Questions to people',
    summary: 'Answers a question of a run.',
    load: async () => (await import('./commands/answer.ts')).answer,
  },
  {
    name: 'agent',
    group: 'Agents',
    summary: 'Agents: list, show, change, compare versions.',
    load: async () => (await import('./commands/agent.ts')).agent,
  },
  {
    name: 'plan',
    group: 'Agents',
    summary: 'Shows what applying a folder of agent files would change.',
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    name: 'apply',
    group: 'Agents',
    summary: 'Makes the agents match a folder of files.',
    load: async () => (await import('./commands/plan.ts')).apply,
  },
  {
    name: 'project',
    group: 'Context',
    summary: 'Projects and their checkouts: list, add, set up, verify, scan.',
    load: async () => (await import('./commands/project.ts')).project,
  },
  {
    name: 'session',
    group: 'Context',
    summary: 'Working sessions of coding CLIs: start, keep alive, end, claim, list.',
    load: async () => (await import('./commands/session.ts')).session,
  },
  {
    name: 'brief',
    group: 'Context',
    summary: 'Briefs whoever begins to work on a project.',
    load: async () => (await import('./commands/brief.ts')).brief,
  },
  {
    name: 'handoff',
    group: 'Context',
    summary: 'What one session leaves to the next, or to another project.',
    load: async () => (await import('./commands/handoff.ts')).handoff,
  },
  {
    name: 'schedule',
    group: 'Agents',
    summary: 'When agents are due, and what came of it: list, show, firings.',
    load: async () => (await import('./commands/schedule.ts')).schedule,
  },
  {
    name: 'tool',
    group: 'Agents',
    summary: 'Tools that agents could be allowed to call: list, show.',
    load: async () => (await import('./commands/tool.ts')).tool,
  },
  {
    name: 'policy',
    group: 'Agents',
    summary: 'By which rules calls are allowed: list them, try one.',
    load: async () => (await import('./commands/policy.ts')).policy,
  },
  {
    name: 'note',
    group: 'Context',
    summary: 'What people told to be kept: list, search, add, change.',
    load: async () => (await import('./commands/note.ts')).note,
  },
  {
    name: 'doc',
    group: 'Context',
    summary: 'Documents of projects: versions, audit, sync, generate.',
    load: async () => (await import('./commands/doc.ts')).doc,
  },
  {
    name: 'cadence',
    group: 'Context',
    summary: 'Recurring duties: what is due, and who did it last.',
    load: async () => (await import('./commands/cadence.ts')).cadence,
  },
  {
    name: 'alert',
    group: 'Context',
    summary: 'What failed and is not mended: list, assign, resolve.',
    load: async () => (await import('./commands/alert.ts')).alert,
  },
  {
    name: 'week',
    group: 'Context',
    summary: 'What the organization is after this week: show, write.',
    load: async () => (await import('./commands/week.ts')).week,
  },
  {
    name: 'queue',
    group: 'Context',
    summary: 'Open issues of the forge, the most urgent first.',
    load: async () => (await import('./commands/week.ts')).queue,
  },
  {
    name: 'webhook',
    group: 'Context',
    summary: 'Who may send signed events here: list, create, revoke.',
    load: async () => (await import('./commands/webhook.ts')).webhook,
  },
  {
    name: 'launch',
    group: 'Coding CLIs',
    summary: 'Starts a coding CLI on a project: secrets, tools, hooks, instructions, gateway.',
    load: async () => (await import('./commands/launch.ts')).launch,
  },
  {
    name: 'render',
    group: 'Coding CLIs',
    summary: "Renders instructions, skills and commands from one source into every CLI's format.",
    load: async () => (await import('./commands/render.ts')).render,
  },
  {
    name: 'hook',
    group: 'Coding CLIs',
    summary: 'Answers hooks of coding CLIs.',
    load: async () => (await import('./commands/hook.ts')).hook,
  },
  {
    name: 'secret',
    group: 'Coding CLIs',
    summary: 'Secrets of projects in the vault of this machine: set, list, check, remove.',
    load: async () => (await import('./commands/secret.ts')).secret,
  },
  {
    name: 'standard',
    group: 'Reviews and standards',
    summary: 'Standards: search, propose, approve.',
    load: async () => (await import('./commands/standard.ts')).standard,
  },
  {
    name: 'review',
    group: 'Reviews and standards',
    summary: 'Has personas review a change, alone or as a panel; shows findings.',
    load: async () => (await import('./commands/review.ts')).review,
  },
  {
    name: 'metrics',
    group: 'Reviews and standards',
    summary: 'Figures of reviews and standards.',
    load: async () => (await import('./commands/review-more.ts')).metrics,
  },
  {
    name: 'doctor',
    group: 'Server',
    summary: 'Finds what is wrong, and says what to do.',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'budget',
    group: 'Server',
    summary: 'Budgets and spend: list, set, ask for more, grant, what was spent.',
    load: async () => (await import('./commands/budget.ts')).budget,
  },
  {
    name: 'status',
    group: 'Server',
    summary: 'What goes on, what waits for you, what it has cost today.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'key',
    group: 'Server',
    summary: 'API keys: list, create, rotate, revoke.',
    load: async () => (await import('./commands/key.ts')).key,
  },
  {
    name: 'person',
    group: 'Server',
    summary: 'People, and who of them signs in with the identity provider: list, add, let-in, shut-out.',
    load: async () => (await import('./commands/person.ts')).person,
  },
  {
    name: 'mcp',
    group: 'Server',
    summary: 'Serves MCP on standard input and output, for clients that start a program.',
    load: async () => (await import('./commands/mcp.ts')).mcp,
  },
  {
    name: 'completion',
    group: 'Server',
    summary: 'Prints a script that completes commands in a shell.',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
];
