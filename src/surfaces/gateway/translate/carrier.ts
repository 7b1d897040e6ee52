/**
 * A provider's own data for a part (signatures of thinking) inside another protocol's opaque field, and back again unchanged. What a
 * protocol's own provider made travels as it is; what another made is wrapped, in base64 since some clients decode the field.
 */
import type { SharedV4ProviderMetadata, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { z } from 'zod';

/** Nine bytes, so that they are whole characters of base64. */
const MARK = 'windlass1';
const MARK_BASE64 = Buffer.from(MARK).toString('base64');
const WRAPPED_CHARS = 1_000_000;

/** Only what a provider asks to have back; everything else of its metadata is its own report. */
const Carried = z.object({
  anthropic: z.object({ signature: z.string().optional(), redactedData: z.string().optional() }).optional(),
  openai: z.object({ itemId: z.string().optional(), reasoningEncryptedContent: z.string().nullish() }).optional(),
  google: z.object({ thoughtSignature: z.string().optional() }).optional(),
});
export type Carried = z.infer<typeof Carried>;
const Wrapped = Carried.extend({ call: z.string().optional() });

/** What must go back of a part's metadata; null when there is nothing. OpenAI-compatible servers put Gemini's signature under their own name. */
export function carriedOf(metadata: SharedV4ProviderMetadata | undefined): Carried | null {
  if (metadata === undefined) return null;
  const { anthropic, openai } = Carried.safeParse(metadata).data ?? {};
  const thoughtSignature = Object.values(metadata).find((data) => typeof data?.['thoughtSignature'] === 'string')?.['thoughtSignature'];
  const carried: Carried = {
    ...(anthropic?.signature === undefined && anthropic?.redactedData === undefined ? {} : { anthropic }),
    ...(typeof openai?.reasoningEncryptedContent === 'string' ? { openai } : {}),
    ...(typeof thoughtSignature === 'string' ? { google: { thoughtSignature } } : {}),
  };
  return Object.keys(carried).length === 0 ? null : carried;
}

/** As one opaque text; `call` says which tool call it belongs to where it cannot stand at the call itself. */
export function wrap(carried: Carried, call?: string): string {
  return Buffer.from(`${MARK}${JSON.stringify(call === undefined ? carried : { ...carried, call })}`).toString('base64');
}

/** What was wrapped; null for a text of somebody else's. */
export function unwrap(text: string): { options: SharedV4ProviderOptions; call: string | undefined } | null {
  if (!text.startsWith(MARK_BASE64) || text.length > WRAPPED_CHARS) return null;
  try {
    const { call, ...carried } = Wrapped.parse(JSON.parse(Buffer.from(text, 'base64').toString('utf8').slice(MARK.length)));
    return { options: carried, call };
  } catch {
    // Cut or changed on its way: as good as none, and a provider that needs it says so.
    return { options: {}, call: undefined };
  }
}
