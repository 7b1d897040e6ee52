/** What is kept where, how large it is, and what is deleted by itself. */
import { Badge } from '../../parts/badge.tsx';
import { Bar } from '../../parts/bar.tsx';
import type { Column } from '../../parts/list.tsx';
import { List, STILL } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import type { AnswerOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { count, number, plural, size } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { SettingsPage } from './frame.tsx';

type Kept = AnswerOf<typeof api.status.storage>;
type Table = Kept['database']['tables']['items'][number];

export function Storage() {
  const storage = useCall(api.status.storage, {}, { everyMs: 60_000 });
  return (
    <SettingsPage title="Storage">
      <Loaded query={storage} what="what is kept">
        {(found) => (
          <>
            <div className="columns">
              <Database database={found.database} />
              <Artefacts artefacts={found.artefacts} />
            </div>
            <Tables database={found.database} />
            <Retention kept={found.retention} />
          </>
        )}
      </Loaded>
    </SettingsPage>
  );
}

function Database({ database }: { database: Kept['database'] }) {
  return (
    <Card title="Database" beside={<Badge>{database.embedded ? 'embedded' : 'a server'}</Badge>}>
      <dl className="facts">
        <dt>What</dt>
        <dd>{database.description}</dd>
        <dt>PostgreSQL</dt>
        <dd>{database.version}</dd>
        <dt>Size</dt>
        <dd className="number">{size(database.bytes)}</dd>
        <dt>Backup</dt>
        <dd className="muted">
          {database.embedded
            ? 'Windlass makes none by itself: stop it and copy its home folder and this one.'
            : 'Windlass makes none by itself: by the means of that server, and copy the home folder.'}
        </dd>
      </dl>
    </Card>
  );
}

function Artefacts({ artefacts }: { artefacts: Kept['artefacts'] }) {
  const { files, bytes } = artefacts;
  return (
    <Card title="Transcripts and artefacts" beside={<Badge>{artefacts.kind === 'none' ? 'not kept' : 'a folder'}</Badge>}>
      {artefacts.kind === 'none' ? (
        <p className="muted">
          Not kept: <code>blobs: none</code> in <code>windlass.yaml</code>. Journals of runs are in the database all the same.
        </p>
      ) : (
        <dl className="facts">
          <dt>Folder</dt>
          <dd className="mono">{artefacts.place}</dd>
          <dt>Files</dt>
          <dd className="number">{count(files)}</dd>
          <dt>Size</dt>
          <dd className="number">{bytes.kind === 'unknown' ? 'unknown' : `${bytes.kind === 'at_least' ? 'at least ' : ''}${size(bytes.value)}`}</dd>
        </dl>
      )}
    </Card>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  reviews: 'Ended reviews',
  request_log: 'What was asked of the API, by correlation id',
  idempotency: 'Answers kept for idempotency keys',
  run_requests: 'Which run a request made',
  sign_ins: 'Browsers that are signed out',
  gateway_answer: 'Answers that the gateway gives again',
};

function Tables({ database }: { database: Kept['database'] }) {
  const { items, total } = database.tables;
  const most = Math.max(1, ...items.map(({ bytes }) => bytes));
  const columns: readonly Column<Table>[] = [
    {
      title: 'Table',
      wide: true,
      render: (table) => (
        <>
          <div className="clip mono">{table.name}</div>
          <Bar parts={[{ share: table.bytes / most, kind: 'full' }]} />
        </>
      ),
    },
    {
      title: 'Rows, about',
      end: true,
      render: ({ rows }) => (rows === null ? <span title="PostgreSQL has not estimated it yet">–</span> : number(rows)),
    },
    { title: 'Size', end: true, render: ({ bytes }) => size(bytes) },
  ];
  return (
    <Card title="Largest tables" flush>
      <List what="tables" rows={{ ...STILL, items, total }} columns={columns} keyOf={({ name }) => name} empty={null} />
    </Card>
  );
}

function Retention({ kept }: { kept: Kept['retention'] }) {
  return (
    <Card title="Deleted by itself">
      <dl className="facts wide">
        {kept.map((each) => (
          <div key={each.class} className="pairs">
            <dt>{WORDS[each.class] ?? each.class.replaceAll('_', ' ')}</dt>
            <dd className="number">{each.days === null ? 'kept' : `after ${plural(each.days, 'day')}`}</dd>
          </div>
        ))}
      </dl>
      <p className="muted small worth">Runs and their journals, notes, documents, sessions, standards and spend are kept until they are deleted.</p>
    </Card>
  );
}
