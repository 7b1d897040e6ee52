/** JSON as people read it: as it is, with breaks and without a parser's noise; long ones in a box of their own. */
export function Json({ value, tall = false }: { value: unknown; tall?: boolean }) {
  return (
    <pre className={tall ? 'code tall' : 'code'} tabIndex={0}>
      {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
    </pre>
  );
}

export type Difference = { path: string; before?: unknown; after?: unknown };

/** What changed, field by field. */
export function Differences({ list }: { list: readonly Difference[] }) {
  if (list.length === 0) return <p className="muted">Nothing differs.</p>;
  return (
    <div className="diff">
      {list.map((each) => (
        <div key={each.path}>
          <div className="path">{each.path}</div>
          {each.before !== undefined && <pre className="gone">{shown(each.before)}</pre>}
          {each.after !== undefined && <pre className="came">{shown(each.after)}</pre>}
        </div>
      ))}
    </div>
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
