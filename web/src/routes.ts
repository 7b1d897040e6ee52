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
  nav?: { label: string; icon: IconName; key: string };
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
    nav: { label: 'Agents', icon: 'agents', key: 'a' },
  },
  { path: '/agents/new', load: async () => (await import('./pages/new-agent.tsx')).NewAgent, permission: 'agents.write' },
  { path: '/agents/:name', load: async () => (await import('./pages/agent.tsx')).Agent, permission: 'agents.read' },
  { path: '/agents/:name/:part', load: async () => (await import('./pages/agent.tsx')).Agent, permission: 'agents.read' },
];
