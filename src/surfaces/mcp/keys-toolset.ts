/** Toolset `keys`: API keys and the virtual keys of the model gateway. A secret stands only in the answer that made it. */
import { z } from 'zod';
import { isoTime } from '../../kernel/clock.ts';
import type { KeyView } from '../../platform/identity/contract.ts';
import { identityOperations } from '../../platform/identity/contract.ts';
import { renderPage } from './render.ts';
import { Cursor, Limit } from './tool-inputs.ts';
import type { Tool, Toolset } from './toolset.ts';
import { NO_RESOURCES, NO_TASKS, answer, operationTool, tool } from './toolset.ts';

const KeyId = z.string().max(60).meta({ description: 'Key id, as in key_01jd….' });

const TOOLS: readonly Tool[] = [
  tool({
    name: 'key_list',
    title: 'List keys',
    description: 'Lists API keys, newest first: whose, what for, bound to what, when last used; never their secrets.',
    input: z.strictObject({ limit: Limit, cursor: Cursor, all: z.boolean().default(false).meta({ description: 'Also revoked and expired ones.' }) }),
    uses: [identityOperations.listKeys],
    async run({ all, ...page }, { invoke }) {
      const found = await invoke(identityOperations.listKeys, { ...page, all: String(all) });
      return answer(renderPage('keys', found, keyLine), found);
    },
  }),
  operationTool({
    name: 'key_create',
    title: 'Make a key',
    description:
      'Makes an API key and shows its secret this once. With scope gateway it is a virtual key for models: bound to a project or agent, to some models, to a rate.',
    input: identityOperations.createKey.input,
    use: identityOperations.createKey,
    show: (made) => `\`${made.secret}\`\n\n${made.message}\n\n- ${keyLine(made.key)}`,
  }),
  operationTool({
    name: 'key_rotate',
    title: 'Rotate a key',
    description: 'Makes a key in place of another and shows its secret this once; the old one works on for the overlap.',
    input: z.strictObject({ id: KeyId, overlapHours: z.number().min(0).max(720).default(24).meta({ description: '0 ends the old key now.' }) }),
    use: identityOperations.rotateKey,
    show: (made) => `\`${made.secret}\`\n\n${made.message}`,
  }),
  operationTool({
    name: 'key_revoke',
    title: 'Revoke a key',
    description: 'Ends a key at once.',
    input: z.strictObject({ id: KeyId }),
    use: identityOperations.revokeKey,
    show: (key) => `The key "${key.name}" (${key.fingerprint}) no longer works.`,
  }),
];

export const KEYS_TOOLSET: Toolset = {
  name: 'keys',
  instructions: 'Keys of this Windlass. Making, rotating and revoking one takes a key of an admin. Show a secret to the person and nobody else.',
  tools: TOOLS,
  resources: NO_RESOURCES,
  prompts: [],
  tasks: NO_TASKS,
  complete: async () => [],
};

function keyLine(key: KeyView): string {
  const bound = [
    ...(key.project === null ? [] : [`project ${key.project}`]),
    ...(key.agent === null ? [] : [`agent ${key.agent}`]),
    ...(key.models === null ? [] : [`models ${key.models.join(', ')}`]),
    ...(key.limits.requestsPerMinute === null ? [] : [`${key.limits.requestsPerMinute} calls a minute`]),
    ...(key.limits.tokensPerMinute === null ? [] : [`${key.limits.tokensPerMinute} tokens a minute`]),
  ];
  const used = key.lastUsedAtMs === null ? 'never used' : `last used ${isoTime(key.lastUsedAtMs)}`;
  return `**${key.name}** \`${key.id}\` of ${key.actor.name}, ${key.role}, ${key.scopes.join(' ')}, ${key.state}, ${[...bound, used].join(', ')}`;
}
