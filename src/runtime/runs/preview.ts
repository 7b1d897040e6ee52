/**
 * Text being generated, shown while it comes: coalesced, unlogged, gone on reply. Not part of the journal: a preview that is
 * lost or late harms nothing.
 */
import type { DriveDeps } from './drive-deps.ts';
import { DRIVE_LIMITS } from './drive-limits.ts';
import type { RunRow } from './store-port.ts';

export function startPreview(
  deps: Pick<DriveDeps, 'previews' | 'clock'>,
  row: RunRow,
  turn: number,
): { add(text: string): void; end(): Promise<void> } {
  const over = new AbortController();
  let text = '';
  let showing: Promise<void> | null = null;

  const show = async (): Promise<void> => {
    await deps.clock.sleep(DRIVE_LIMITS.previewEveryMs, over.signal);
    if (over.signal.aborted) return;
    try {
      await deps.previews.show(row.org, row.id, { turn, text });
    } catch {
      // only a preview: the reply itself goes to the journal
    }
    showing = null;
  };

  return {
    add(delta) {
      if (text.length >= DRIVE_LIMITS.previewChars) return;
      text += delta;
      showing ??= show();
    },
    async end() {
      over.abort();
      if (text === '') return;
      await showing;
      try {
        await deps.previews.clear(row.org, row.id);
      } catch {
        // as above; the next preview of this run replaces it
      }
    },
  };
}
