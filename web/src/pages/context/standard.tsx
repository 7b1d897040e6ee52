/** One standard, whole. */
import { Card, Page } from '../../parts/page.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { PageProps } from '../../routes.ts';
import { api } from '../../state/api.ts';
import { useCall } from '../../state/query.ts';

export const STANDARDS_CRUMBS = [{ to: '/context/standards', label: 'Standards' }];

export function Standard({ params }: PageProps) {
  const standard = useCall(api.standards.get, { id: params['id'] ?? '' }, { live: ['standard'] });
  const found = standard.data;
  return (
    <Page
      title={found?.title ?? 'Standard'}
      crumbs={STANDARDS_CRUMBS}
      {...(found === undefined ? {} : { about: <span className="mono">{found.path}</span> })}
    >
      <Loaded query={standard} what="the standard">
        {(shown) => (
          <>
            {shown.faults.length > 0 && (
              <Notice>
                It does not keep the form, and is found all the same.
                {shown.faults.map((fault) => (
                  <p key={`${fault.path} ${fault.message}`}>
                    {fault.line !== undefined && `Line ${fault.line}: `}
                    {fault.message}
                  </p>
                ))}
              </Notice>
            )}
            <Card>
              <div className="prose mono">{shown.text}</div>
            </Card>
            <p className="muted small">
              Made by {shown.createdBy}, approved by {shown.approvedBy},{' '}
              {shown.place === 'folder' ? 'a file of the folder of standards' : 'kept in the database'}, read <Time ms={shown.indexedAtMs} />.{' '}
              <code title={shown.hash}>{shown.hash.slice(0, 16)}</code>
            </p>
          </>
        )}
      </Loaded>
    </Page>
  );
}
