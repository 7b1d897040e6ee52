/**
 * Follows a run until it ends: lines as they come, on a terminal with what goes on redrawn below them. A dropped stream is taken
 * up again after the last entry seen.
 */
import { z } from 'zod';
import { AppError, ERROR_CODES } from '../../kernel/errors.ts';
import { backoffMs, MAX_RETRIES } from '../../kernel/retry.ts';
import { EntryView } from '../../runtime/runs/contract.ts';
import type { StreamFrame } from '../api.ts';
import type { Cli } from './command.ts';
import type { Connection } from './connection.ts';
import { plainEntry } from './describe-event.ts';
import { howToAnswer, NOTHING_SEEN, nowLines, showEntry } from './live-view.ts';

const PreviewFrame = z.object({ turn: z.int(), text: z.string() });
/** How often times on the redrawn lines are brought up to date. */
const TICK_MS = 1_000;

export type Followed = 'ended' | 'interrupted';

/** @throws AppError `not_found`, or `unavailable` once the server has stayed away through all retries. */
export async function follow(cli: Cli, connection: Connection, options: { run: string; after: number }): Promise<Followed> {
  const interrupt = cli.interrupt();
  const screen = createScreen(cli);
  const done = new AbortController();
  const ticking = keepTime(cli, screen, AbortSignal.any([interrupt, done.signal]));
  try {
    return await readToEnd(cli, connection, { ...options, interrupt, screen });
  } finally {
    done.abort();
    await ticking;
    cli.terminal.redraw([]);
  }
}

type Reading = { run: string; after: number; interrupt: AbortSignal; screen: Screen };

async function readToEnd(cli: Cli, connection: Connection, { run, after, interrupt, screen }: Reading): Promise<Followed> {
  let cursor = after;
  let failures = 0;
  while (!interrupt.aborted) {
    try {
      for await (const frame of connection.stream(`/runs/${encodeURIComponent(run)}/events?after=${cursor}`, interrupt)) {
        failures = 0;
        const entry = screen.show(frame);
        if (entry === null) continue;
        cursor = Math.max(cursor, entry.seq);
        if (entry.ended) return 'ended';
      }
      failures += 1;
    } catch (error) {
      if (interrupt.aborted) break;
      if (error instanceof AppError && ERROR_CODES[error.code].retry === 'never') throw error;
      failures += 1;
      if (failures > MAX_RETRIES) throw error;
      // The journal holds what is missed meanwhile, so nothing is lost by waiting.
      screen.say(`The connection was lost (${error instanceof Error ? error.message : String(error)}); goes on after entry ${cursor}.`);
    }
    if (failures > MAX_RETRIES)
      throw new AppError('unavailable', 'The server keeps ending the stream before the run has ended.', { next: 'See `windlass doctor`.' });
    await cli.clock.sleep(backoffMs(failures, cli.random()), interrupt);
  }
  return 'interrupted';
}

type Screen = {
  /** Null for what is no entry. */
  show(frame: StreamFrame): { seq: number; ended: boolean } | null;
  say(text: string): void;
  tick(): void;
};

function createScreen({ terminal, clock }: Cli): Screen {
  let view = NOTHING_SEEN;
  const redraw = (): void => terminal.redraw(nowLines(view, { columns: terminal.columns, nowMs: clock.nowMs() }));
  return {
    show(frame) {
      if (frame.event === 'preview') {
        const preview = PreviewFrame.safeParse(JSON.parse(frame.data));
        if (preview.success) view = { ...view, preview: preview.data.text };
        redraw();
        return null;
      }
      if (frame.event !== 'entry' || frame.id === null) return null;
      const parsed = EntryView.safeParse(JSON.parse(frame.data));
      // A newer server's event that this version does not know: it is passed over, its number is kept.
      if (!parsed.success) return { seq: Number(frame.id), ended: false };
      const entry = parsed.data;
      const shown = showEntry(view, entry);
      view = shown.view;
      if (terminal.live) for (const line of shown.lines) terminal.out(line);
      else if (!terminal.json) terminal.out(plainEntry(entry));
      sayWhatWaits(terminal, entry);
      redraw();
      return { seq: entry.seq, ended: entry.event?.type === 'run.ended' };
    },
    say(text) {
      if (!terminal.json) terminal.err([['yellow', text]]);
    },
    tick: redraw,
  };
}

/** A script that waits shall not hang without a word: what is asked goes to standard error. */
function sayWhatWaits(terminal: Cli['terminal'], { event }: EntryView): void {
  if (terminal.live || event?.type !== 'approval.asked') return;
  const { approvalId, kind, question, tool } = event;
  if (terminal.json) terminal.notice({ waiting: { approvalId, kind, question, tool, next: howToAnswer(event) } });
  else for (const line of howToAnswer(event)) terminal.err(`waits: ${line}`);
}

async function keepTime(cli: Cli, screen: Screen, until: AbortSignal): Promise<void> {
  while (cli.terminal.live && !until.aborted) {
    await cli.clock.sleep(TICK_MS, until);
    if (!until.aborted) screen.tick();
  }
}
