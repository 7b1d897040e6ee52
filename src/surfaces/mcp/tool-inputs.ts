/** Arguments that several tools share: short, since every client loads them with every tool. */
import { z } from 'zod';
import { PAGE_SIZE_MAX } from '../../kernel/page.ts';

export const RunIdArgument = z.string().max(60).meta({ description: 'Run id, as in run_01jd….' });
export const Limit = z.int().min(1).max(PAGE_SIZE_MAX).default(20).meta({ description: 'How many at most.' });
export const Cursor = z.string().max(500).optional().meta({ description: '`next` of the page before.' });
export const Reason = z.string().max(500).default('').meta({ description: 'Why, for the record.' });
