/** What reviews found and what became of it: open, an issue, dismissed, resolved. */
import { memo } from 'react';
import { ChoiceFilter } from '../../parts/filters.tsx';
import { shownOf } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Failed, Loading, Outdated } from '../../parts/states.tsx';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useParams } from '../../state/router.ts';
import { KeptFinding } from './finding.tsx';
import { ReviewsPage } from './frame.tsx';

/** More of them renders none of those that are there. */
const Kept = memo(KeptFinding);
const STATES = ['open', 'issue', 'dismissed', 'resolved'] as const;

export function Findings() {
  const [params] = useParams();
  const state = STATES.find((each) => each === params.get('state'));
  const rows = usePages(api.findings.list, state === undefined ? {} : { state }, { live: ['review', 'run.ended'] });
  return (
    <ReviewsPage title="Findings">
      <div className="filters" role="search">
        <ChoiceFilter label="State" name="state" any="Whatever became of them" choices={STATES} />
      </div>
      {rows.items === undefined ? (
        rows.problem === null ? (
          <Loading what="findings" />
        ) : (
          <Failed what="the list of findings" problem={rows.problem} retry={rows.reload} />
        )
      ) : (
        <section className="stack" aria-label="Findings">
          <Outdated query={rows} />
          <h2 className="unseen">What was found</h2>
          {rows.items.map((finding) => (
            <Kept key={finding.id} finding={finding} />
          ))}
          {rows.items.length === 0 && (
            <Card>
              <Empty title={state === undefined ? 'Nothing was found yet' : 'No finding is like that'} />
            </Card>
          )}
          {rows.items.length > 0 && (
            <div className="row">
              <span className="muted small" role="status">
                {shownOf(rows.items.length, rows.total, 'findings')}
              </span>
              {rows.more !== null && (
                <button type="button" className="button" disabled={rows.reading === true} onClick={rows.more}>
                  {rows.reading === true ? 'Loading…' : 'Show more'}
                </button>
              )}
            </div>
          )}
        </section>
      )}
    </ReviewsPage>
  );
}
