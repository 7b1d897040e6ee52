/** The frame of the pages of trust: what was asked of people, what agents can call, what was done. */
import type { ReactNode } from 'react';
import type { Tab } from '../../parts/page.tsx';
import { Page } from '../../parts/page.tsx';
import { useMay } from '../../state/session.tsx';

export function TrustPage({ title, children }: { title: 'Approvals' | 'Policy' | 'Tools' | 'Audit' | 'Requests'; children: ReactNode }) {
  const mayAgents = useMay('agents.read');
  const mayTools = useMay('tools.read');
  const mayAudit = useMay('audit.read');
  const tabs: Tab[] = [
    { to: '/trust', label: 'Approvals' },
    ...(mayAgents ? [{ to: '/trust/policy', label: 'Policy' }] : []),
    ...(mayTools ? [{ to: '/trust/tools', label: 'Tools' }] : []),
    ...(mayAudit
      ? [
          { to: '/trust/audit', label: 'Audit' },
          { to: '/trust/requests', label: 'Requests' },
        ]
      : []),
  ];
  return (
    <Page title={title} tabs={tabs}>
      {children}
    </Page>
  );
}
