/**
 * The terminal itself: raw keys in, pictures out, and everything as it was at the end, whatever the end is. Knows nothing of runs.
 */
import { writeSync } from 'node:fs';
import type { Clock } from '../../kernel/clock.ts';
import type { Key } from './keys.ts';
import { parseKeys, PASTE_BEGIN } from './keys.ts';
import type { Picture } from './draw.ts';
import { drawText, ENTER, LEAVE } from './draw.ts';
import type { Size } from './state.ts';

/** Escape alone is known by nothing following it; slow connections tear sequences apart. */
const ESCAPE_MS = 60;
/** Pictures at most every so often: what changes meanwhile is in the next one. */
const DRAW_MS = 40;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type Tty = {
  size(): Size;
  /** Shows what `picture` answers, soon. */
  draw(): void;
  /** The whole screen at the next drawing. */
  redraw(): void;
  /** Gives the terminal back to the shell until it says to go on. */
  suspend: () => void;
  close(): void;
};

export type TtyHost = {
  process: NodeJS.Process;
  clock: Clock;
  picture: () => Picture;
  onKey: (key: Key) => void;
  onSize: (size: Size) => void;
  /** Somebody ended us, or the connection is gone. */
  onEnd: () => void;
};

type Painter = { draw: () => void; redraw: () => void; stop: () => void };

function createPainter({ process, clock, picture, seen }: Pick<TtyHost, 'process' | 'clock' | 'picture'> & { seen: () => boolean }): Painter {
  let shown: Picture | null = null;
  let drawing: AbortController | null = null;
  let blocked = false;
  const paint = (): void => {
    if (blocked || !seen()) return;
    const next = picture();
    const text = drawText(shown, next);
    shown = next;
    if (text === '' || process.stdout.write(text)) return;
    // A slow connection gets the newest picture when it has taken this one, not all between.
    blocked = true;
    process.stdout.once('drain', () => {
      blocked = false;
      draw();
    });
  };
  const draw = (): void => {
    if (drawing !== null) return;
    const soon = new AbortController();
    drawing = soon;
    void clock.sleep(DRAW_MS, soon.signal).then(() => {
      drawing = null;
      if (!soon.signal.aborted) paint();
    });
  };
  return {
    draw,
    redraw() {
      shown = null;
      draw();
    },
    stop: () => drawing?.abort(),
  };
}

function createReader({ clock, onKey }: Pick<TtyHost, 'clock' | 'onKey'>): { read: (text: string) => void; stop: () => void } {
  let pending = '';
  let escaping = new AbortController();
  const take = (text: string, whole: boolean): void => {
    const { keys, rest } = parseKeys(pending + text, whole);
    pending = rest;
    for (const key of keys) onKey(key);
    // a paste is waited for however slowly it comes: what is left of it would be taken for keys
    if (rest === '' || rest.startsWith(PASTE_BEGIN)) return;
    const { signal } = (escaping = new AbortController());
    void clock.sleep(ESCAPE_MS, signal).then(() => {
      if (!signal.aborted) take('', true);
    });
  };
  const stop = (): void => escaping.abort();
  return {
    read(text) {
      stop();
      take(text, false);
    },
    stop,
  };
}

export function openTty({ process, clock, picture, onKey, onSize, onEnd }: TtyHost): Tty {
  const { stdin, stdout } = process;
  let inside = false;
  const painter = createPainter({ process, clock, picture, seen: () => inside });
  const reader = createReader({ clock, onKey });
  const size = (): Size => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const enter = (): void => {
    if (inside) return;
    inside = true;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
    painter.redraw();
  };
  /** At once and in order, also while the process dies. */
  const leave = (): void => {
    if (!inside) return;
    inside = false;
    try {
      stdin.setRawMode(false);
      writeSync(stdout.fd, LEAVE);
    } catch {
      // the terminal is gone: there is nothing to give back
    }
  };
  const onResize = (): void => onSize(size());
  const suspend = (): void => {
    if (process.platform === 'win32') return;
    leave();
    process.off('SIGTSTP', suspend);
    // the whole group, as the terminal itself would: a shell waits for whoever it started
    process.kill(0, 'SIGTSTP');
  };
  const onContinue = (): void => {
    process.off('SIGTSTP', suspend).on('SIGTSTP', suspend);
    enter();
    onSize(size());
  };
  stdin.setEncoding('utf8').on('data', reader.read).on('end', onEnd).on('error', onEnd);
  stdout.on('resize', onResize);
  process.on('exit', leave).on('SIGCONT', onContinue).on('SIGTSTP', suspend);
  for (const signal of SIGNALS) process.on(signal, onEnd);
  enter();
  return {
    size,
    draw: painter.draw,
    redraw: painter.redraw,
    suspend,
    close() {
      painter.stop();
      reader.stop();
      leave();
      stdin.off('data', reader.read).off('end', onEnd).off('error', onEnd).pause();
      stdout.off('resize', onResize);
      process.off('exit', leave).off('SIGCONT', onContinue).off('SIGTSTP', suspend);
      for (const signal of SIGNALS) process.off(signal, onEnd);
    },
  };
}
