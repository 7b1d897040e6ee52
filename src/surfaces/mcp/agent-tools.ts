/** Tools of toolset `agents` that concern agents: made, shown, changed, held, scheduled. */
import { z } from 'zod';
import { scheduleOperations } from '../../runtime/schedules/contract.ts';
import { agentOperations } from '../../work/agents/contract.ts';
import { AgentName, AgentDefinition } from '../../work/agents/definition.ts';
import { agentLine, renderAgent, renderPage, scheduleLine } from './render.ts';
import type { Tool } from './toolset.ts';
import { answer, tool } from './toolset.ts';
import { Cursor, Limit, Reason } from './tool-inputs.ts';

export const AGENT_TOOLS: readonly Tool[] = [
  tool({
    name: 'agent_create',
    title: 'Create an agent',
    description: 'Creates an agent: instructions, model, the tools it may use, limits, schedules. It takes runs at once; run_start starts one.',
    input: AgentDefinition,
    uses: [agentOperations.create],
    async run(args, { invoke }) {
      const agent = await invoke(agentOperations.create, args);
      return answer(`Created.\n\n${renderAgent(agent)}`, agent);
    },
  }),
  tool({
    name: 'agent_list',
    title: 'List agents',
    description: 'Lists agents with their state, version and tier.',
    input: z.strictObject({ limit: Limit, cursor: Cursor, archived: z.boolean().default(false).meta({ description: 'Also archived ones.' }) }),
    uses: [agentOperations.list],
    async run({ archived, ...page }, { invoke }) {
      const found = await invoke(agentOperations.list, { ...page, archived: String(archived) });
      return answer(renderPage('agents', found, agentLine), found);
    },
  }),
  tool({
    name: 'agent_show',
    title: 'Show an agent',
    description: 'Shows one agent with its whole definition and state.',
    input: z.strictObject({ name: AgentName }),
    uses: [agentOperations.get],
    async run({ name }, { invoke }) {
      const agent = await invoke(agentOperations.get, { name });
      return answer(renderAgent(agent), agent);
    },
  }),
  tool({
    name: 'agent_update',
    title: 'Change an agent',
    description: 'Changes an agent as a new version: the members given replace what it has, the others stay. Runs that go on keep their version.',
    input: z.strictObject({
      name: AgentName,
      changes: z
        .record(z.string(), z.unknown())
        .meta({ description: 'Members of agent_create but name, whole: {"instructions": "…", "limits": {"turns": 10}}.' }),
      baseVersion: z.int().positive().optional().meta({ description: 'The version you looked at; refused when it is no longer the newest.' }),
    }),
    uses: [agentOperations.get, agentOperations.update],
    async run({ name, changes, baseVersion }, { invoke }) {
      const { definition, version } = await invoke(agentOperations.get, { name });
      const agent = await invoke(agentOperations.update, { ...definition, ...changes, name, baseVersion: baseVersion ?? version });
      return answer(`Changed: version ${agent.version}.\n\n${renderAgent(agent)}`, agent);
    },
  }),
  tool({
    name: 'agent_pause_resume',
    title: 'Pause or resume an agent',
    description: 'Pauses an agent, so that it takes no new runs (live runs go on), or lets a paused or failed one take runs again.',
    input: z.strictObject({ name: AgentName, action: z.enum(['pause', 'resume']), reason: Reason }),
    uses: [agentOperations.pause, agentOperations.resume],
    idempotent: true,
    async run({ name, action, reason }, { invoke }) {
      const agent = action === 'pause' ? await invoke(agentOperations.pause, { name, reason }) : await invoke(agentOperations.resume, { name });
      return answer(action === 'pause' ? `${name} is paused: it takes no new runs.` : `${name} takes runs again.`, agent);
    },
  }),
  tool({
    name: 'schedule_list',
    title: 'List schedules',
    description: 'Lists the schedules of agents with their next due time and what became of the last one. They are changed with their agent.',
    input: z.strictObject({ agent: AgentName.optional() }),
    uses: [scheduleOperations.list],
    async run(input, { invoke }) {
      const found = await invoke(scheduleOperations.list, input);
      return answer(renderPage('schedules', found, scheduleLine), found);
    },
  }),
];
