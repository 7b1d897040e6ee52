/**
 * Takes the usage chunk out of a Chat Completions stream whose client did not ask for it (spec GTW-2). Every other byte passes as it came, and
 * as soon as its event is whole.
 */
import { EVENT_BYTES } from './limits.ts';

export type Withholding = {
  /** The bytes that may go on now. */
  push(chunk: Buffer): Buffer;
  /** What was held when the stream ended. */
  end(): Buffer;
};

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

export function withholdUsage(): Withholding {
  let held: Buffer = NOTHING;
  return {
    push(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const out: Buffer[] = [];
      let start = 0;
      for (let end = eventEnd(bytes, start); end > 0; end = eventEnd(bytes, start)) {
        const event = bytes.subarray(start, end);
        if (!isUsageAlone(event)) out.push(event);
        start = end;
      }
      held = bytes.subarray(start);
      if (held.length > EVENT_BYTES) {
        out.push(held); // no usage is so large
        held = NOTHING;
      }
      return out.length === 1 ? (out[0] ?? NOTHING) : Buffer.concat(out);
    },
    end() {
      const rest = isUsageAlone(held) ? NOTHING : held;
      held = NOTHING;
      return rest;
    },
  };
}

/** Just behind the blank line that ends the event which begins at `from`; 0 when it is not whole. */
function eventEnd(bytes: Buffer, from: number): number {
  for (let lf = bytes.indexOf(LF, from); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === LF) return lf + 2;
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF) return lf + 3;
  }
  return 0;
}

function isUsageAlone(event: Buffer): boolean {
  if (!event.includes('"usage"')) return false;
  const text = event.toString('utf8');
  const data = [...text.matchAll(/^data: ?(.*)$/gm)].map((match) => match[1] ?? '').join('\n');
  try {
    const { choices, usage } = JSON.parse(data) as { choices?: unknown; usage?: unknown };
    return typeof usage === 'object' && usage !== null && Array.isArray(choices) && choices.length === 0;
  } catch {
    return false; // not what we asked for: the client may make of it what it can
  }
}
