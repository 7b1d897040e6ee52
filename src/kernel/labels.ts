/**
 * Information-flow labels of a run (spec POL-3). They only ever grow: joining is a union, nothing removes one.
 */
import { z } from 'zod';

export const Label = z.enum(['untrusted', 'private']);
/** `untrusted`: has read anything from outside. `private`: has read private data. */
export type Label = z.infer<typeof Label>;

/** The union, in a fixed order, so that equal sets are equal arrays. */
export function joinLabels(...sets: readonly (readonly Label[])[]): Label[] {
  return Label.options.filter((label) => sets.some((set) => set.includes(label)));
}
