/** A part of a whole as a bar; the numbers stand beside it in words, so it is left out for who does not see it. */
export type BarPart = { share: number; kind: 'full' | 'held' | 'over' };

export function Bar({ parts }: { parts: readonly BarPart[] }) {
  return (
    <div className="meter" aria-hidden="true">
      {parts.map((part) => (
        <i key={part.kind} className={part.kind} style={{ width: `${Math.min(100, Math.max(0, part.share * 100))}%` }} />
      ))}
    </div>
  );
}
