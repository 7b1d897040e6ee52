/**
 * A list: columns, rows that lead somewhere, an honest total, more on demand. It stands for itself while it loads, when it is empty, when
 * it failed and when it could not be read again.
 */
import type { ReactNode } from 'react';
import type { Count } from '../../../src/kernel/page.ts';
import type { Problem } from '../state/api.ts';
import { count as countText, number } from '../state/format.ts';
import type { Query } from '../state/query.ts';
import { Failed, Loading, Outdated } from './states.tsx';

export type Column<T> = {
  title: string;
  render: (item: T) => ReactNode;
  /** Numbers stand at the end, one under the other. */
  end?: boolean;
  /** Takes the room that is left and is cut off where it ends: one in a list. */
  wide?: boolean;
  /** Left out where there is no room: at 640 px and below. */
  minor?: boolean;
  /** Left out already at 1000 px and below. */
  extra?: boolean;
};

export type Rows<T> = Pick<Query<unknown>, 'loading' | 'reload' | 'atMs'> & {
  items: readonly T[] | undefined;
  total: Count | null;
  problem: Problem | null;
  /** Null when all is shown. */
  more: (() => void) | null;
};

type Props<T> = {
  /** For people, as in `runs`. */
  what: string;
  rows: Rows<T>;
  columns: readonly Column<T>[];
  keyOf: (item: T) => string;
  empty: ReactNode;
};

export function List<T>({ what, rows, columns, keyOf, empty }: Props<T>) {
  const { items, total, problem } = rows;
  if (items === undefined) {
    return problem === null ? <Loading what={what} /> : <Failed what={`The list of ${what}`} problem={problem} retry={rows.reload} />;
  }
  if (items.length === 0 && problem === null) return <>{empty}</>;
  return (
    <>
      <Outdated query={rows} />
      <div className="list">
        <table>
          <caption className="unseen">{what}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.title} scope="col" className={classOf(column)}>
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={keyOf(item)}>
                {columns.map((column) => (
                  <td key={column.title} className={classOf(column)}>
                    {column.render(item)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="list-foot">
        <span role="status">{shownOf(items.length, total, what)}</span>
        {rows.more !== null && (
          <button type="button" className="button" disabled={rows.loading} onClick={rows.more}>
            {rows.loading ? 'Loading…' : 'Show more'}
          </button>
        )}
      </div>
    </>
  );
}

function classOf(column: Column<never>): string | undefined {
  const names = (['end', 'wide', 'minor', 'extra'] as const).filter((name) => column[name] === true);
  return names.length === 0 ? undefined : names.join(' ');
}

/** `12 runs`, `50 of 10,000 runs`, `50 runs; how many there are is not known: …`. */
function shownOf(shown: number, total: Count | null, what: string): string {
  if (total === null) return `${number(shown)} ${what}`;
  if (total.kind === 'unknown') return `${number(shown)} ${what} shown; how many there are is not known: ${total.why}`;
  if (total.kind === 'exact' && total.value <= shown) return shown === 1 ? `1 ${what.replace(/s$/, '')}` : `All ${number(shown)} ${what}`;
  return `${number(shown)} of ${countText(total)} ${what}`;
}
