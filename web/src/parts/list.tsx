/**
 * A list: columns, rows that lead somewhere, an honest total, more on demand. It stands for itself while it loads, when it is empty, when
 * it failed and when it could not be read again.
 */
import type { ReactNode } from 'react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { Count } from '../../../src/kernel/page.ts';
import type { Problem } from '../state/api.ts';
import { count as countText, number } from '../state/format.ts';
import type { Query } from '../state/query.ts';
import { Failed, Loading, Outdated } from './states.tsx';
import { Time } from './time.tsx';

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
  /** More is being read. */
  reading?: boolean;
  /** Rows from there on were not read again since. */
  stale?: { from: number; atMs: number } | null;
};

/** For what is there whole and needs no reading. */
export const STILL = { problem: null, loading: false, reload: (): void => undefined, atMs: 0, more: null } as const;

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
      <Table what={what} items={items} columns={columns} keyOf={keyOf} total={total} />
      <div className="list-foot">
        <span role="status">{shownOf(items.length, total, what)}</span>
        {rows.stale !== undefined && rows.stale !== null && (
          <span>
            After the first {number(rows.stale.from)} as it was <Time ms={rows.stale.atMs} />
          </span>
        )}
        {rows.more !== null && (
          <button type="button" className="button" disabled={rows.reading === true} onClick={rows.more}>
            {rows.reading === true ? 'Loading…' : 'Show more'}
          </button>
        )}
      </div>
    </>
  );
}

type TableProps<T> = Pick<Props<T>, 'what' | 'columns' | 'keyOf'> & { items: readonly T[]; total: Count | null };

/** Rows stand in blocks, and only blocks near what is in sight are there: 10,000 rows scroll as smoothly as 50. */
function Table<T>({ what, items, columns, keyOf, total }: TableProps<T>) {
  const blocks = useMemo(
    () => Array.from({ length: Math.ceil(items.length / BLOCK_ROWS) }, (_none, index) => items.slice(index * BLOCK_ROWS, (index + 1) * BLOCK_ROWS)),
    [items],
  );
  const all = total === null || total.kind === 'unknown' ? -1 : total.value + 1;
  return (
    <div className="list">
      <table aria-rowcount={blocks.length > 1 ? all : undefined}>
        <caption className="unseen">{what}</caption>
        <thead>
          <tr aria-rowindex={blocks.length > 1 ? 1 : undefined}>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={classOf(column)}>
                {column.title === ACTIONS ? <span className="unseen">Actions</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        {blocks.length < 2 ? (
          <tbody>
            <RowsOf items={items} columns={columns} keyOf={keyOf} first={null} />
          </tbody>
        ) : (
          blocks.map((block, index) => <MemoBlock key={index} index={index} items={block} columns={columns as never} keyOf={keyOf as never} />)
        )}
      </table>
    </div>
  );
}

/** Title of a column of buttons, which say what they do: nothing stands above it for who sees them. */
const ACTIONS = 'Do';
const BLOCK_ROWS = 50;
/** Blocks that are there at first, and how high others are taken for until they were there. */
const BLOCKS_AT_FIRST = 4;
const ROW_GUESS_PX = 40;
const NEAR = '1200px 0px';

type BlockProps<T> = Pick<Props<T>, 'columns' | 'keyOf'> & { items: readonly T[]; index: number };

function Block<T>({ items, columns, keyOf, index }: BlockProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  /** Its height while it is out of sight. */
  const [away, setAway] = useState<number | null>(index < BLOCKS_AT_FIRST ? null : items.length * ROW_GUESS_PX);
  useEffect(() => {
    const element = body.current;
    if (element === null) return;
    const seen = new IntersectionObserver(([entry]) => entry !== undefined && setAway(entry.isIntersecting ? null : element.offsetHeight), {
      rootMargin: NEAR,
    });
    seen.observe(element);
    return () => seen.disconnect();
  }, []);
  return (
    <tbody ref={body}>
      {away === null ? (
        <RowsOf items={items} columns={columns} keyOf={keyOf} first={index * BLOCK_ROWS + 2} />
      ) : (
        <tr aria-hidden="true">
          <td colSpan={columns.length} style={{ height: away }} />
        </tr>
      )}
    </tbody>
  );
}
const MemoBlock = memo(Block) as typeof Block;

/** `first` is the place of the first among all rows, where not all are there. */
function RowsOf<T>({ items, columns, keyOf, first }: Pick<Props<T>, 'columns' | 'keyOf'> & { items: readonly T[]; first: number | null }) {
  return items.map((item, index) => (
    <tr key={keyOf(item)} aria-rowindex={first === null ? undefined : first + index}>
      {columns.map((column) => (
        <td key={column.title} className={classOf(column)}>
          {column.render(item)}
        </td>
      ))}
    </tr>
  ));
}

function classOf(column: Column<never>): string | undefined {
  const names = (['end', 'wide', 'minor', 'extra'] as const).filter((name) => column[name] === true);
  return names.length === 0 ? undefined : names.join(' ');
}

/** `12 runs`, `50 of 10,000 runs`, `50 runs; how many there are is not known: …`. */
export function shownOf(shown: number, total: Count | null, what: string): string {
  if (total === null) return `${number(shown)} ${shown === 1 ? one(what) : what}`;
  if (total.kind === 'unknown') return `${number(shown)} ${what} shown; how many there are is not known: ${total.why}`;
  if (total.kind === 'exact' && total.value <= shown) return shown === 1 ? `1 ${one(what)}` : `All ${number(shown)} ${what}`;
  return `${number(shown)} of ${countText(total)} ${what}`;
}

/** `runs` as `run`, `documents it must have` as `document it must have`. */
function one(what: string): string {
  const [first = '', ...rest] = what.split(' ');
  const known =
    first === 'people' ? 'person' : first.endsWith('ies') ? `${first.slice(0, -3)}y` : first === 'aliases' ? 'alias' : first.replace(/s$/, '');
  return [known, ...rest].join(' ');
}
