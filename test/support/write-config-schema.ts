/** Writes `schemas/windlass.schema.json` from the zod schema: `node test/support/write-config-schema.ts`. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from '../../src/config.ts';

const file = join(import.meta.dirname, '../../schemas/windlass.schema.json');
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
console.log(`wrote ${file}`);
