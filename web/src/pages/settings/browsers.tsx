/** Browsers that are signed in, and signing them out. */
import type { SignInView } from '../../../../src/platform/sign-in/contract.ts';
import { Badge } from '../../parts/badge.tsx';
import type { Column } from '../../parts/list.tsx';
import { List } from '../../parts/list.tsx';
import { Card } from '../../parts/page.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useAct } from '../../state/act.ts';
import { api } from '../../state/api.ts';
import { usePages } from '../../state/pages.ts';
import { SettingsPage } from './frame.tsx';

const TONES = { active: 'good', expired: 'plain', ended: 'plain' } as const;

/** In the order in which they are to be looked for: most say that they are several. */
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:Headless)?(?:Chrome|CriOS)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[^ ]* .*Safari/],
] as const;
const SYSTEMS = [
  ['iPhone', /iPhone/],
  ['iPad', /iPad/],
  ['Android', /Android/],
  ['Windows', /Windows/],
  ['macOS', /Mac OS X/],
  ['Linux', /Linux/],
] as const;

/** `Firefox 140 on Windows`; what it said itself where that is not known. */
function browserName(said: string): string {
  if (said === '') return 'It did not say what it is';
  const found = BROWSERS.map(([name, pattern]) => [name, pattern.exec(said)?.[1]] as const).find(([, version]) => version !== undefined);
  const system = SYSTEMS.find(([, pattern]) => pattern.test(said))?.[0];
  return found === undefined ? said : `${found[0]} ${found[1]}${system === undefined ? '' : ` on ${system}`}`;
}

const COLUMNS: readonly Column<SignInView>[] = [
  {
    title: 'Browser',
    wide: true,
    render: (each) => (
      <>
        <div className="clip" title={each.browser}>
          {browserName(each.browser)}
        </div>
        <div className="clip muted small">
          {each.actor.name}, with the key {each.key.name}
        </div>
      </>
    ),
  },
  { title: 'State', minor: true, render: (each) => <Badge tone={TONES[each.state]}>{each.state}</Badge> },
  { title: 'Signed in', end: true, minor: true, render: (each) => <Time ms={each.createdAtMs} /> },
  { title: 'Ends', end: true, render: (each) => <Time ms={each.endedAtMs ?? each.expiresAtMs} /> },
  { title: 'Do', end: true, render: (each) => each.state === 'active' && <SignOut id={each.id} /> },
];

function SignOut({ id }: { id: string }) {
  const { busy, run } = useAct();
  return (
    <button
      type="button"
      className="button"
      disabled={busy}
      onClick={() =>
        void run(async () => {
          await api.signIns.end({ id });
          return 'Signed out.';
        }, 'sign_in')
      }
    >
      Sign out
    </button>
  );
}

export function Browsers() {
  const rows = usePages(api.signIns.list, {}, { live: ['sign_in'], everyMs: 60_000 });
  return (
    <SettingsPage title="Browsers">
      <Card flush>
        <List what="browsers" rows={rows} columns={COLUMNS} keyOf={(each) => each.id} empty={<Empty title="No browser is signed in" />} />
      </Card>
    </SettingsPage>
  );
}
