/**
 * Whether organizations may use the forge login of the server's machine (`gh`). That login is one person's and reads whatever that person may read, so it is
 * lent only where the server has one organization: with more, one could read private repositories of another by naming them.
 */
import type { Database } from '../../storage/database.ts';
import { listOrgs } from '../../platform/identity/store.ts';

/** The reason why not; null when it is lent. */
export type WhyNoForge = () => Promise<string | null>;

export function createWhyNoForge({ db }: { db: Database }): WhyNoForge {
  return async () => {
    const organizations = await db.asWorker((tx) => listOrgs(tx));
    return organizations.length <= 1 ? null : 'This server has several organizations, and its GitHub login is lent to none of them.';
  };
}
