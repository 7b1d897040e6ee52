/** A few numbers that matter, large enough to be read from afar. */
import type { ReactNode } from 'react';

export function Figures({ children }: { children: ReactNode }) {
  return <div className="figures">{children}</div>;
}

export function Figure({ title, value, hint }: { title: string; value: ReactNode; hint?: string }) {
  return (
    <div className="figure" title={hint}>
      <span className="muted small">{title}</span>
      <b>{value}</b>
    </div>
  );
}
