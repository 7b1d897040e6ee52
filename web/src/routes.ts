/**
 * Every page of the console, one entry each: its address, its code, which is loaded when it is first opened, and where it stands in the
 * navigation. Adding a page is a file in `pages/` and an entry here; `web/README.md` shows one.
 */
import type { ComponentType } from 'react';
import type { IconName } from './parts/icon.tsx';

export type PageProps = { params: Readonly<Record<string, string>> };

export type Route = {
  /** As in `/runs/:id`. */
  path: string;
  load: () => Promise<ComponentType<PageProps>>;
  /** Without it the page is not offered. */
  permission?: string;
  /** Its place in the navigation; `key` follows `g`. */
  nav?: { label: string; icon: IconName; key: string; /** Begins of other addresses that belong to it. */ also?: string };
};

export const ROUTES: readonly Route[] = [
  { path: '/', load: async () => (await import('./pages/home.tsx')).Home, nav: { label: 'Home', icon: 'home', key: 'h' } },
  {
    path: '/runs',
    load: async () => (await import('./pages/runs.tsx')).Runs,
    permission: 'runs.read',
    nav: { label: 'Runs', icon: 'runs', key: 'r' },
  },
  { path: '/runs/:id', load: async () => (await import('./pages/run.tsx')).Run, permission: 'runs.read' },
  { path: '/runs/:id/compare/:other', load: async () => (await import('./pages/compare-runs.tsx')).CompareRuns, permission: 'runs.read' },
  {
    path: '/agents',
    load: async () => (await import('./pages/agents.tsx')).Agents,
    permission: 'agents.read',
    nav: { label: 'Agents', icon: 'agents', key: 'a', also: '/schedules' },
  },
  { path: '/schedules', load: async () => (await import('./pages/schedules.tsx')).Schedules, permission: 'agents.read' },
  { path: '/agents/new', load: async () => (await import('./pages/new-agent.tsx')).NewAgent, permission: 'agents.write' },
  { path: '/agents/:name', load: async () => (await import('./pages/agent.tsx')).Agent, permission: 'agents.read' },
  { path: '/agents/:name/:part', load: async () => (await import('./pages/agent.tsx')).Agent, permission: 'agents.read' },
  {
    path: '/context',
    load: async () => (await import('./pages/context/sessions.tsx')).Sessions,
    permission: 'context.read',
    nav: { label: 'Context', icon: 'context', key: 'c' },
  },
  { path: '/context/sessions/:id', load: async () => (await import('./pages/context/session.tsx')).Session, permission: 'context.read' },
  { path: '/context/projects/:code', load: async () => (await import('./pages/context/project.tsx')).Project, permission: 'context.read' },
  { path: '/context/handoffs', load: async () => (await import('./pages/context/handoffs.tsx')).Handoffs, permission: 'context.read' },
  { path: '/context/handoffs/:id', load: async () => (await import('./pages/context/handoff.tsx')).Handoff, permission: 'context.read' },
  { path: '/context/notes', load: async () => (await import('./pages/context/notes.tsx')).Notes, permission: 'context.read' },
  { path: '/context/notes/:id', load: async () => (await import('./pages/context/note.tsx')).Note, permission: 'context.read' },
  { path: '/context/documents', load: async () => (await import('./pages/context/documents.tsx')).Documents, permission: 'context.read' },
  { path: '/context/documents/:id', load: async () => (await import('./pages/context/document.tsx')).Document, permission: 'context.read' },
  { path: '/context/standards', load: async () => (await import('./pages/context/standards.tsx')).Standards, permission: 'context.read' },
  { path: '/context/standards/:id', load: async () => (await import('./pages/context/standard.tsx')).Standard, permission: 'context.read' },
  { path: '/context/proposals/:id', load: async () => (await import('./pages/context/proposal.tsx')).Proposal, permission: 'context.read' },
  { path: '/context/alerts', load: async () => (await import('./pages/context/alerts.tsx')).Alerts, permission: 'context.read' },
  { path: '/context/duties', load: async () => (await import('./pages/context/duties.tsx')).Duties, permission: 'context.read' },
  { path: '/context/week', load: async () => (await import('./pages/context/week.tsx')).Week, permission: 'context.read' },
  { path: '/context/briefing', load: async () => (await import('./pages/context/briefing.tsx')).Briefing, permission: 'context.read' },
  {
    path: '/reviews',
    load: async () => (await import('./pages/reviews/panels.tsx')).Panels,
    permission: 'runs.read',
    nav: { label: 'Reviews', icon: 'reviews', key: 'v' },
  },
  { path: '/reviews/panels/:id', load: async () => (await import('./pages/reviews/panel.tsx')).Panel, permission: 'runs.read' },
  { path: '/reviews/jobs', load: async () => (await import('./pages/reviews/jobs.tsx')).Jobs, permission: 'runs.read' },
  { path: '/reviews/jobs/:id', load: async () => (await import('./pages/reviews/jobs.tsx')).Job, permission: 'runs.read' },
  { path: '/reviews/findings', load: async () => (await import('./pages/reviews/findings.tsx')).Findings, permission: 'runs.read' },
  {
    path: '/spend',
    load: async () => (await import('./pages/spend/spend.tsx')).Spend,
    permission: 'status.read',
    nav: { label: 'Spend', icon: 'spend', key: 'm' },
  },
  { path: '/spend/budgets', load: async () => (await import('./pages/spend/budgets.tsx')).Budgets, permission: 'status.read' },
  {
    path: '/trust',
    load: async () => (await import('./pages/trust/approvals.tsx')).Approvals,
    permission: 'approvals.read',
    nav: { label: 'Trust', icon: 'trust', key: 't' },
  },
  { path: '/trust/approvals/:id', load: async () => (await import('./pages/trust/approval.tsx')).Approval, permission: 'approvals.read' },
  { path: '/trust/policy', load: async () => (await import('./pages/trust/policy.tsx')).Policy, permission: 'agents.read' },
  { path: '/trust/tools', load: async () => (await import('./pages/trust/tools.tsx')).Tools, permission: 'tools.read' },
  { path: '/trust/tools/:name', load: async () => (await import('./pages/trust/tool.tsx')).Tool, permission: 'tools.read' },
  { path: '/trust/requests', load: async () => (await import('./pages/trust/requests.tsx')).Requests, permission: 'audit.read' },
  { path: '/trust/audit', load: async () => (await import('./pages/trust/audit.tsx')).Audit, permission: 'audit.read' },
  {
    path: '/settings',
    load: async () => (await import('./pages/settings/about.tsx')).About,
    nav: { label: 'Settings', icon: 'settings', key: 's' },
  },
  { path: '/settings/keys', load: async () => (await import('./pages/settings/keys.tsx')).Keys, permission: 'keys.read' },
  { path: '/settings/people', load: async () => (await import('./pages/settings/people.tsx')).People, permission: 'keys.read' },
  { path: '/settings/models', load: async () => (await import('./pages/settings/models.tsx')).Models, permission: 'status.read' },
  { path: '/settings/storage', load: async () => (await import('./pages/settings/storage.tsx')).Storage, permission: 'engine.operate' },
  { path: '/settings/browsers', load: async () => (await import('./pages/settings/browsers.tsx')).Browsers },
  { path: '/settings/webhooks', load: async () => (await import('./pages/settings/webhooks.tsx')).Webhooks, permission: 'projects.read' },
];
