/** Notes: what people wanted kept, found by its words. */
import { useState } from 'react';
import type { NoteMatch, NoteSummary } from '../../../../src/work/knowledge/contract.ts';
import { ChoiceFilter, ProjectFilter, SearchFilter, useProjectFilter, useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column, Rows } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { go, useParams } from '../../state/router.ts';
import { useMay, useMe } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

type Shown = NoteSummary & Partial<Pick<NoteMatch, 'excerpt'>>;

const COLUMNS: readonly Column<Shown>[] = [
  {
    title: 'Note',
    wide: true,
    render: (note) => (
      <>
        <div className="clip" title={note.title}>
          <a className="over" href={`/context/notes/${note.id}`}>
            {note.title}
          </a>
        </div>
        {note.excerpt !== undefined && <div className="clip muted small">{note.excerpt}</div>}
      </>
    ),
  },
  { title: 'Tags', minor: true, render: (note) => <span className="muted nowrap">{note.tags.join(', ')}</span> },
  { title: 'Project', minor: true, render: (note) => note.project ?? <span className="muted">all</span> },
  { title: 'Changed', end: true, render: (note) => <Time ms={note.updatedAtMs} /> },
];

const FOUND_MAX = 50;

function useNotes(query: string, filter: object): { rows: Rows<Shown>; how: string | null } {
  const listed = usePages(api.notes.list, filter, { live: ['note'], everyMs: 60_000 });
  const found = useCall(api.notes.search, query === '' ? null : { query, limit: FOUND_MAX, ...filter }, { live: ['note'] });
  if (query === '') return { rows: listed, how: null };
  return { rows: { ...found, items: found.data?.items, total: found.data?.total ?? null, more: null }, how: found.data?.how ?? null };
}

export function Notes() {
  const [params] = useParams();
  const query = params.get('q') ?? '';
  const archived = params.get('archived') === 'archived';
  const { rows, how } = useNotes(query, { ...useProjectFilter(), ...(archived ? { archived: 'yes' as const } : {}) });
  const [writing, setWriting] = useState(false);
  const may = useMay('context.write');
  return (
    <ContextPage
      title="Notes"
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setWriting(true)}>
            <Icon name="plus" size={14} /> New note
          </button>
        ) : undefined
      }
    >
      <div className="filters" role="search">
        <SearchFilter label="Find a note" />
        <ProjectFilter />
        <ChoiceFilter label="Archived" name="archived" any="Current ones" choices={['archived']} />
      </div>
      {how === 'words_and_meaning' && <p className="muted">By words and meaning: what is near comes too, with or without these words.</p>}
      {how === 'likeness' && (rows.items?.length ?? 0) > 0 && <p className="muted">No note has these words; titles that look like them are shown.</p>}
      <Card flush>
        <List
          what="notes"
          rows={rows}
          columns={COLUMNS}
          keyOf={(note) => note.id}
          empty={
            query === '' && !archived ? (
              <Empty title="No note yet">
                A note keeps what must not be lost: a decision, a way of doing things, something learnt. Every agent can find it.
              </Empty>
            ) : (
              <Empty title="No note is like that" />
            )
          }
        />
      </Card>
      {writing && <WriteNote onClose={() => setWriting(false)} />}
    </ContextPage>
  );
}

/** A person who types it here gives the word for it. */
export function useWord(): string {
  return `${useMe().actor.name} wrote it in the console.`;
}

function WriteNote({ onClose }: { onClose: () => void }) {
  const projects = useProjects();
  const word = useWord();
  return (
    <FormDialog
      title="New note"
      action="Keep it"
      operation="notes.create"
      fixed={{ word }}
      long={['content']}
      choices={{ project: projects }}
      topics={['note']}
      send={async (value: InputOf<typeof api.notes.create>) => {
        const note = await api.notes.create(value);
        go(`/context/notes/${note.id}`);
        return 'Kept.';
      }}
      onClose={onClose}
    />
  );
}
