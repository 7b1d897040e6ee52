/** Toolset `agents`, what a client loads by default: agents and their runs as tools, resources, prompts and tasks (spec MCP-2). */
import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { parseId } from '../../kernel/ids.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import type { Watch } from '../../runtime/runs/watch.ts';
import { agentOperations } from '../../work/agents/contract.ts';
import { AGENT_TOOLS } from './agent-tools.ts';
import { renderAgent } from './render.ts';
import { RUN_ANSWER_TOOL } from './run-answer-tool.ts';
import { RUN_TASKS } from './run-tasks.ts';
import { RUN_TOOLS } from './run-tools.ts';
import { runWatchTool } from './run-watch-tool.ts';
import type { McpCall, Prompt, Resources, Toolset } from './toolset.ts';

const INSTRUCTIONS = `Windlass runs agents durably: a run goes on by itself, over restarts, and every step of it is kept.
Start one with run_start, follow it with run_watch from cursor to cursor, look at it with run_show.
A run may ask a person before it acts: run_answer shows exactly what it would do. Only the person decides; never answer for them.`;

const RUN_URI = /^windlass:\/\/runs\/(run_[0-9a-z]+)$/;
const AGENT_URI = /^windlass:\/\/agents\/([a-z0-9][a-z0-9-]*)$/;
const LISTED_AGENTS = 100;
const LISTED_RUNS = 20;

export function createAgentsToolset(deps: { watch: Watch; clock: Clock }): Toolset {
  return {
    name: 'agents',
    instructions: INSTRUCTIONS,
    tools: [...AGENT_TOOLS, ...RUN_TOOLS, runWatchTool(deps), RUN_ANSWER_TOOL],
    resources: { ...RESOURCES, follow: (uri, call, signal) => followRun(deps.watch, uri, { call, signal }) },
    prompts: PROMPTS,
    tasks: RUN_TASKS,
    complete: async ({ name, value }, call) => {
      const known = name === 'agent' || name === 'name' ? await agentNames(call) : name === 'run' || name === 'id' ? await runIds(call) : [];
      return known.filter((each) => each.startsWith(value));
    },
  };
}

const RESOURCES: Omit<Resources, 'follow'> = {
  templates: [
    {
      uriTemplate: 'windlass://runs/{id}',
      name: 'run',
      title: 'Transcript of a run',
      description: 'What a run did, from its journal.',
      mimeType: 'text/markdown',
    },
    {
      uriTemplate: 'windlass://agents/{name}',
      name: 'agent',
      title: 'An agent',
      description: 'Definition and state of an agent.',
      mimeType: 'text/markdown',
    },
  ],
  async list({ invoke }) {
    const [agents, runs] = await Promise.all([
      invoke(agentOperations.list, { limit: LISTED_AGENTS }),
      invoke(runOperations.list, { limit: LISTED_RUNS }),
    ]);
    const mimeType = 'text/markdown';
    return [
      ...agents.items.map((agent) => ({ uri: `windlass://agents/${agent.name}`, name: agent.name, description: agent.description, mimeType })),
      ...runs.items.map((run) => ({
        uri: `windlass://runs/${run.id}`,
        name: `${run.agent} ${run.id}`,
        description: `${run.status}. ${run.reason}`,
        mimeType,
      })),
    ];
  },
  async read(uri, { invoke }) {
    const id = RUN_URI.exec(uri)?.[1];
    if (id !== undefined) return markdown(uri, (await invoke(runOperations.transcript, { id })).markdown);
    const name = AGENT_URI.exec(uri)?.[1];
    if (name !== undefined) return markdown(uri, renderAgent(await invoke(agentOperations.get, { name })));
    return null;
  },
};

async function followRun(watch: Watch, uri: string, { call, signal }: { call: McpCall; signal: AbortSignal }) {
  const id = RUN_URI.exec(uri)?.[1];
  if (id === undefined) throw new AppError('not_found', 'Only runs are followed.', { next: 'Subscribe to windlass://runs/{id}.' });
  const { headSeq } = await call.invoke(runOperations.get, { id });
  return watch({ org: call.caller.principal.org, run: parseId('run', id), afterSeq: headSeq, signal });
}

function markdown(uri: string, text: string) {
  return { contents: [{ uri, mimeType: 'text/markdown', text }] };
}

const PROMPTS: readonly Prompt[] = [
  {
    listed: {
      name: 'start_agent',
      title: 'Have an agent do something',
      description: 'Starts a run of an agent on a task and follows it to its end.',
      arguments: [
        { name: 'agent', description: 'Which agent.', required: true },
        { name: 'task', description: 'What it shall work on.', required: true },
      ],
    },
    async get(args, { invoke }) {
      const agent = await invoke(agentOperations.get, { name: args['agent'] ?? '' });
      return said(
        `Have the Windlass agent "${agent.name}" do this: ${args['task'] ?? ''}\n\nStart it with run_start, giving the input in the form it expects, follow it with run_watch until it ends, and tell me its answer. When it asks a person, show me exactly what it would do and let me decide.\n\nThe agent:\n\n${renderAgent(agent)}`,
      );
    },
  },
  {
    listed: {
      name: 'explain_run',
      title: 'Explain a run',
      description: 'Says what a run did, why it ended as it did, and what to do next.',
      arguments: [{ name: 'run', description: 'Run id.', required: true }],
    },
    async get(args, { invoke }) {
      const id = args['run'] ?? '';
      const { markdown: transcript } = await invoke(runOperations.transcript, { id });
      return {
        messages: [
          {
            role: 'user' as const,
            content: { type: 'resource' as const, resource: { uri: `windlass://runs/${id}`, mimeType: 'text/markdown', text: transcript } },
          },
          ...said('Explain this run: what it did, why it ended or waits as it does, what it cost, and what I should do next.').messages,
        ],
      };
    },
  },
];

function said(text: string) {
  return { messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] };
}

async function agentNames({ invoke }: McpCall): Promise<string[]> {
  return (await invoke(agentOperations.list, { limit: LISTED_AGENTS })).items.map((agent) => agent.name);
}

async function runIds({ invoke }: McpCall): Promise<string[]> {
  return (await invoke(runOperations.list, { limit: LISTED_AGENTS })).items.map((run) => run.id);
}
