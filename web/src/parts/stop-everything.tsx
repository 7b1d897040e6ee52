/** Stopping everything that agents do, from wherever one is. */
import { useAct } from '../state/act.ts';
import { api } from '../state/api.ts';
import { plural } from '../state/format.ts';
import { Confirm } from './dialog.tsx';

export function StopEverything({ onClose }: { onClose: () => void }) {
  const { run } = useAct();
  return (
    <Confirm
      title="Stop everything"
      action="Stop everything"
      danger
      ask={{ label: 'Why, for the record' }}
      onConfirm={(reason) =>
        run(
          async () => {
            const { agents, runs, failed } = await api.stop.all({ reason });
            const rest = failed.map(({ what, why }) => ` ${what} was not: ${why}`).join('');
            return `${plural(agents.length, 'agent')} paused, ${plural(runs, 'run')} cancelled.${rest}`;
          },
          'agent',
          'run',
        )
      }
      onClose={onClose}
    >
      Every run that lives is cancelled, questions to people with it, and no agent takes a new one until somebody lets it run again, on its page.
      Schedules that come due meanwhile are recorded as skipped. Coding CLIs and calls through the gateway go on.
    </Confirm>
  );
}
