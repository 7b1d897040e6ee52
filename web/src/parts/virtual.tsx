/** Many rows of one height, of which only those in sight are there: 5,000 scroll as smoothly as 50. */
import type { ReactNode } from 'react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';

const SPARE = 12;

type Props<T> = {
  items: readonly T[];
  rowHeight: number;
  keyOf: (item: T) => string;
  render: (item: T, index: number) => ReactNode;
  label: string;
  /** Scrolled into sight when it changes. */
  showIndex?: number | null;
  /** Stays at the end while more comes, as long as the reader is there. */
  follow?: boolean;
};

export function Virtual<T>({ items, rowHeight, keyOf, render, label, showIndex = null, follow = false }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const atEnd = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => {
      setView({ top: element.scrollTop, height: element.clientHeight });
      atEnd.current = element.scrollTop + element.clientHeight >= element.scrollHeight - rowHeight;
    };
    const sized = new ResizeObserver(look);
    sized.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      sized.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [rowHeight]);
  useLayoutEffect(() => {
    if (follow && atEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, items.length]);
  useLayoutEffect(() => {
    const element = box.current;
    if (showIndex === null || element === null) return;
    const top = showIndex * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight) element.scrollTop = top + rowHeight - element.clientHeight;
  }, [showIndex, rowHeight]);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - SPARE);
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + SPARE);
  return (
    <div ref={box} className="virtual" role="list" aria-label={label}>
      <div style={{ height: items.length * rowHeight }}>
        {items.slice(first, last).map((item, offset) => (
          <div key={keyOf(item)} role="listitem" style={{ top: (first + offset) * rowHeight, height: rowHeight }}>
            {render(item, first + offset)}
          </div>
        ))}
      </div>
    </div>
  );
}
