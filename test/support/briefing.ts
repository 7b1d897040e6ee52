/** A world with everything that a briefing reads: a real store, two projects, every domain of the context. */
import type { BriefingView } from '../../src/work/briefing/contract.ts';
import { BriefingInput } from '../../src/work/briefing/contract.ts';
import type { z } from 'zod';
import type { Briefing } from '../../src/work/briefing/service.ts';
import { createBriefing } from '../../src/work/briefing/service.ts';
import { briefingSources } from '../../src/work/briefing/sources.ts';
import type { QueueView } from '../../src/work/work-queue/contract.ts';
import type { Cadence } from '../../src/work/cadence/service.ts';
import { createCadence } from '../../src/work/cadence/service.ts';
import type { Documents } from '../../src/work/documents/service.ts';
import { createDocuments } from '../../src/work/documents/service.ts';
import { noCommits } from '../../src/work/handoffs/commits.ts';
import { noPulls } from '../../src/work/handoffs/pulls.ts';
import type { Handoffs } from '../../src/work/handoffs/service.ts';
import { createHandoffs } from '../../src/work/handoffs/service.ts';
import type { Notes } from '../../src/work/knowledge/service.ts';
import { createNotes } from '../../src/work/knowledge/service.ts';
import type { Principal } from '../../src/platform/identity/principal.ts';
import type { Log } from '../../src/platform/telemetry/log.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { callerOf, testIds } from './identity.ts';
import type { SessionWorld } from './sessions.ts';
import { sessionWorld } from './sessions.ts';

const NONE = { kind: 'exact', value: 0 } as const;
const NO_ISSUES: QueueView = {
  ...{ sources: [], items: [], shown: 0, total: NONE },
  byPriority: { urgent: NONE, high: NONE, normal: NONE, low: NONE },
  byStatus: { in_progress: NONE, ready: NONE, open: NONE, blocked: NONE },
};

export type BriefingWorld = SessionWorld & {
  notes: Notes;
  documents: Documents;
  cadence: Cadence;
  handoffs: Handoffs;
  briefing: Briefing;
  logged: string[];
  /** Of the project app, as the owner, unless said otherwise. */
  read(input?: Partial<z.input<typeof BriefingInput>>, by?: Principal): Promise<BriefingView>;
};

export async function briefingWorld(options: { queue?: QueueView } = {}): Promise<BriefingWorld> {
  const world = await sessionWorld();
  const { db, projects, sessions, owner } = world;
  const project: typeof projects.find = (org, wanted) => projects.find(org, wanted);
  const logged: string[] = [];
  const log: Log = (_level, message, fields) => void logged.push(`${message} ${JSON.stringify(fields?.['source'] ?? '')}`);
  const clock = { nowMs: () => now ?? systemClock.nowMs() };
  let now: number | null = null;
  const briefing = createBriefing({
    ...{ db, log, projects, sessions, clock },
    sources: briefingSources({ workQueue: { handlers: { read: async () => options.queue ?? NO_ISSUES } } }),
  });
  return {
    ...world,
    ...{ briefing, logged },
    db: {
      ...db,
      setTime: async (nowMs) => {
        now = nowMs;
        await db.setTime(nowMs);
      },
    },
    notes: createNotes({ db, ids: testIds, embedder: null, project }),
    documents: createDocuments({ db, ids: testIds, clock, readCheckout: async () => null, openRepository: async () => 'no checkout' }),
    cadence: createCadence({ db, ids: testIds, project }),
    handoffs: createHandoffs({
      ...{ db, sessions, projects },
      ids: testIds,
      readPulls: async () => noPulls('no gh'),
      whyNoForge: async () => null,
      readCommits: async () => noCommits('no checkout'),
      runsSince: async () => ({ items: [], total: { kind: 'exact', value: 0 }, fault: null }),
    }),
    read: (input = {}, by = owner) => briefing.handlers.read(callerOf(by), BriefingInput.parse({ project: 'app', ...input })),
  };
}
