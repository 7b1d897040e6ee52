/** Which run is meant: a whole id, its end or its beginning, or `latest`. */
import { AppError } from '../../kernel/errors.ts';
import { isId } from '../../kernel/ids.ts';
import { PAGE_SIZE_MAX } from '../../kernel/page.ts';
import { runOperations } from '../../runtime/runs/contract.ts';
import type { Api } from '../api.ts';

/** Shorter pieces of an id would soon mean several. */
const PIECE_MIN = 4;

/** @throws AppError `not_found`, or `invalid_input` when several runs are meant. */
export async function findRun(api: Api, text: string): Promise<string> {
  if (isId('run', text)) return text;
  if (text === 'latest') {
    const newest = (await api.call(runOperations.list, { limit: 1 })).items[0];
    if (newest === undefined) throw new AppError('not_found', 'There is no run yet.', { next: 'Start one: `windlass run <agent>`.' });
    return newest.id;
  }
  const page = await api.call(runOperations.list, { limit: PAGE_SIZE_MAX });
  return pickId(text, { prefix: 'run', ids: page.items.map((run) => run.id), among: `the newest ${page.shown} runs`, list: '`windlass runs`' });
}

export type Among = {
  /** Of the ids, as in `run`. */
  prefix: string;
  ids: readonly string[];
  /** What was searched, in words. */
  among: string;
  /** The command that lists them. */
  list: string;
};

/** The one id that begins or ends with the text. */
export function pickId(text: string, { prefix, ids, among, list }: Among): string {
  const piece = text.toLowerCase().replace(/^…/, '');
  const found = ids.filter((id) => piece.length >= PIECE_MIN && (id.endsWith(piece) || id.startsWith(piece) || id.startsWith(`${prefix}_${piece}`)));
  const [id] = found;
  if (id !== undefined && found.length === 1) return id;
  if (id === undefined) {
    const short = piece.length < PIECE_MIN ? ` Give ${PIECE_MIN} characters of an id at least.` : '';
    throw new AppError('not_found', `"${text}" is the id of none of ${among}.${short}`, { next: `${list} lists what there is.` });
  }
  throw new AppError('invalid_input', `"${text}" fits ${found.length} of ${among}.`, {
    next: `Give more of the id: ${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}`,
  });
}
