/** Keys: who may do what, made, rotated and revoked; virtual keys of the model gateway among them. */
import { useState } from 'react';
import type { KeyView } from '../../../../src/platform/identity/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import { Confirm } from '../../parts/dialog.tsx';
import { ChoiceFilter, useProjects } from '../../parts/filters.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Secret } from '../../parts/secret.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import type { AnswerOf, InputOf } from '../../state/api.ts';
import { api } from '../../state/api.ts';
import { number } from '../../state/format.ts';
import { usePages } from '../../state/pages.ts';
import { useCall } from '../../state/query.ts';
import { useParams } from '../../state/router.ts';
import { useMay, useMe } from '../../state/session.tsx';
import { SettingsPage } from './frame.tsx';

type Made = AnswerOf<typeof api.identity.createKey>;
type Open = { kind: 'key' | 'virtual' } | { kind: 'rotate' | 'revoke'; key: KeyView } | null;

const TONES = { active: 'good', expired: 'wait', revoked: 'plain' } as const;

function columnsOf(act: (open: Open) => void, own: string): readonly Column<KeyView>[] {
  return [
    {
      title: 'Key',
      wide: true,
      render: (key) => (
        <>
          <div className="clip" title={key.name}>
            <b>{key.name}</b> {key.id === own && <span className="muted">(yours, here)</span>}
          </div>
          <div className="clip muted small">{boundsOf(key)}</div>
        </>
      ),
    },
    { title: 'State', render: (key) => <Badge tone={TONES[key.state]}>{key.state}</Badge> },
    { title: 'Of', minor: true, render: (key) => <span className="nowrap">{key.actor.name}</span> },
    { title: 'Role', extra: true, render: (key) => key.role },
    {
      title: 'Ends',
      end: true,
      extra: true,
      render: (key) => (key.expiresAtMs === null ? <span className="muted">never</span> : <Time ms={key.expiresAtMs} />),
    },
    {
      title: 'Last used',
      end: true,
      minor: true,
      render: (key) => (key.lastUsedAtMs === null ? <span className="muted">never</span> : <Time ms={key.lastUsedAtMs} />),
    },
    { title: 'Do', end: true, render: (key) => <KeyActions keyView={key} act={act} /> },
  ];
}

/** What it may do, and how much of models. */
function boundsOf(key: KeyView): string {
  const { requestsPerMinute, tokensPerMinute, cacheSeconds } = key.limits;
  return [
    key.scopes.join(', '),
    ...(key.models === null ? [] : [`models ${key.models.join(', ')}`]),
    ...(requestsPerMinute === null ? [] : [`${number(requestsPerMinute)} requests a minute`]),
    ...(tokensPerMinute === null ? [] : [`${number(tokensPerMinute)} tokens a minute`]),
    ...(cacheSeconds === null ? [] : [`answers kept for ${number(cacheSeconds)} s`]),
  ].join(' · ');
}

function KeyActions({ keyView, act }: { keyView: KeyView; act: (open: Open) => void }) {
  if (!useMay('keys.mint') || keyView.state === 'revoked') return null;
  return (
    <span className="row tight end">
      <button type="button" className="button" onClick={() => act({ kind: 'rotate', key: keyView })}>
        Rotate
      </button>
      <button type="button" className="button danger" onClick={() => act({ kind: 'revoke', key: keyView })}>
        Revoke
      </button>
    </span>
  );
}

export function Keys() {
  const [params] = useParams();
  const all = params.get('all') === 'all';
  const rows = usePages(api.identity.listKeys, all ? { all: 'true' } : {}, { live: ['key'], everyMs: 60_000 });
  const [open, setOpen] = useState<Open>(null);
  const [made, setMade] = useState<Made | null>(null);
  const me = useMe();
  const may = useMay('keys.mint');
  return (
    <SettingsPage
      title="Keys"
      actions={
        may ? (
          <>
            <button type="button" className="button main" onClick={() => setOpen({ kind: 'key' })}>
              <Icon name="plus" size={14} /> New key
            </button>
            <button type="button" className="button" onClick={() => setOpen({ kind: 'virtual' })}>
              New key for models
            </button>
          </>
        ) : undefined
      }
    >
      <div className="filters" role="search">
        <ChoiceFilter label="Which" name="all" any="Active ones" choices={['all']} />
      </div>
      <Card flush>
        <List what="keys" rows={rows} columns={columnsOf(setOpen, me.key.id)} keyOf={(key) => key.id} empty={<Empty title="No key is active" />} />
      </Card>
      <KeyDialogs open={open} onMade={setMade} onClose={() => setOpen(null)} />
      {made !== null && open === null && (
        <Secret title={`The key ${made.key.name}`} secret={made.secret} message={made.message} onClose={() => setMade(null)} />
      )}
    </SettingsPage>
  );
}

type DialogProps = { open: Open; onMade: (made: Made) => void; onClose: () => void };

function KeyDialogs({ open, onMade, onClose: close }: DialogProps) {
  const { run } = useAct();
  if (open === null) return null;
  switch (open.kind) {
    case 'key':
    case 'virtual':
      return <NewKey virtual={open.kind === 'virtual'} onMade={onMade} onClose={close} />;
    case 'rotate':
      return (
        <FormDialog
          title={`Rotate ${open.key.name}`}
          action="Make the new one"
          operation="identity.rotateKey"
          fixed={{ id: open.key.id }}
          topics={['key']}
          send={async (value: InputOf<typeof api.identity.rotateKey>) => {
            onMade(await api.identity.rotateKey(value));
            return null;
          }}
          onClose={close}
        >
          <p>A new key takes its place with the same bounds. The old one goes on working for a while, so that nothing stops meanwhile.</p>
        </FormDialog>
      );
    case 'revoke':
      return (
        <Confirm
          title={`Revoke ${open.key.name}`}
          action="Revoke"
          danger
          onConfirm={() =>
            run(async () => {
              await api.identity.revokeKey({ id: open.key.id });
              return 'Revoked: it lets nobody in any more.';
            }, 'key')
          }
          onClose={close}
        >
          Whoever uses it is shut out at once, browsers that were signed in with it included. It cannot be undone.
        </Confirm>
      );
  }
}

const MODEL_FIELDS = ['project', 'agent', 'models', 'requestsPerMinute', 'tokensPerMinute', 'cacheSeconds'];

function NewKey({ virtual, onMade, onClose }: { virtual: boolean; onMade: (made: Made) => void; onClose: () => void }) {
  const projects = useProjects();
  const agents = useCall(api.agents.list, useMay('agents.read') ? { limit: 200 } : null);
  return (
    <FormDialog
      title={virtual ? 'New key for models' : 'New key'}
      action="Make it"
      operation="identity.createKey"
      {...(virtual ? { fixed: { scopes: ['gateway'], role: 'member' } } : {})}
      without={virtual ? ['actor'] : ['actor', ...MODEL_FIELDS]}
      choices={{ project: projects, agent: agents.data?.items.map(({ name }) => name) ?? [] }}
      topics={['key']}
      send={async (value: InputOf<typeof api.identity.createKey>) => {
        onMade(await api.identity.createKey(value));
        return null;
      }}
      onClose={onClose}
    >
      {virtual && <p>It calls models through the gateway and can do nothing else. What it spends is counted against its project and agent.</p>}
    </FormDialog>
  );
}
