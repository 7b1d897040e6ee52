/** Documents of projects and of the organization, and which ones projects must have. */
import { useState } from 'react';
import type { DocumentSummary, RequirementView } from '../../../../src/work/documents/contract.ts';
import { ProjectFilter, useProjectFilter, useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { plural, size } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { go } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

const COLUMNS: readonly Column<DocumentSummary>[] = [
  {
    title: 'Document',
    wide: true,
    render: (each) => (
      <div className="clip" title={each.name}>
        <a className="over" href={`/context/documents/${each.id}`}>
          {each.name}
        </a>
      </div>
    ),
  },
  { title: 'Project', minor: true, render: (each) => each.project ?? <span className="muted">all</span> },
  { title: 'Version', end: true, minor: true, render: (each) => each.version },
  { title: 'Size', end: true, minor: true, render: (each) => size(each.bytes) },
  { title: 'Changed', end: true, render: (each) => <Time ms={each.updatedAtMs} /> },
];

export function Documents() {
  const rows = usePages(api.documents.list, useProjectFilter(), { live: ['document'], everyMs: 60_000 });
  const [open, setOpen] = useState<'put' | 'require' | null>(null);
  const projects = useProjects();
  const may = useMay('context.write');
  const mayRequire = useMay('projects.write');
  return (
    <ContextPage
      title="Documents"
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setOpen('put')}>
            <Icon name="plus" size={14} /> New document
          </button>
        ) : undefined
      }
    >
      <div className="filters" role="search">
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="documents"
          rows={rows}
          columns={COLUMNS}
          keyOf={(each) => each.id}
          empty={
            <Empty title="No document yet">Open a project and read its checkout: its Markdown files become documents, with every version kept.</Empty>
          }
        />
      </Card>
      <Requirements may={mayRequire} onAdd={() => setOpen('require')} />
      {open === 'put' && (
        <FormDialog
          title="New document"
          action="Store it"
          operation="documents.put"
          fixed={{ base: 0 }}
          long={['content']}
          choices={{ project: projects }}
          topics={['document']}
          send={async (value: InputOf<typeof api.documents.put>) => {
            go(`/context/documents/${(await api.documents.put(value)).id}`);
            return 'Stored.';
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'require' && (
        <FormDialog
          title="Require a document"
          action="Require it"
          operation="documents.require"
          choices={{ project: projects }}
          topics={['document']}
          send={async (value: InputOf<typeof api.documents.require>) => {
            await api.documents.require(value);
            return 'Every audit looks for it from now on.';
          }}
          onClose={() => setOpen(null)}
        />
      )}
    </ContextPage>
  );
}

const REQUIREMENT_COLUMNS: readonly Column<RequirementView>[] = [
  { title: 'Name', wide: true, render: (each) => <div className="clip mono">{each.pattern}</div> },
  { title: 'Of', minor: true, render: (each) => each.project ?? 'every project' },
  { title: 'That has', minor: true, render: (each) => each.capability ?? <span className="muted">–</span> },
  { title: 'Stale after', end: true, render: (each) => plural(each.staleDays, 'day') },
  { title: 'Set', end: true, minor: true, render: (each) => (each.isDefault ? 'as it comes' : 'here') },
];

function Requirements({ may, onAdd }: { may: boolean; onAdd: () => void }) {
  const required = useCall(api.documents.requirements, {}, { live: ['document'] });
  return (
    <Card
      title="What projects must have"
      flush
      beside={
        may ? (
          <button type="button" className="button" onClick={onAdd}>
            Require one
          </button>
        ) : undefined
      }
    >
      <List
        what="requirements"
        rows={{ ...required, items: required.data?.items, total: null, more: null }}
        columns={REQUIREMENT_COLUMNS}
        keyOf={(each) => `${each.pattern} ${each.project ?? ''} ${each.capability ?? ''}`}
        empty={<Empty title="Nothing is required" />}
      />
    </Card>
  );
}
