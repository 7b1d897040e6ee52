/** The frame of every page: its title, where it stands, what can be done, and tabs. */
import type { ReactNode } from 'react';
import { useEffect, useRef } from 'react';
import { useAddress } from '../state/router.ts';

export type Crumb = { to: string; label: string };
export type Tab = { to: string; label: string };

type Props = {
  title: string;
  /** Beside the title: a status, say. */
  beside?: ReactNode;
  /** One line below it. */
  about?: ReactNode;
  crumbs?: readonly Crumb[];
  actions?: ReactNode;
  tabs?: readonly Tab[];
  children: ReactNode;
};

/** What is seen of the tab before the one that is shown. */
const TAB_BEFORE_PX = 72;

export function Page({ title, beside, about, crumbs = [], actions, tabs = [], children }: Props) {
  const path = useAddress().split('?')[0] ?? '';
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Windlass`;
  }, [title]);
  // who moves by keyboard or screen reader begins at the title of the page they came to
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) heading.current?.focus({ preventScroll: true });
  }, [path]);
  const row = useRef<HTMLElement>(null);
  // on a narrow screen the tab that is shown may stand beyond the edge
  useEffect(() => {
    const here = row.current?.querySelector<HTMLElement>('[aria-current]');
    if (here !== null && here !== undefined && row.current !== null)
      row.current.scrollLeft = here.offsetLeft - row.current.offsetLeft - TAB_BEFORE_PX;
  }, [path]);
  return (
    <div className="page">
      <header>
        <div className="titles">
          {crumbs.length > 0 && (
            <nav className="crumbs" aria-label="Where this is">
              {crumbs.map((crumb) => (
                <span key={crumb.to} className="row tight">
                  <a href={crumb.to}>{crumb.label}</a> /
                </span>
              ))}
            </nav>
          )}
          <div className="row">
            <h1 ref={heading} tabIndex={-1}>
              {title}
            </h1>
            {beside}
          </div>
          {about !== undefined && <div className="muted">{about}</div>}
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {tabs.length > 0 && (
        <nav className="tabs" aria-label="Parts of this page" ref={row}>
          {tabs.map((tab) => (
            <a key={tab.to} href={tab.to} aria-current={tab.to.split('?')[0] === path ? 'page' : undefined}>
              {tab.label}
            </a>
          ))}
        </nav>
      )}
      {children}
    </div>
  );
}

type CardProps = { title?: ReactNode; beside?: ReactNode; flush?: boolean; children: ReactNode };

/** A part of a page with a title of its own; `flush` for a list that reaches its edges. */
export function Card({ title, beside, flush = false, children }: CardProps) {
  return (
    <section className={flush ? 'card flush' : 'card'}>
      {title !== undefined && (
        <header>
          <h2 className="grow">{title}</h2>
          {beside}
        </header>
      )}
      {children}
    </section>
  );
}
