/** Who there is: people, coding CLIs, services, and the accounts of agents. */
import { useState } from 'react';
import type { ActorView } from '../../../../src/platform/identity/contract.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Secret } from '../../parts/secret.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import type { AnswerOf, InputOf } from '../../state/api.ts';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { useQuery } from '../../state/query.ts';
import { useMay, waysToSignIn } from '../../state/session.tsx';
import { SettingsPage } from './frame.tsx';

const KINDS = { user: 'person', agent: 'agent', cli: 'coding CLI', service: 'service' } as const;

type Made = AnswerOf<typeof api.identity.createKey>;

export function People() {
  const rows = usePages(api.identity.listActors, {}, { live: ['actor', 'agent'] });
  const [adding, setAdding] = useState(false);
  const [keyFor, setKeyFor] = useState<ActorView | null>(null);
  const [letting, setLetting] = useState<ActorView | null>(null);
  const [made, setMade] = useState<Made | null>(null);
  const may = useMay('keys.mint');
  const provider = useQuery('sign-in/ways', waysToSignIn).data?.openId ?? null;
  const columns: readonly Column<ActorView>[] = [
    { title: 'Name', wide: true, render: (actor) => <div className="clip">{actor.name}</div> },
    { title: 'Is', render: (actor) => <span className="nowrap">{KINDS[actor.kind]}</span> },
    {
      title: 'Signs in as',
      minor: true,
      render: (actor) => actor.signIn !== null && <SignsIn signIn={actor.signIn} />,
    },
    { title: 'Since', end: true, minor: true, render: (actor) => <Time ms={actor.createdAtMs} /> },
    {
      title: 'Do',
      end: true,
      render: (actor) =>
        may &&
        actor.kind !== 'agent' && (
          <div className="row">
            {provider !== null && actor.kind === 'user' && (
              <button type="button" className="button" onClick={() => setLetting(actor)}>
                Let sign in
              </button>
            )}
            <button type="button" className="button" onClick={() => setKeyFor(actor)}>
              Make a key
            </button>
          </div>
        ),
    },
  ];
  return (
    <SettingsPage
      title="People"
      actions={
        may ? (
          <button type="button" className="button main" onClick={() => setAdding(true)}>
            <Icon name="plus" size={14} /> Add somebody
          </button>
        ) : undefined
      }
    >
      <Card flush>
        <List what="actors" rows={rows} columns={columns} keyOf={(actor) => actor.id} empty={<Empty title="Nobody yet" />} />
      </Card>
      {adding && (
        <FormDialog
          title="Add somebody"
          action="Add"
          operation="identity.createActor"
          start={{ kind: 'user' }}
          topics={['actor']}
          send={async (value: InputOf<typeof api.identity.createActor>) => {
            const added = await api.identity.createActor(value);
            const signsIn = provider !== null && added.kind === 'user';
            (signsIn ? setLetting : setKeyFor)(added);
            return signsIn ? `Added. Their email address lets them in.` : 'Added. A key lets them in.';
          }}
          onClose={() => setAdding(false)}
        />
      )}
      {keyFor !== null && !adding && (
        <FormDialog
          title={`A key for ${keyFor.name}`}
          action="Make it"
          operation="identity.createKey"
          start={{ name: keyFor.name }}
          fixed={{ actor: keyFor.id }}
          without={['project', 'agent', 'models', 'requestsPerMinute', 'tokensPerMinute', 'cacheSeconds']}
          topics={['key']}
          send={async (value: InputOf<typeof api.identity.createKey>) => {
            setMade(await api.identity.createKey(value));
            return null;
          }}
          onClose={() => setKeyFor(null)}
        />
      )}
      {letting !== null && !adding && <LetSignIn person={letting} provider={provider?.name ?? ''} onClose={() => setLetting(null)} />}
      {made !== null && keyFor === null && (
        <Secret title={`The key ${made.key.name}`} secret={made.secret} message={made.message} onClose={() => setMade(null)} />
      )}
    </SettingsPage>
  );
}

function SignsIn({ signIn }: { signIn: NonNullable<ActorView['signIn']> }) {
  return (
    <div className="clip" title={signIn.email}>
      {signIn.role}, {signIn.email}
    </div>
  );
}

function LetSignIn({ person, provider, onClose }: { person: ActorView; provider: string; onClose: () => void }) {
  const { busy, run } = useAct();
  const end = async (): Promise<void> => {
    const went = await run(async () => {
      await api.identity.endSignIn({ id: person.id });
      return `${person.name} no longer signs in with ${provider}.`;
    }, 'actor');
    if (went) onClose();
  };
  return (
    <FormDialog
      title={`Let ${person.name} sign in with ${provider}`}
      action="Let in"
      operation="identity.allowSignIn"
      start={person.signIn ?? {}}
      fixed={{ id: person.id }}
      topics={['actor']}
      send={async (value: InputOf<typeof api.identity.allowSignIn>) => {
        await api.identity.allowSignIn(value);
        return `${person.name} can sign in with ${provider} now.`;
      }}
      onClose={onClose}
    >
      {person.signIn !== null && (
        <p>
          Another role or address signs {person.name} out.{' '}
          <button type="button" className="button danger" disabled={busy} onClick={() => void end()}>
            No longer let in
          </button>
        </p>
      )}
    </FormDialog>
  );
}
