/** Input from outside against a contract: all faults at once, each with its path. Shared by the HTTP and MCP surfaces' edges. */
import type { z } from 'zod';
import { AppError } from '../../kernel/errors.ts';
import type { Operation } from '../../kernel/operation.ts';

/** @throws AppError `invalid_input` */
export function parseInput<I extends z.ZodObject>(operation: Operation<I>, raw: unknown): z.output<I> {
  const parsed = operation.input.safeParse(raw);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || '(top)', message: issue.message }));
  throw new AppError(
    'invalid_input',
    `The input of ${operation.name} has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults.map((f) => `${f.path}: ${f.message}`).join('; ')}.`,
    { faults },
  );
}
