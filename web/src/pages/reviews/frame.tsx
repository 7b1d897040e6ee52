/** The frame of the pages of reviews, and starting one. */
import type { ReactNode } from 'react';
import { useState } from 'react';
import { useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { go } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';

const TABS = [
  { to: '/reviews', label: 'Panels' },
  { to: '/reviews/jobs', label: 'Reviews' },
  { to: '/reviews/findings', label: 'Findings' },
];

export function ReviewsPage({ title, children }: { title: 'Panels' | 'Reviews' | 'Findings'; children: ReactNode }) {
  const [starting, setStarting] = useState(false);
  const may = useMay('runs.create');
  return (
    <Page
      title={title}
      tabs={TABS}
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setStarting(true)}>
            <Icon name="plus" size={14} /> Review a change
          </button>
        ) : undefined
      }
    >
      {children}
      {starting && <Start onClose={() => setStarting(false)} />}
    </Page>
  );
}

function Start({ onClose }: { onClose: () => void }) {
  const projects = useProjects();
  const personas = useCall(api.personas.list, useMay('agents.read') ? {} : null);
  return (
    <FormDialog
      title="Review a change"
      action="Start the panel"
      operation="panels.start"
      start={{ range: 'HEAD~1..HEAD' }}
      without={['text', 'files', 'name', 'models']}
      choices={{ project: projects, personas: personas.data?.items.map(({ name }) => name) ?? [] }}
      topics={['review']}
      send={async (value: InputOf<typeof api.panels.start>) => {
        const panel = await api.panels.start(value);
        go(`/reviews/panels/${panel.id}`);
        return 'The reviewers have begun.';
      }}
      onClose={onClose}
    >
      <p className="muted">
        Several reviewers look at the same change side by side: a range of commits, what is not committed yet, or a pull request; give one of them.
        Without names the seven core reviewers are asked.
      </p>
    </FormDialog>
  );
}
