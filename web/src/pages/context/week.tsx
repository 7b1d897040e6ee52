/** What the organization is after this week; every briefing says it. */
import { useState } from 'react';
import { useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty, Loaded, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { plural } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useMay } from '../../state/session.tsx';
import { ContextPage } from './frame.tsx';

export function Week() {
  const read = useCall(api.weeklyPlan.read, {}, { live: ['plan'], everyMs: 60_000 });
  const [writing, setWriting] = useState(false);
  const projects = useProjects();
  const may = useMay('context.write');
  const plan = read.data?.plan ?? null;
  return (
    <ContextPage
      title="Week"
      actions={
        may && read.data !== undefined ? (
          <button type="button" className="button main" onClick={() => setWriting(true)}>
            {plan === null ? 'Write the plan' : 'Write it anew'}
          </button>
        ) : undefined
      }
    >
      <Loaded query={read} what="the weekly plan">
        {() =>
          plan === null ? (
            <Card>
              <Empty title="No plan yet">
                The project that comes first and the goals of the week: every agent is told them when it begins to work.
              </Empty>
            </Card>
          ) : (
            <>
              {plan.stale && <Notice>This plan is {plural(plan.ageDays, 'day')} old, and every briefing says so.</Notice>}
              <Card
                title={plan.priorityProject === null ? 'Goals' : `First comes ${plan.priorityProject}`}
                beside={
                  <span className="muted small">
                    {plan.by.name}, <Time ms={plan.atMs} />
                  </span>
                }
              >
                {plan.goals.length === 0 ? (
                  <p className="muted">No goals.</p>
                ) : (
                  <ol className="points">
                    {plan.goals.map((goal) => (
                      <li key={goal}>{goal}</li>
                    ))}
                  </ol>
                )}
                {plan.notes !== '' && <div className="prose notes">{plan.notes}</div>}
              </Card>
            </>
          )
        }
      </Loaded>
      {writing && (
        <FormDialog
          title="The plan of the week"
          action="Save"
          operation="weeklyPlan.write"
          start={plan === null ? {} : { priorityProject: plan.priorityProject ?? undefined, goals: plan.goals, notes: plan.notes }}
          fixed={{ base: plan?.version ?? 0 }}
          long={['notes']}
          choices={{ priorityProject: projects }}
          topics={['plan']}
          send={async (value: InputOf<typeof api.weeklyPlan.write>) => {
            await api.weeklyPlan.write(value);
            return 'Saved; what it was is kept.';
          }}
          onClose={() => setWriting(false)}
        />
      )}
    </ContextPage>
  );
}
