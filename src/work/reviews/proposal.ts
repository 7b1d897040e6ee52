/**
 * A standard that a reviewer proposes from within its review (spec STD-2): the pattern must stand in two places at least of what the reviewer
 * saw, or the proposal is dropped. Whether it then becomes a proposal that people answer is for who keeps standards. Pure.
 */
import { z } from 'zod';
import type { Fault } from '../../kernel/errors.ts';
import type { StandardText } from '../standards/standard.ts';
import { bodyFaults, SECTIONS, Slug, STANDARD_LIMITS } from '../standards/standard.ts';
import { coverSecrets } from './cover.ts';
import type { Sources } from './evidence.ts';
import { placeOf } from './evidence.ts';
import { Place } from './finding.ts';

const PLACES_MIN = 2;
const PLACES_SHOWN = 10;
const WHY_CHARS = 1_000;

const slug = z.preprocess((text) => (typeof text === 'string' ? slugOf(text) : text), Slug);
const text = z.string().min(1).max(STANDARD_LIMITS.contentBytes);
const Proposal = z.object({
  domain: slug,
  topic: slug,
  title: z.string().trim().min(1).max(200),
  tags: z.array(slug).max(STANDARD_LIMITS.tags),
  ...{ context: text, pattern: text, examples: text, antiPatterns: text, whenToRevisit: text },
  why: z.string().min(1),
  places: z.array(Place),
});

export type Proposed = StandardText & { why: string };
export type CheckedProposal = { proposed: Proposed | null; refused: string | null };

/** One for each review, the first: a reviewer that sees many patterns is to choose. */
export function checkProposal([first]: readonly unknown[], sources: Sources): CheckedProposal {
  if (first === undefined) return { proposed: null, refused: null };
  const parsed = Proposal.safeParse(first);
  if (!parsed.success) return refuse(`it has not the form of one: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`);
  const { domain, topic, tags, title, why } = parsed.data;
  const seen = new Set(
    parsed.data.places.flatMap((place) => {
      const found = placeOf(place, sources);
      return typeof found === 'string' ? [] : [`${found.file}:${found.line ?? 0}`];
    }),
  );
  if (seen.size < PLACES_MIN)
    return refuse(
      `it must stand in ${PLACES_MIN} places at least, and ${seen.size} of the ${parsed.data.places.length} it names ${seen.size === 1 ? 'is' : 'are'} in the source`,
    );
  const content = coverSecrets(contentOf(title, parsed.data));
  const faults: Fault[] = bodyFaults(content);
  if (faults.length > 0) return refuse(faults.map(({ message }) => message).join(' '));
  if (Buffer.byteLength(content) > STANDARD_LIMITS.contentBytes) return refuse(`it is over ${STANDARD_LIMITS.contentBytes} bytes`);
  const shown = [...seen].slice(0, PLACES_SHOWN).join(', ');
  const places = `Seen at ${shown}${seen.size > PLACES_SHOWN ? ` and ${seen.size - PLACES_SHOWN} more places` : ''}.`;
  return {
    proposed: { domain, topic, tags: [...new Set(tags)].toSorted(), content, why: `${coverSecrets(why).slice(0, WHY_CHARS)}\n\n${places}` },
    refused: null,
  };
}

const refuse = (why: string): CheckedProposal => ({ proposed: null, refused: why.slice(0, WHY_CHARS) });

function slugOf(words: string): string {
  return words
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

type Parts = Pick<z.output<typeof Proposal>, 'context' | 'pattern' | 'examples' | 'antiPatterns' | 'whenToRevisit'>;

function contentOf(title: string, { context, pattern, examples, antiPatterns, whenToRevisit }: Parts): string {
  const texts = [context, pattern, examples, antiPatterns, whenToRevisit];
  // a heading of the reviewer's own must not end the section that it stands in
  const sections = SECTIONS.map((name, at) => `## ${name}\n\n${(texts[at] ?? '').trim().replaceAll(/^#{1,2}(?=\s)/gm, '###')}`);
  return `# ${title.replaceAll(/\s+/g, ' ')}\n\n${sections.join('\n\n')}\n`;
}
