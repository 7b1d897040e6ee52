/** The frame of the pages of context: one heading and the way to the others. */
import type { ReactNode } from 'react';
import type { Tab } from '../../parts/page.tsx';
import { Page } from '../../parts/page.tsx';

export const CONTEXT_TABS = [
  { to: '/context', label: 'Sessions' },
  { to: '/context/handoffs', label: 'Handoffs' },
  { to: '/context/notes', label: 'Notes' },
  { to: '/context/documents', label: 'Documents' },
  { to: '/context/standards', label: 'Standards' },
  { to: '/context/alerts', label: 'Alerts' },
  { to: '/context/duties', label: 'Duties' },
  { to: '/context/week', label: 'Week' },
  { to: '/context/briefing', label: 'Briefing' },
] as const satisfies readonly Tab[];

type Props = { title: (typeof CONTEXT_TABS)[number]['label']; about?: string; actions?: ReactNode; children: ReactNode };

export function ContextPage({ title, about, actions, children }: Props) {
  return (
    <Page title={title} tabs={CONTEXT_TABS} {...(about === undefined ? {} : { about })} {...(actions === undefined ? {} : { actions })}>
      {children}
    </Page>
  );
}
