/** Real MCP clients against a server: the SDK's own of revision 2026-07-28, and its version 1 for the revisions before. */
import { join } from 'node:path';
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export type Form = { message: string; requestedSchema: unknown };
export type FormAnswer = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string> };
export type ClientOptions = {
  url: string;
  key: string;
  /** The usual one when left out. */
  toolset?: string;
  /** Launched on this project. */
  project?: string;
  /** Over `windlass mcp` with this home folder instead: then it is the one to find address and key. */
  stdioHome?: string;
  /** What the person at the client does with a form; without it the client has none. */
  person?: (form: Form) => FormAnswer;
};

/** What both clients are asked for. */
export type TestClient = AsyncDisposable & {
  era: 'modern' | 'legacy';
  version: string | undefined;
  names(): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>): Promise<Called>;
  read(uri: string): Promise<string>;
  resources(): Promise<string[]>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  complete(prompt: string, argument: { name: string; value: string }): Promise<string[]>;
};
export type Called = { text: string; structured: Record<string, unknown>; isError: boolean; progress: string[] };

export async function newClient({ url, key, toolset, person, stdioHome, project }: ClientOptions): Promise<TestClient> {
  const client = new NewClient(
    { name: 'test', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } }, capabilities: person === undefined ? {} : { elicitation: { form: {} } } },
  );
  if (person !== undefined) client.setRequestHandler('elicitation/create', async ({ params }) => person(params as Form));
  const http = (): NewTransport => new NewTransport(placeOf(url, toolset), { requestInit: { headers: headersOf(key, project) } });
  await client.connect(stdioHome === undefined ? http() : new NewStdio(bridge(stdioHome, toolset)));
  return testClient('modern', client.getNegotiatedProtocolVersion(), client as unknown as SomeClient);
}

export async function oldClient({ url, key, toolset, person, stdioHome }: ClientOptions, version = '2025-11-25'): Promise<TestClient> {
  const client = new OldClient({ name: 'test', version: '1.0.0' }, { capabilities: person === undefined ? {} : { elicitation: {} } });
  if (person !== undefined) client.setRequestHandler(ElicitRequestSchema, async ({ params }) => person(params as Form));
  const transport = new OldTransport(placeOf(url, toolset), {
    requestInit: { headers: { authorization: `Bearer ${key}` } },
    // The client always offers its newest revision; an older one is had by saying so in its stead.
    fetch: async (input, init) =>
      fetch(input, {
        ...init,
        ...(typeof init?.body === 'string' ? { body: init.body.replace('"protocolVersion":"2025-11-25"', `"protocolVersion":"${version}"`) } : {}),
      }),
  });
  await client.connect(stdioHome === undefined ? transport : new OldStdio(bridge(stdioHome, toolset)));
  return testClient('legacy', transport.protocolVersion, client);
}

function headersOf(key: string, project: string | undefined): Record<string, string> {
  return { authorization: `Bearer ${key}`, ...(project === undefined ? {} : { 'x-windlass-project': project }) };
}

function placeOf(url: string, toolset: string | undefined): URL {
  return new URL(`${url}/mcp${toolset === undefined ? '' : `?toolset=${toolset}`}`);
}

function bridge(home: string, toolset: string | undefined) {
  return {
    command: process.execPath,
    args: [join(import.meta.dirname, '../../bin/windlass.mjs'), 'mcp', ...(toolset === undefined ? [] : ['--toolset', toolset])],
    env: { PATH: process.env['PATH'] ?? '', WINDLASS_HOME: home },
    stderr: 'ignore' as const,
  };
}

type SomeClient = Pick<OldClient, 'listTools' | 'listResources' | 'readResource' | 'getPrompt' | 'complete' | 'close' | 'callTool'>;

function testClient(era: TestClient['era'], version: string | undefined, client: SomeClient): TestClient {
  return {
    era,
    version,
    names: async () => (await client.listTools()).tools.map((tool) => tool.name),
    async call(name, args = {}) {
      const progress: string[] = [];
      const onprogress = ({ message }: { message?: string | undefined }): void => void progress.push(message ?? '');
      const raw =
        era === 'modern'
          ? await (client as unknown as NewClient).callTool({ name, arguments: args }, { onprogress })
          : await client.callTool({ name, arguments: args }, CallToolResultSchema, { onprogress });
      const result = CallToolResultSchema.parse(raw);
      const text = result.content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n');
      return { text, structured: result.structuredContent ?? {}, isError: result.isError === true, progress };
    },
    read: async (uri) => (await client.readResource({ uri })).contents.map((each) => ('text' in each ? each.text : '[blob]')).join('\n'),
    resources: async () => (await client.listResources()).resources.map((each) => each.uri),
    prompt: async (name, args) =>
      (await client.getPrompt({ name, arguments: args })).messages
        .map(({ content }) =>
          content.type === 'text' ? content.text : content.type === 'resource' && 'text' in content.resource ? content.resource.text : '',
        )
        .join('\n'),
    complete: async (prompt, argument) => (await client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument })).completion.values,
    [Symbol.asyncDispose]: () => client.close(),
  };
}
