/** The conformance suite of `RunStore` on its two implementations. */
import { runStoreSuite } from '../../conformance/run-store.ts';
import { openMemory, openPostgres } from '../../support/run-stores.ts';

runStoreSuite('memory', openMemory);
runStoreSuite('postgres', openPostgres);
