/** One document, as it is or as it was in a version, and what differs between two. */
import { useState } from 'react';
import type { DocumentView, VersionSummary } from '../../../../src/work/documents/contract.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Lines } from '../../parts/lines.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { size } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';

const CRUMBS = [{ to: '/context/documents', label: 'Documents' }];

export function Document({ params }: PageProps) {
  const id = params['id'] ?? '';
  const [asked] = useParams();
  const version = Number(asked.get('version')) || undefined;
  const to = Number(asked.get('to')) || null;
  const found = useCall(api.documents.get, { id, ...(version === undefined ? {} : { version }) }, { live: ['document'] });
  const [editing, setEditing] = useState(false);
  const may = useMay('context.write');
  const shown = found.data;
  return (
    <Page
      title={shown?.name ?? 'Document'}
      crumbs={CRUMBS}
      {...(shown === undefined ? {} : { about: <About document={shown} /> })}
      actions={
        may && shown !== undefined && shown.shown.version === shown.version ? (
          <button type="button" className="button" onClick={() => setEditing(true)}>
            Edit
          </button>
        ) : undefined
      }
    >
      <Loaded query={found} what="the document">
        {(document) => (
          <>
            {to !== null && to > 1 && <Compared id={id} from={to - 1} to={to} />}
            {document.shown.version !== document.version && (
              <Notice>
                This is version {document.shown.version}. <a href={`/context/documents/${id}`}>See the newest, {document.version}</a>
              </Notice>
            )}
            <Card>
              <div className="prose mono">{document.content}</div>
            </Card>
            <Versions document={document} />
          </>
        )}
      </Loaded>
      {editing && shown !== undefined && (
        <FormDialog
          title={`Edit ${shown.name}`}
          action="Save as a new version"
          operation="documents.put"
          start={{ content: shown.content }}
          fixed={{ name: shown.name, project: shown.project, base: shown.version }}
          long={['content']}
          topics={['document']}
          send={async (value: InputOf<typeof api.documents.put>) => `Saved as version ${(await api.documents.put(value)).version}.`}
          onClose={() => setEditing(false)}
        />
      )}
    </Page>
  );
}

function About({ document: { project, shown } }: { document: DocumentView }) {
  return (
    <>
      {project ?? 'Of the whole organization'}, version {shown.version} by {shown.author.name} <Time ms={shown.atMs} />
      {shown.path !== null && <>, from {shown.path}</>}
    </>
  );
}

function Versions({ document }: { document: DocumentView }) {
  const rows = usePages(api.documents.versions, { id: document.id }, { live: ['document'], keyOf: ({ version }) => String(version) });
  const at = `/context/documents/${document.id}`;
  const columns: readonly Column<VersionSummary>[] = [
    { title: 'Version', render: (each) => <a href={`${at}?version=${each.version}`}>{each.version}</a> },
    { title: 'By', wide: true, render: (each) => <div className="clip">{each.author.name}</div> },
    { title: 'From', minor: true, render: (each) => <span className="muted">{each.repository === null ? 'written here' : 'its repository'}</span> },
    { title: 'Size', end: true, minor: true, render: (each) => size(each.bytes) },
    { title: 'Made', end: true, render: (each) => <Time ms={each.atMs} /> },
    {
      title: 'Differences',
      end: true,
      render: (each) => each.version > 1 && <a href={`${at}?to=${each.version}`}>from {each.version - 1}</a>,
    },
  ];
  return (
    <Card title="Versions" flush>
      <List what="versions" rows={rows} columns={columns} keyOf={(each) => String(each.version)} empty={<Empty title="No version" />} />
    </Card>
  );
}

function Compared({ id, from, to }: { id: string; from: number; to: number }) {
  const compared = useCall(api.documents.diff, { id, from, to });
  return (
    <Card title={`From version ${from} to ${to}`} beside={<a href={`/context/documents/${id}`}>Close</a>}>
      <Loaded query={compared} what="the differences">
        {(found) => <Lines lines={found.lines} />}
      </Loaded>
    </Card>
  );
}
