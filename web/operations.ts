/**
 * The operations that the console calls: one line for each domain. The build turns them into a table of routes and into the JSON Schemas
 * of forms, so that the page carries neither zod nor the schemas it does not show; types come straight from the contracts.
 */
import { approvalOperations } from '../src/platform/approvals/contract.ts';
import { identityOperations } from '../src/platform/identity/contract.ts';
import { signInOperations } from '../src/platform/sign-in/contract.ts';
import { feedOperations } from '../src/runtime/feed/contract.ts';
import { runOperations } from '../src/runtime/runs/contract.ts';
import { scheduleOperations } from '../src/runtime/schedules/contract.ts';
import { toolOperations } from '../src/runtime/tools/contract.ts';
import { agentOperations } from '../src/work/agents/contract.ts';
import { alertOperations } from '../src/work/alerts/contract.ts';
import { projectOperations } from '../src/work/projects/contract.ts';
import { sessionOperations } from '../src/work/sessions/contract.ts';
import { statusOperations } from '../src/work/status/contract.ts';
import { templateOperations } from '../src/work/templates/contract.ts';

export const OPERATIONS = {
  agents: agentOperations,
  alerts: alertOperations,
  approvals: approvalOperations,
  feed: feedOperations,
  identity: identityOperations,
  projects: projectOperations,
  runs: runOperations,
  schedules: scheduleOperations,
  sessions: sessionOperations,
  signIns: signInOperations,
  status: statusOperations,
  templates: templateOperations,
  tools: toolOperations,
};
export type Operations = typeof OPERATIONS;
