/** Writes `schemas/agent.schema.json` from the zod schema: `node src/work/agents/write-json-schema.ts`. A test compares the two. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentJsonSchema } from './definition.ts';

const file = join(import.meta.dirname, '../../../schemas/agent.schema.json');
writeFileSync(file, `${JSON.stringify(agentJsonSchema(), null, 2)}\n`);
console.log(`wrote ${file}`);
