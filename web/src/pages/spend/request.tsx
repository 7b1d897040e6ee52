/** Answering a request for more; shared with Home. */
import { useState } from 'react';
import type { RequestView } from '../../../../src/platform/budgets/contract.ts';
import { Confirm } from '../../parts/dialog.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { useMay } from '../../state/session.tsx';

export function RequestActions({ request }: { request: RequestView }) {
  const { busy, run } = useAct();
  const [refusing, setRefusing] = useState(false);
  if (!useMay('budgets.raise') || request.state !== 'open') return null;
  return (
    <>
      <button
        type="button"
        className="button"
        disabled={busy}
        onClick={() =>
          void run(async () => {
            await api.budgets.grant({ id: request.budget, amount: request.amount, request: request.id });
            return 'Granted: runs that wait for it go on.';
          }, 'budget')
        }
      >
        Grant
      </button>
      <button type="button" className="button danger" disabled={busy} onClick={() => setRefusing(true)}>
        Refuse
      </button>
      {refusing && (
        <Confirm
          title="Refuse the request"
          action="Refuse"
          danger
          ask={{ label: `Why? ${request.by.name} reads this.`, required: true }}
          onConfirm={(reason) =>
            run(async () => {
              await api.budgets.refuse({ id: request.id, reason });
              return 'Refused.';
            }, 'budget')
          }
          onClose={() => setRefusing(false)}
        >
          The budget stays as it is.
        </Confirm>
      )}
    </>
  );
}
