/** What this installation is, and who looks at it. */
import { Card } from '../../parts/page.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { api } from '../../state/api.ts';
import { duration } from '../../state/format.ts';
import { useCall } from '../../state/query.ts';
import { useMay, useMe } from '../../state/session.tsx';
import { SettingsPage } from './frame.tsx';

const EVERY_MS = 30_000;

export function About() {
  return (
    <SettingsPage title="About">
      <div className="columns">
        {useMay('status.read') && <Server />}
        <You />
      </div>
    </SettingsPage>
  );
}

function Server() {
  const status = useCall(api.status.read, {}, { everyMs: EVERY_MS });
  return (
    <Card title="This server">
      <Loaded query={status} what="the state of the server">
        {({ server, database }) => (
          <dl className="facts">
            <dt>Windlass</dt>
            <dd>{server.version}</dd>
            <dt>Address</dt>
            <dd className="mono">{location.origin}</dd>
            <dt>Started</dt>
            <dd>
              <Time ms={server.startedAtMs} />
            </dd>
            <dt>PostgreSQL</dt>
            <dd>
              {database.version}, answers in {duration(database.roundTripMs)}
            </dd>
          </dl>
        )}
      </Loaded>
    </Card>
  );
}

function You() {
  const me = useMe();
  return (
    <Card title="You">
      <dl className="facts">
        <dt>Name</dt>
        <dd>{me.actor.name}</dd>
        <dt>Role</dt>
        <dd>{me.role}</dd>
        <dt>Key</dt>
        <dd className="mono">{me.key.fingerprint}</dd>
        <dt>Scopes</dt>
        <dd>{me.scopes.join(', ')}</dd>
        <dt>May</dt>
        <dd>
          <details>
            <summary>{me.permissions.length} things</summary>
            <span className="muted">{me.permissions.join(', ')}</span>
          </details>
        </dd>
      </dl>
    </Card>
  );
}
