/** The frame of the pages of settings: what this installation is and who may do what in it. */
import type { ReactNode } from 'react';
import type { Tab } from '../../parts/page.tsx';
import { Page } from '../../parts/page.tsx';
import { useMay } from '../../state/session.tsx';

type Title = 'Keys' | 'People' | 'Models' | 'Storage' | 'Browsers' | 'Webhooks' | 'About';
type Props = { title: Title; actions?: ReactNode; children: ReactNode };

export function SettingsPage({ title, actions, children }: Props) {
  const mayKeys = useMay('keys.read');
  const mayHooks = useMay('projects.read');
  const mayModels = useMay('status.read');
  const mayStorage = useMay('engine.operate');
  const tabs: Tab[] = [
    { to: '/settings', label: 'About' },
    ...(mayKeys
      ? [
          { to: '/settings/keys', label: 'Keys' },
          { to: '/settings/people', label: 'People' },
        ]
      : []),
    ...(mayModels ? [{ to: '/settings/models', label: 'Models' }] : []),
    ...(mayStorage ? [{ to: '/settings/storage', label: 'Storage' }] : []),
    { to: '/settings/browsers', label: 'Browsers' },
    ...(mayHooks ? [{ to: '/settings/webhooks', label: 'Webhooks' }] : []),
  ];
  return (
    <Page title={title} tabs={tabs} {...(actions === undefined ? {} : { actions })}>
      {children}
    </Page>
  );
}
