/** What differs between two definitions, and between a folder of files and the store (spec AGT-8). Pure. */
import type { z } from 'zod';
import { canonicalJson, digestOf } from '../../kernel/canonical-json.ts';
import type { AgentState } from './agent.ts';
import type { AgentDefinition } from './definition.ts';

type Value = z.core.util.JSONType;
/** One place where two values differ; undefined where it is absent. */
export type Difference = { path: string; before?: Value; after?: Value };

/** By field, objects and lists of objects gone into; equal values give none. */
export function compare(before: unknown, after: unknown, path = ''): Difference[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
    return keys.flatMap((key) => compare(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  if (isRecords(before) && isRecords(after)) {
    return Array.from({ length: Math.max(before.length, after.length) }).flatMap((_, index) =>
      compare(before[index], after[index], `${path}[${index}]`),
    );
  }
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null) && (before === undefined) === (after === undefined)) return [];
  return [{ path, ...(before === undefined ? {} : { before: before as Value }), ...(after === undefined ? {} : { after: after as Value }) }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecords(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isRecord);
}

export type StoredAgent = {
  name: string;
  state: AgentState;
  version: number;
  definition: AgentDefinition;
  /** What the last apply left; null when it never came from a file. */
  applied: { version: number; definition: AgentDefinition } | null;
};

export type FileDefinition = { path: string; definition: AgentDefinition };

export type Change = {
  name: string;
  /** The file; null for an agent that no file describes. */
  path: string | null;
  /** `absent`: in the store and in no file, left alone; `archive`: the same under prune. */
  action: 'create' | 'update' | 'unchanged' | 'absent' | 'archive';
  differences: Difference[];
  /** How the store was changed since the last apply; empty when it was not. */
  drift: Difference[];
};

export type Plan = { changes: Change[]; digest: string };

/** What applying these files would do. Archived agents in no file are not mentioned; one in a file comes back by `create`. */
export function planChanges(files: readonly FileDefinition[], stored: readonly StoredAgent[], prune: boolean): Plan {
  const byName = new Map(stored.map((agent) => [agent.name, agent]));
  const described = new Set(files.map((file) => file.definition.name));
  const changes: Change[] = files.map(({ path, definition }) => {
    const agent = byName.get(definition.name);
    if (agent === undefined || agent.state === 'archived') return { name: definition.name, path, action: 'create', differences: [], drift: [] };
    const differences = compare(agent.definition, definition);
    return { name: definition.name, path, action: differences.length === 0 ? 'unchanged' : 'update', differences, drift: driftOf(agent) };
  });
  for (const agent of stored) {
    if (described.has(agent.name) || agent.state === 'archived') continue;
    changes.push({ name: agent.name, path: null, action: prune ? 'archive' : 'absent', differences: [], drift: driftOf(agent) });
  }
  changes.sort((a, b) => (a.name < b.name ? -1 : 1));
  // the digest stands for what was shown: the files, and the versions they were compared with
  const versions = stored.map((agent) => [agent.name, agent.version, agent.state]);
  return { changes, digest: digestOf({ changes, versions, files: files.map((file) => file.definition) }) };
}

function driftOf(agent: StoredAgent): Difference[] {
  return agent.applied === null || agent.applied.version === agent.version ? [] : compare(agent.applied.definition, agent.definition);
}
