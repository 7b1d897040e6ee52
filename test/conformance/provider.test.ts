import { PROTOCOLS } from '../support/provider-protocols.ts';
import { testProvider } from './provider.ts';

for (const protocol of PROTOCOLS) testProvider(protocol);
