/** Text from outside that the store can keep: well formed, without NUL, and bounded in bytes. Not what a text means. */
import { z } from 'zod';

/** Why a text cannot be stored, as the end of a sentence; null when it can. PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates. */
export function textFault(text: string, maxBytes: number): string | null {
  if (text.includes('\u0000')) return 'holds a NUL character';
  if (!text.isWellFormed()) return 'is no valid Unicode: it holds half a character';
  const size = Buffer.byteLength(text);
  return size > maxBytes ? `is ${size} bytes, over the ${maxBytes} that are kept` : null;
}

/** A string of 1 to `maxBytes` bytes of UTF-8 that can be stored as it is. */
export function storableText(maxBytes: number) {
  return z
    .string()
    .min(1)
    .check((context) => {
      const fault = textFault(context.value, maxBytes);
      if (fault !== null) context.issues.push({ code: 'custom', message: fault, input: '' });
    });
}
