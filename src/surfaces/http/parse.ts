/** Input from outside against a contract: all faults at once, each with its path. Shared by the HTTP and MCP surfaces' edges. */
import type { z } from 'zod';
import type { Fault } from '../../kernel/errors.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';

/** @throws AppError `invalid_input`; a member that the contract does not know is a fault, because it would be ignored in silence. */
export function parseInput<I extends z.ZodObject>(operation: Operation<I>, raw: unknown): z.output<I> {
  if (isDeeper(raw, DEPTH_MAX)) throw new AppError('invalid_input', `The input is nested more than ${DEPTH_MAX} deep.`, { next: 'Send it flatter.' });
  const parsed = operation.input.safeParse(raw);
  const faults: Fault[] = unknownMembers(operation.input, raw);
  if (parsed.success && faults.length === 0) return parsed.data;
  for (const issue of parsed.error?.issues ?? [])
    faults.push({ path: issue.path.join('.') || '(top)', message: issue.message.replace(MISSING, 'is missing: $1') });
  throw new AppError(
    'invalid_input',
    `The input of ${operation.name} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults
      .slice(0, FAULTS_SAID)
      .map((f) => `${f.path}: ${f.message}`)
      .join('; ')}${faults.length > FAULTS_SAID ? '; …' : '.'}`,
    { faults: faults.slice(0, FAULTS_MAX), next: 'Mend what is listed; /api/v1/openapi.json describes the input.' },
  );
}

/** Of the input as JSON: what walks it calls itself for each level. */
const DEPTH_MAX = 200;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

/** As zod says it of a member that is not there. */
const MISSING = /^Invalid input: (expected .+), received undefined$/;
/** Told in the message, and listed at most. */
const FAULTS_SAID = 5;
const FAULTS_MAX = 100;
const NAME_CHARS = 60;

function unknownMembers(input: z.ZodObject, raw: unknown): Fault[] {
  // a contract that is strict or loose by itself has said what it wants
  if (typeof raw !== 'object' || raw === null || input.def.catchall !== undefined) return [];
  const known = Object.keys(input.shape);
  return Object.keys(raw)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: name.slice(0, NAME_CHARS),
      message: known.length === 0 ? 'is not known: there is nothing to say here' : `is not known; there are: ${known.join(', ')}`,
    }));
}
