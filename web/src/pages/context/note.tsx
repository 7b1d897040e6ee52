/** One note: what it says, where it came from, what it said before. */
import { useState } from 'react';
import type { NoteVersionView, NoteView } from '../../../../src/work/knowledge/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Card, Page } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { useAct } from '../../state/act.ts';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { useWord } from './notes.tsx';

const CRUMBS = [{ to: '/context/notes', label: 'Notes' }];

export function Note({ params }: PageProps) {
  const note = useCall(api.notes.get, { id: params['id'] ?? '' }, { live: ['note'] });
  const found = note.data;
  return (
    <Page
      title={found?.title ?? 'Note'}
      crumbs={CRUMBS}
      beside={found?.archived === true ? <Badge>archived</Badge> : undefined}
      actions={found === undefined ? undefined : <Actions note={found} />}
    >
      <Loaded query={note} what="the note">
        {(shown) => (
          <>
            <Card>
              <div className="prose">{shown.content}</div>
            </Card>
            <Card title="Where it came from">
              <Origin written={shown.written} />
              <p className="muted small">
                {shown.project === null ? 'For the whole organization' : `For ${shown.project}`}
                {shown.tags.length > 0 && <>, tags: {shown.tags.join(', ')}</>}, version {shown.version}.
              </p>
            </Card>
            {shown.version > 1 && <Versions id={shown.id} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Origin({ written }: { written: NoteView['written'] }) {
  return (
    <p>
      Written by {written.by.name} over {written.surface === 'mcp' ? 'MCP' : 'the API'} <Time ms={written.atMs} />, at the word: <q>{written.word}</q>
      {written.source !== '' && <> Source: {written.source}</>}
    </p>
  );
}

function Actions({ note }: { note: NoteView }) {
  const [open, setOpen] = useState<'edit' | 'archive' | null>(null);
  const { busy, run } = useAct();
  const projects = useProjects();
  const word = useWord();
  if (!useMay('context.write')) return null;
  const at = { id: note.id, version: note.version, word };
  return (
    <>
      {note.archived ? (
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() =>
            void run(async () => {
              await api.notes.restore(at);
              return 'It is found again.';
            }, 'note')
          }
        >
          Restore
        </button>
      ) : (
        <>
          <button type="button" className="button" onClick={() => setOpen('edit')}>
            Edit
          </button>
          <button type="button" className="button" onClick={() => setOpen('archive')}>
            Archive
          </button>
        </>
      )}
      {open === 'edit' && (
        <FormDialog
          title="Edit the note"
          action="Save"
          operation="notes.update"
          start={{ title: note.title, content: note.content, tags: note.tags, project: note.project ?? undefined }}
          fixed={at}
          without={['source']}
          long={['content']}
          choices={{ project: projects }}
          topics={['note']}
          send={async (value: InputOf<typeof api.notes.update>) =>
            `Saved as version ${(await api.notes.update({ tags: [], project: null, ...value })).version}; the one before is kept.`
          }
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'archive' && (
        <Confirm
          title="Archive this note"
          action="Archive"
          onConfirm={() =>
            run(async () => {
              await api.notes.archive(at);
              return 'Archived: lists and searches leave it out.';
            }, 'note')
          }
          onClose={() => setOpen(null)}
        >
          No agent finds it any more. It can still be read here, and restored.
        </Confirm>
      )}
    </>
  );
}

function Versions({ id }: { id: string }) {
  const versions = useCall(api.notes.versions, { id }, { live: ['note'] });
  return (
    <Card title="What it said before">
      <Loaded query={versions} what="earlier versions">
        {(found) => (
          <div className="stack tight">
            {found.items.slice(1).map((each) => (
              <Version key={each.version} version={each} />
            ))}
          </div>
        )}
      </Loaded>
    </Card>
  );
}

function Version({ version }: { version: NoteVersionView }) {
  return (
    <details>
      <summary>
        Version {version.version}, {version.change} by {version.written.by.name} <Time ms={version.written.atMs} />
      </summary>
      <div className="stack tight">
        <b>{version.title}</b>
        <div className="prose">{version.content}</div>
      </div>
    </details>
  );
}
