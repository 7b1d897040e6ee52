/**
 * Takes in what a reviewer proposes from within its review (spec STD-2): as a proposal that people answer, unless they have been asked or have
 * answered already. A person's no holds: the same place is not proposed again by a reviewer. Not the check that the pattern is there.
 */
import type { Ids, OrgId } from '../../kernel/ids.ts';
import type { Tx } from '../../storage/database.ts';
import * as proposals from './proposal-store.ts';
import type { StandardText } from './standard.ts';
import { digestOf, pathOf, STANDARD_LIMITS } from './standard.ts';
import * as store from './store.ts';

export type ReviewProposal = {
  project: string | null;
  text: StandardText;
  why: string;
  /** The reviewer's agent. */
  by: { actor: string; name: string };
  /** The key that may not answer it; empty for none. */
  key: string;
};
export type TakeIn = (tx: Tx, org: OrgId, proposal: ReviewProposal) => Promise<{ id: string; path: string } | { refused: string }>;

export function createTakeIn({ ids }: { ids: Ids }): TakeIn {
  return async (tx, org, { project, text, why, by, key }) => {
    const path = pathOf(text);
    await proposals.lockForReviews(tx, org);
    if ((await store.findByPath(tx, org, { project, path })) !== null) return { refused: `there is a standard ${path} already` };
    const before = await proposals.findProposalAt(tx, org, { project, domain: text.domain, topic: text.topic });
    if (before !== null) return { refused: `${path} was proposed before, as ${before.id}, which is ${before.state}` };
    const { total } = await proposals.listProposals(tx, org, { state: 'open', before: null, limit: 1 });
    if (total >= STANDARD_LIMITS.openForReviews) return { refused: `${total} proposals wait for an answer, and reviewers make no more until then` };
    const id = ids.next('stp');
    await proposals.insertProposal(tx, org, { ...text, id, project, hash: digestOf(text), why, actor: by.actor, actorName: by.name, key });
    return { id, path };
  };
}
