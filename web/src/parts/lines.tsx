/** What differs between two texts, line by line; long stretches of what stayed are folded. */
import { plural } from '../state/format.ts';

export type Line = { how: 'same' | 'removed' | 'added'; text: string };

const AROUND = 3;
const SIGNS = { same: ' ', removed: '−', added: '+' } as const;
const SAID = { same: '', removed: 'removed: ', added: 'added: ' } as const;

export function Lines({ lines }: { lines: readonly Line[] }) {
  if (lines.every(({ how }) => how === 'same')) return <p className="muted">Nothing differs.</p>;
  return (
    <div className="lines" tabIndex={0} role="group" aria-label="Differences">
      {folded(lines).map((part, index) =>
        typeof part === 'number' ? (
          <div key={index} className="folded muted">
            {plural(part, 'line')} as before
          </div>
        ) : (
          <div key={index} className={part.how}>
            <span aria-hidden="true">{SIGNS[part.how]}</span>
            <span className="unseen">{SAID[part.how]}</span>
            {part.text}
          </div>
        ),
      )}
    </div>
  );
}

/** A number stands for so many lines that stayed. */
function folded(lines: readonly Line[]): (Line | number)[] {
  const changed = lines.flatMap(({ how }, index) => (how === 'same' ? [] : [index]));
  const near = new Set(changed.flatMap((at) => Array.from({ length: 2 * AROUND + 1 }, (_each, offset) => at + offset - AROUND)));
  const parts: (Line | number)[] = [];
  for (const [index, line] of lines.entries()) {
    const last = parts.at(-1);
    if (near.has(index)) parts.push(line);
    else if (typeof last === 'number') parts[parts.length - 1] = last + 1;
    else parts.push(1);
  }
  return parts;
}
