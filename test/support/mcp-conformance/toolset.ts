/** What the conformance suite finds behind `/mcp?toolset=conformance`: its fixtures in a toolset like any other. */
import type { ReadResourceResult } from '@modelcontextprotocol/server';
import { acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import type { Prompt, Resources, Toolset } from '../../../src/surfaces/mcp/toolset.ts';
import { MEMORY_TASKS, TASK_TOOLS } from './tasks.ts';
import { PROTOCOL_TOOLS, RED_PIXEL, bus, stateCodec } from './tools.ts';

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;
const plain = (uri: string, text: string): ReadResourceResult => ({ contents: [{ uri, mimeType: 'text/plain', text }] });

async function* unchanging(): AsyncIterable<unknown> {}

const RESOURCES: Resources = {
  follow: async () => unchanging(),
  templates: [
    { uriTemplate: 'test://template/{id}/data', name: 'template', title: 'Template', description: 'Fixture.', mimeType: 'application/json' },
  ],
  list: async () => [
    { uri: 'test://static-text', name: 'static-text', mimeType: 'text/plain' },
    { uri: 'test://static-binary', name: 'static-binary', mimeType: 'image/png' },
    { uri: 'test://watched-resource', name: 'watched-resource', mimeType: 'text/plain' },
  ],
  async read(uri) {
    if (uri === 'test://static-text') return plain(uri, 'This is the content of the static text resource.');
    if (uri === 'test://watched-resource') return plain(uri, 'Watched resource content');
    if (uri === 'test://static-binary') return { contents: [{ uri, mimeType: 'image/png', blob: RED_PIXEL }] };
    const id = TEMPLATE.exec(uri)?.[1];
    if (id === undefined) return null;
    return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] };
  },
};

const said = (text: string) => ({ messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }] });
const listed = (name: string, ...args: string[]): Prompt['listed'] => ({
  name,
  title: name,
  description: `Fixture ${name}.`,
  ...(args.length === 0 ? {} : { arguments: args.map((arg) => ({ name: arg, description: arg, required: true })) }),
});

const PROMPTS: readonly Prompt[] = [
  { listed: listed('test_simple_prompt'), get: async () => said('This is a simple prompt for testing.') },
  {
    listed: listed('test_prompt_with_arguments', 'arg1', 'arg2'),
    get: async ({ arg1, arg2 }) => said(`Prompt with arguments: arg1='${arg1 ?? ''}', arg2='${arg2 ?? ''}'`),
  },
  {
    listed: listed('test_prompt_with_embedded_resource', 'resourceUri'),
    get: async ({ resourceUri = '' }) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
        },
        ...said('Please process the embedded resource above.').messages,
      ],
    }),
  },
  {
    listed: listed('test_prompt_with_image'),
    get: async () => ({
      messages: [
        { role: 'user', content: { type: 'image', data: RED_PIXEL, mimeType: 'image/png' } },
        ...said('Please analyze the image above.').messages,
      ],
    }),
  },
  {
    listed: listed('test_input_required_result_prompt'),
    async get(_args, { sdk }) {
      const context = acceptedContent<{ context: string }>(sdk.mcpReq.inputResponses, 'user_context')?.context;
      if (typeof context === 'string') return said(`Use the following context: ${context}`);
      const requestedSchema = { type: 'object' as const, properties: { context: { type: 'string' as const } }, required: ['context'] };
      return inputRequired({
        inputRequests: { user_context: inputRequired.elicit({ message: 'What context should the prompt use?', requestedSchema }) },
      });
    },
  },
];

export const CONFORMANCE_TOOLSET: Toolset = {
  name: 'conformance',
  instructions: 'Fixtures.',
  tools: [...PROTOCOL_TOOLS, ...TASK_TOOLS],
  resources: RESOURCES,
  prompts: PROMPTS,
  complete: async () => [],
  tasks: MEMORY_TASKS,
  bus,
  sdk: {
    capabilities: { tools: { listChanged: true }, prompts: { listChanged: true }, resources: { listChanged: true, subscribe: true }, logging: {} },
    requestState: { verify: (state, context) => stateCodec.verify(state, context) },
  },
};
