/** What stands in place of content: nothing there, still coming, part of it missing, failed. Always what happened, why, and what to do. */
import type { ReactNode } from 'react';
import type { Problem } from '../state/api.ts';
import type { Query } from '../state/query.ts';
import { Time } from './time.tsx';

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <p className="title">{title}</p>
      {children !== undefined && <div className="muted">{children}</div>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="bones" role="status">
      <span className="unseen">Loading {what}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Failed({ what, problem, retry }: { what: string; problem: Problem; retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <p className="title">{`${what.charAt(0).toUpperCase()}${what.slice(1)} could not be read`}</p>
      <p>{problem.detail}</p>
      <p className="muted">{problem.next}</p>
      {problem.faults.map((fault) => (
        <p key={fault.path} className="small">
          <code>{fault.path}</code> {fault.message}
        </p>
      ))}
      <div className="row">
        {retry !== undefined && (
          <button type="button" className="button" onClick={retry}>
            Try again
          </button>
        )}
        {problem.correlationId !== null && <span className="muted small mono">{problem.correlationId}</span>}
      </div>
    </div>
  );
}

/** Shown above what is there when reading it again failed. */
export function Outdated({ query }: { query: Pick<Query<unknown>, 'problem' | 'atMs' | 'reload'> }) {
  if (query.problem === null) return null;
  return (
    <div className="notice" role="status">
      <div>
        As of <Time ms={query.atMs} />. It could not be read again: {query.problem.detail}
      </div>
      <button type="button" className="button" onClick={query.reload}>
        Try again
      </button>
    </div>
  );
}

/** The content of one read: what is coming, what failed, or what is there. */
export function Loaded<T>({ query, what, children }: { query: Query<T>; what: string; children: (data: T) => ReactNode }) {
  if (query.data === undefined)
    return query.problem === null ? <Loading what={what} /> : <Failed what={what} problem={query.problem} retry={query.reload} />;
  return (
    <>
      <Outdated query={query} />
      {children(query.data)}
    </>
  );
}

export function Notice({ kind = 'wait', children }: { kind?: 'wait' | 'bad' | 'good'; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`}>
      <div>{children}</div>
    </div>
  );
}
