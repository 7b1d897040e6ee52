/**
 * The operations that the console calls: one line for each domain. The build turns them into a table of routes and into the JSON Schemas
 * of forms, so that the page carries neither zod nor the schemas it does not show; types come straight from the contracts.
 */
import { approvalOperations } from '../src/platform/approvals/contract.ts';
import { auditOperations } from '../src/platform/audit/contract.ts';
import { budgetOperations } from '../src/platform/budgets/contract.ts';
import { identityOperations } from '../src/platform/identity/contract.ts';
import { signInOperations } from '../src/platform/sign-in/contract.ts';
import { telemetryOperations } from '../src/platform/telemetry/contract.ts';
import { feedOperations } from '../src/runtime/feed/contract.ts';
import { modelOperations } from '../src/runtime/models/contract.ts';
import { runOperations } from '../src/runtime/runs/contract.ts';
import { scheduleOperations } from '../src/runtime/schedules/contract.ts';
import { toolOperations } from '../src/runtime/tools/contract.ts';
import { agentOperations } from '../src/work/agents/contract.ts';
import { alertOperations } from '../src/work/alerts/contract.ts';
import { briefingOperations } from '../src/work/briefing/contract.ts';
import { cadenceOperations } from '../src/work/cadence/contract.ts';
import { documentOperations } from '../src/work/documents/contract.ts';
import { handoffOperations } from '../src/work/handoffs/contract.ts';
import { noteOperations } from '../src/work/knowledge/contract.ts';
import { personaOperations } from '../src/work/personas/contract.ts';
import { policyOperations } from '../src/work/policy-trial/contract.ts';
import { projectOperations } from '../src/work/projects/contract.ts';
import { findingOperations, panelOperations, reviewOperations } from '../src/work/reviews/contract.ts';
import { sessionOperations } from '../src/work/sessions/contract.ts';
import { spendOperations } from '../src/work/spend/contract.ts';
import { stopOperations } from '../src/work/stop/contract.ts';
import { standardOperations } from '../src/work/standards/contract.ts';
import { statusOperations } from '../src/work/status/contract.ts';
import { templateOperations } from '../src/work/templates/contract.ts';
import { webhookOperations } from '../src/work/webhooks/contract.ts';
import { weeklyPlanOperations } from '../src/work/weekly-plan/contract.ts';
import { workQueueOperations } from '../src/work/work-queue/contract.ts';

export const OPERATIONS = {
  agents: agentOperations,
  alerts: alertOperations,
  approvals: approvalOperations,
  audit: auditOperations,
  briefing: briefingOperations,
  budgets: budgetOperations,
  documents: documentOperations,
  duties: cadenceOperations,
  feed: feedOperations,
  findings: findingOperations,
  handoffs: handoffOperations,
  identity: identityOperations,
  models: modelOperations,
  notes: noteOperations,
  panels: panelOperations,
  personas: personaOperations,
  policy: policyOperations,
  projects: projectOperations,
  reviews: reviewOperations,
  runs: runOperations,
  schedules: scheduleOperations,
  sessions: sessionOperations,
  signIns: signInOperations,
  spend: spendOperations,
  standards: standardOperations,
  status: statusOperations,
  telemetry: telemetryOperations,
  stop: stopOperations,
  templates: templateOperations,
  tools: toolOperations,
  webhooks: webhookOperations,
  weeklyPlan: weeklyPlanOperations,
  workQueue: workQueueOperations,
};
export type Operations = typeof OPERATIONS;
