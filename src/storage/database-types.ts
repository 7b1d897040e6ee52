/**
 * How PostgreSQL's values arrive in TypeScript: bigint and numeric as number while that is exact, timestamptz as
 * milliseconds since the epoch, bytea as Buffer. Going in, pass a time as `isoTime(ms)`.
 */
import { types } from 'pg';
import { AppError } from '../kernel/errors.ts';

type Parse = (text: string) => unknown;
const { INT8, NUMERIC, TIMESTAMPTZ } = types.builtins;
const INT8_ARRAY: number = 1016;
const TEXT_ARRAY: number = 1009;

const parseTimestamp = types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date | number;
const parseTextArray = types.getTypeParser(TEXT_ARRAY, 'text') as (text: string) => (string | null)[];

const PARSERS: { readonly [oid: number]: Parse } = {
  [INT8]: exactNumber,
  [NUMERIC]: exactNumber,
  [TIMESTAMPTZ]: (text) => Number(parseTimestamp(text)),
  [INT8_ARRAY]: (text) => parseTextArray(text).map((item) => (item === null ? null : exactNumber(item))),
};

/** For `types` of a pg client. */
export const typeParsers = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): Parse {
    const own = format === 'binary' ? undefined : PARSERS[oid];
    return own ?? (types.getTypeParser(oid, format ?? 'text') as Parse);
  },
};

/** @throws AppError `internal` for a whole number beyond 2^53, which a number would change silently. */
function exactNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new AppError('internal', `The database returned ${text}, which is beyond 2^53.`);
  }
  return value;
}
