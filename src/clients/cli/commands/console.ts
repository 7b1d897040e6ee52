/** `windlass console`: the address of the web console, as a link that signs one browser in. */
import { signInOperations } from '../../../platform/sign-in/contract.ts';
import { identityOperations } from '../../../platform/identity/contract.ts';
import type { Command } from '../command.ts';

export const consoleCommand: Command = {
  name: 'console',
  summary: 'Prints a link that signs a browser in to the console, once.',
  examples: ['console', 'console   # with WINDLASS_KEY set to your own key: with all that it may do'],
  async run(cli) {
    const connection = await cli.connect();
    const [link, me] = await Promise.all([connection.call(signInOperations.link, {}), connection.call(identityOperations.whoami, {})]);
    const address = `${connection.url}${link.path}`;
    const answers = me.permissions.includes('approvals.answer');
    return {
      value: { address, expiresAtMs: link.expiresAtMs, as: me.actor.name, role: me.role },
      lines: [
        [['cyan', address]],
        [['dim', `Good once, for 15 minutes; it signs in as ${me.actor.name} (${me.role}).`]],
        ...(answers ? [] : ['This key cannot answer approvals or change agents: for that set WINDLASS_KEY to the owner key.']),
      ],
    };
  },
};
