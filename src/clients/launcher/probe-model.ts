/**
 * A model on loopback of two turns: it calls one command in the CLI's shell and, having seen what came of it, says that it is done. In the
 * three protocols, as little of each as the CLIs need. It knows nothing of what the command proves.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ProbeModel = AsyncDisposable & {
  url: string;
  /** What the command printed, as the model was told; null until then. */
  told(): string | null;
  /** What the MCP server of the CLI reported. */
  reported(): string | null;
};

const SHELLS = /^(?:Bash|shell|shell_command|exec_command|run_shell_command)$/;
const CALL_ID = 'call_windlass_probe';
const BYTES_MAX = 16 * 1024 * 1024;
export const REPORT_PATH = '/report';

/** `mark` begins every line that the command prints. */
export async function startProbeModel(command: string, mark: string): Promise<ProbeModel> {
  let told: string | null = null;
  let reported: string | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const path = request.url ?? '';
      if (path === REPORT_PATH) {
        reported = text;
        response.writeHead(204).end();
        return;
      }
      // its own words hold the command, what it printed holds the mark
      if (text.includes(mark)) told = text;
      const tool = text.includes(CALL_ID) ? null : shellOf(text);
      const answer = answerOf(path, tool === null ? null : { name: tool, command });
      response.writeHead(answer === null ? 404 : 200, {
        'content-type': path.includes('stream') || /messages|responses/.test(path) ? 'text/event-stream' : 'application/json',
      });
      response.end(answer ?? '{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told: () => told,
    reported: () => reported,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The name of the shell's tool among those offered. */
function shellOf(text: string): string | null {
  for (const [, name = ''] of text.matchAll(/"name":\s*"(\w{1,64})"/g)) if (SHELLS.test(name)) return name;
  return null;
}

type Call = { name: string; command: string } | null;

function answerOf(path: string, call: Call): string | null {
  if (/count_?tokens/i.test(path)) return JSON.stringify({ input_tokens: 1, totalTokens: 1 });
  if (path.includes('/messages')) return anthropic(call);
  if (path.includes('/responses')) return openai(call);
  if (/models\/[^/]+:streamGenerateContent/.test(path)) return `data: ${google(call)}\n\n`;
  if (/models\/[^/]+:generateContent/.test(path)) return google(null);
  return null;
}

function argumentsOf({ name, command }: NonNullable<Call>): Record<string, string> {
  return name === 'exec_command' ? { cmd: command } : name === 'Bash' ? { command, description: 'Looks which variables are there' } : { command };
}

function events(parts: readonly { readonly type: string; readonly [key: string]: unknown }[]): string {
  return parts.map((part) => `event: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`).join('');
}

function anthropic(call: Call): string {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: 'msg_probe', type: 'message', role: 'assistant', model: 'probe', content: [], stop_reason: null, stop_sequence: null, usage };
  const [start, delta] =
    call === null
      ? [
          { type: 'text', text: '' },
          { type: 'text_delta', text: 'Done.' },
        ]
      : [
          { type: 'tool_use', id: CALL_ID, name: call.name, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(argumentsOf(call)) },
        ];
  return events([
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: start },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: call === null ? 'end_turn' : 'tool_use', stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ]);
}

function openai(call: Call): string {
  const item =
    call === null
      ? {
          type: 'message',
          id: 'msg_probe',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Done.', annotations: [] }],
        }
      : {
          type: 'function_call',
          id: 'fc_probe',
          call_id: CALL_ID,
          name: call.name,
          arguments: JSON.stringify(argumentsOf(call)),
          status: 'completed',
        };
  const usage = {
    input_tokens: 1,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 1,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 2,
  };
  const response = { id: 'resp_probe', object: 'response', created_at: 0, model: 'probe', output: [], status: 'in_progress' };
  return events([
    { type: 'response.created', sequence_number: 1, response },
    { type: 'response.output_item.added', sequence_number: 2, output_index: 0, item },
    { type: 'response.output_item.done', sequence_number: 3, output_index: 0, item },
    { type: 'response.completed', sequence_number: 4, response: { ...response, status: 'completed', output: [item], usage } },
  ]);
}

function google(call: Call): string {
  const part = call === null ? { text: 'Done.' } : { functionCall: { id: CALL_ID, name: call.name, args: argumentsOf(call) } };
  const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
  return JSON.stringify({
    candidates: [{ index: 0, content: { role: 'model', parts: [part] }, finishReason: 'STOP' }],
    usageMetadata,
    modelVersion: 'probe',
  });
}
