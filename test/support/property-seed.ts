/**
 * One seed for every property test of the suite, so that a run says of a commit what the next run says of it. WINDLASS_SEED takes
 * another one, or `random` to look for what no run has seen yet; fast-check prints the seed of what it finds.
 */
import { configureGlobal } from 'fast-check';

const asked = process.env['WINDLASS_SEED'] ?? '20261121';
if (asked !== 'random') configureGlobal({ seed: Number(asked) });
