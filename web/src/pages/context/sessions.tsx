/** Who is at work: sessions with what they hold, and the projects they work on. */
import { useState } from 'react';
import type { ProjectView } from '../../../../src/work/projects/contract.ts';
import type { SessionView } from '../../../../src/work/sessions/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { ChoiceFilter, ProjectFilter, useProjectFilter } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { useMay } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

const EVERY_MS = 15_000;
const STATES = ['active', 'ended', 'abandoned', 'all'] as const;
export const SESSION_TONES = { active: 'busy', ended: 'plain', abandoned: 'wait' } as const;

const COLUMNS: readonly Column<SessionView>[] = [
  {
    title: 'Session',
    render: (session) => (
      <a className="over" href={`/context/sessions/${session.id}`}>
        {session.agent} on {session.machine}
      </a>
    ),
  },
  { title: 'State', render: (session) => <Badge tone={SESSION_TONES[session.state]}>{session.state}</Badge> },
  { title: 'Project', minor: true, render: (session) => session.project },
  {
    title: 'Works on',
    wide: true,
    minor: true,
    render: (session) => (
      <div className="clip muted" title={session.workingOn}>
        {session.workingOn === '' ? (session.branch ?? '') : session.workingOn}
      </div>
    ),
  },
  { title: 'Holds', end: true, minor: true, render: (session) => <span title={held(session)}>{session.claims.length}</span> },
  { title: 'Last heard', end: true, render: (session) => <Time ms={session.heartbeatAtMs} /> },
];

function held(session: SessionView): string {
  return session.claims.map(({ kind, name }) => `${kind} ${name}`).join(', ');
}

export function Sessions() {
  const [params] = useParams();
  const state = STATES.find((each) => each === params.get('state')) ?? 'active';
  const filter = { ...useProjectFilter(), state };
  const rows = usePages(api.sessions.list, filter, { live: ['session'], everyMs: EVERY_MS });
  return (
    <ContextPage title="Sessions">
      <div className="filters" role="search">
        <ChoiceFilter label="State" name="state" any="At work now" choices={STATES.slice(1)} />
        <ProjectFilter />
      </div>
      <Card flush>
        <List
          what="sessions"
          rows={rows}
          columns={COLUMNS}
          keyOf={(session) => session.id}
          empty={
            state === 'active' ? (
              <Empty title="Nobody is at work">
                A coding CLI appears here when <code>npx windlass launch</code> starts it, or when it starts a session over MCP. What earlier ones
                left behind: <a href="/context?state=ended">sessions that ended</a>, <a href="/context/handoffs">handoffs</a>.
              </Empty>
            ) : (
              <Empty title="No session is like that" />
            )
          }
        />
      </Card>
      <Projects />
    </ContextPage>
  );
}

const PROJECT_COLUMNS: readonly Column<ProjectView>[] = [
  {
    title: 'Project',
    render: (project) => (
      <a className="over" href={`/context/projects/${project.code}`}>
        {project.code}
      </a>
    ),
  },
  { title: 'Name', render: (project) => <span className="nowrap">{project.name}</span> },
  {
    title: 'Checkout',
    wide: true,
    minor: true,
    render: (project) => (
      <div className="clip muted mono" title={project.path ?? ''}>
        {project.path ?? 'none on this machine'}
      </div>
    ),
  },
  { title: 'Added', end: true, render: (project) => <Time ms={project.createdAtMs} /> },
];

function Projects() {
  const rows = usePages(api.projects.list, {}, { live: ['project'] });
  const [adding, setAdding] = useState(false);
  const may = useMay('projects.write');
  return (
    <Card
      title="Projects"
      flush
      beside={
        may ? (
          <button type="button" className="button" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> Add a project
          </button>
        ) : undefined
      }
    >
      <List
        what="projects"
        rows={rows}
        columns={PROJECT_COLUMNS}
        keyOf={(project) => project.id}
        empty={<Empty title="No project yet">A project is a git repository on the server&apos;s machine.</Empty>}
      />
      {adding && (
        <FormDialog
          title="Add a project"
          action="Add"
          operation="projects.add"
          topics={['project']}
          send={async (value: InputOf<typeof api.projects.add>) => `${(await api.projects.add(value)).code} is a project.`}
          onClose={() => setAdding(false)}
        />
      )}
    </Card>
  );
}
