/**
 * `checkpoint_get`, `checkpoint_set`, `checkpoint_list` (spec TOL-11): what an agent keeps between its runs, such as how far it has read.
 * Compare-and-set by version, so that two runs at once do not overwrite each other unseen. Not memory: nothing here is searched.
 */
import { z } from 'zod';
import type { Json } from '../../../kernel/canonical-json.ts';
import { isoTime } from '../../../kernel/clock.ts';
import type { Database } from '../../../storage/database.ts';
import type { Tool, ToolOutcome } from '../tool.ts';
import { countCheckpoints, listCheckpoints, readCheckpoint, writeCheckpoint } from './checkpoint-store.ts';
import { defineTool, done, failed, wrongInput } from './define.ts';

export const CHECKPOINT_LIMITS = { valueBytes: 65_536, perAgent: 1_000, listed: 200 } as const;

const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, 'letters, digits and . _ : / -, at most 200');

type Deps = { db: Pick<Database, 'asOrg'> };

export function createCheckpointTools(deps: Deps): Tool[] {
  return [getTool(deps), setTool(deps), listTool(deps)];
}

function getTool({ db }: Deps): Tool {
  return defineTool({
    name: 'checkpoint_get',
    description: 'Reads a value that an earlier run of this agent stored, with its version.',
    input: z.strictObject({ name: Name }),
    taints: ['private'],
    async run({ name }, { org, agent }) {
      const found = await db.asOrg(org, (tx) => readCheckpoint(tx, org, { agent, name }));
      if (found === null) {
        return done(`There is no checkpoint "${name}" yet. Store one with checkpoint_set and version 0.`, { name, value: null, version: 0 });
      }
      return done(`version ${found.version}\n${found.value}`, {
        name,
        value: JSON.parse(found.value) as Json,
        version: found.version,
        changedAt: isoTime(found.changedAtMs),
      });
    },
  });
}

function setTool({ db }: Deps): Tool {
  return defineTool({
    name: 'checkpoint_set',
    description:
      'Stores a value for later runs of this agent, over the version given (0: there is none yet). Fails when another run has changed it meanwhile.',
    input: z.strictObject({ name: Name, value: z.json(), version: z.int().min(0).describe('The version you read; 0 for a new one') }),
    sideEffect: 'reversible',
    recovery: 'key',
    async run({ name, value, version }, { org, agent, key }) {
      const text = JSON.stringify(value);
      const bytes = Buffer.byteLength(text);
      if (bytes > CHECKPOINT_LIMITS.valueBytes) {
        return wrongInput(
          `The value has ${bytes} bytes; at most ${CHECKPOINT_LIMITS.valueBytes} are stored. Keep only what the next run needs to go on.`,
        );
      }
      return db.asOrg(org, async (tx): Promise<ToolOutcome> => {
        const before = await readCheckpoint(tx, org, { agent, name });
        if (before?.setBy === key) return stored(name, before.version);
        if (before === null && (await countCheckpoints(tx, org, agent)) >= CHECKPOINT_LIMITS.perAgent) {
          return failed(`This agent has ${CHECKPOINT_LIMITS.perAgent} checkpoints, which is all it may have. Store over one of them.`);
        }
        const written = await writeCheckpoint(tx, org, { agent, name, value: text, expected: version, setBy: key });
        if (written !== null) return stored(name, written);
        return failed(`"${name}" is at version ${before?.version ?? 0}, not ${version}. Read it again, merge, and store over that version.`);
      });
    },
  });
}

function stored(name: string, version: number): ToolOutcome {
  return done(`Stored "${name}" as version ${version}.`, { name, version });
}

function listTool({ db }: Deps): Tool {
  return defineTool({
    name: 'checkpoint_list',
    description: 'Names and versions of the values this agent has stored.',
    input: z.strictObject({ prefix: z.string().max(200).default('') }),
    taints: ['private'],
    async run({ prefix }, { org, agent }) {
      const { items, total } = await db.asOrg(org, (tx) => listCheckpoints(tx, org, { agent, prefix, limit: CHECKPOINT_LIMITS.listed }));
      const lines = items.map((one) => `${one.name} (version ${one.version}, ${isoTime(one.changedAtMs)})`);
      const note = total > items.length ? `\n[${items.length} of ${total}; give a prefix]` : '';
      const shown = items.map(({ name, version, changedAtMs }) => ({ name, version, changedAt: isoTime(changedAtMs) }));
      return done(lines.length === 0 ? 'No checkpoints.' : lines.join('\n') + note, { items: shown, shown: items.length, total });
    },
  });
}
