/** The screen as a whole: events go into the state, what it asks for is carried out beside, what it looks like is drawn. */
import { approvalOperations } from '../../platform/approvals/contract.ts';
import type { Cli } from '../cli/command.ts';
import { carryOutCall, failureText } from './carry-out.ts';
import { createServerLink, readRun } from './server-link.ts';
import type { Effect, Event } from './state.ts';
import { initialState } from './state.ts';
import { openTty } from './tty.ts';
import { update } from './update.ts';
import { pictureOf } from './view.ts';

const TICK_MS = 1_000;

/** Until somebody leaves; the terminal is then as it was. */
export async function runTop(cli: Cli, { url, process }: { url: string; process: NodeJS.Process }): Promise<void> {
  const over = new AbortController();
  const colours = (cli.env['NO_COLOR'] ?? '') === '';
  const size = { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  let state = initialState({ url, version: cli.version, nowMs: cli.clock.nowMs(), size });

  const emit = (event: Event): void => {
    if (over.signal.aborted) return;
    const step = update(state, event);
    state = step.state;
    tty.draw();
    for (const effect of step.effects) carryOut(effect);
  };
  const link = createServerLink({ cli, wanted: () => ({ search: state.search, budgets: state.overlay?.kind === 'budgets' }), emit });
  const tty = openTty({
    process,
    clock: cli.clock,
    picture: () => pictureOf(state, colours),
    onKey: (key) => emit({ type: 'key', key }),
    onSize: (now) => emit({ type: 'size', size: now }),
    onEnd: () => over.abort(),
  });
  const carryOut = (effect: Effect): void => {
    switch (effect.kind) {
      case 'refresh':
        return link.refresh();
      case 'redraw':
        return tty.redraw();
      case 'suspend':
        return tty.suspend();
      case 'quit':
        return over.abort();
      default:
        void request(effect).then(emit);
    }
  };
  const request = async (effect: Extract<Effect, { kind: 'call' | 'readRun' | 'readApproval' }>): Promise<Event> => {
    if (effect.kind === 'call') return carryOutCall(cli, link.connection, effect.call);
    try {
      const api = await link.connection();
      if (effect.kind === 'readRun') return await readRun(api, effect.id, effect.after);
      return { type: 'approval', detail: await api.call(approvalOperations.get, { id: effect.id }) };
    } catch (error) {
      return { type: 'unread', why: failureText(error) };
    }
  };

  try {
    tty.draw();
    await Promise.all([link.follow(over.signal), keepTime(cli, emit, over.signal)]);
  } finally {
    over.abort();
    tty.close();
  }
}

async function keepTime(cli: Cli, emit: (event: Event) => void, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await cli.clock.sleep(TICK_MS, until);
    emit({ type: 'tick', nowMs: cli.clock.nowMs() });
  }
}
