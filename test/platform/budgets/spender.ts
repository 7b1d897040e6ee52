/** A process of its own that calls models through the ledger, for race.test.ts: begins all its calls at once at a word, then ends them or waits to be killed. */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createIds } from '../../../src/kernel/ids.ts';
import { createLedger } from '../../../src/platform/budgets/ledger-service.ts';
import { createDatabase } from '../../../src/storage/database.ts';
import { planned, replied } from '../../support/ledger.ts';

const [url = '', name = '', count = '0'] = process.argv.slice(2);
const db = createDatabase({ url, applicationName: name, poolSize: 8, clock: systemClock });
const ids = createIds({ nowMs: () => systemClock.nowMs(), randomBytes });
const ledger = createLedger({ db, clock: systemClock, ids, randomBytes, process: name, log: () => {} });
await db.health();
process.stdout.write('ready\n');
let begun: string[] = [];
for await (const word of createInterface({ input: process.stdin })) {
  if (word === 'begin') {
    const answers = await Promise.all(Array.from({ length: Number(count) }, (_each, index) => ledger.begin(planned({ key: `key_${index % 3}` }))));
    begun = answers.flatMap((answer) => (answer.ok ? [answer.call] : []));
    process.stdout.write(`begun ${begun.length}\n`);
  } else if (word === 'end') {
    await Promise.all(begun.map((call, index) => ledger.end(call, replied(100, index % 101))));
    process.stdout.write('ended\n');
  } else break;
}
await db.close();
