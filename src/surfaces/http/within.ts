/** The project that the caller was launched on, as its client says (spec POL-4). It only ever narrows what a key may do. */
import { AppError } from '../../kernel/errors.ts';
import type { Within } from '../../kernel/operation.ts';
import { ProjectCode } from '../../kernel/project.ts';
import type { HttpContext } from './context.ts';

export const PROJECT_HEADER = 'x-windlass-project';

/** @throws AppError `invalid_input` for what is no code: taken for none, the boundary would be gone. */
export function withinOf(c: HttpContext): { within?: Within } {
  const given = c.req.header(PROJECT_HEADER);
  if (given === undefined) return {};
  const project = ProjectCode.safeParse(given);
  if (project.success) return { within: { project: project.data } };
  throw new AppError('invalid_input', `The header ${PROJECT_HEADER} holds no code of a project.`, {
    next: 'Send the code, or leave the header out.',
  });
}
