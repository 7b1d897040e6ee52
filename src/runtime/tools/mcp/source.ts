/**
 * The tools of one MCP server as tools of ours (spec TOL-1): named `server__tool`, taken for external, irreversible and untrusted
 * until the operator says otherwise. What the server says of itself is kept as hints.
 */
import type { Tool as ListedTool } from '@modelcontextprotocol/client';
import type { JsonObject } from '../../../kernel/canonical-json.ts';
import { toAppError } from '../../../kernel/errors.ts';
import { isServerName, toolName, UNKNOWN_TOOL, type ToolSource } from '../registry.ts';
import type { Tool, ToolContext, ToolFault, ToolOutcome, ToolSpec } from '../tool.ts';
import { MCP_LIMITS, type ConnectionDeps } from './connection.ts';
import { createMcpServer, type McpServer } from './server.ts';
import type { McpServerConfig } from './server-config.ts';

const LATE_MS = 1_000;

export function createMcpSource({ name, config, deps }: { name: string; config: McpServerConfig; deps: ConnectionDeps }): ToolSource {
  const server = createMcpServer({ name, config, deps });
  return {
    name,
    async tools() {
      if (!isServerName(name)) {
        return {
          tools: [],
          faults: [{ tool: `${name}.*`, why: `"${name}" cannot name a server: small letters, digits and "-", at most 24, a letter first.` }],
        };
      }
      try {
        return toolsOf({ name, nowMs: () => deps.clock.nowMs() }, server, await server.tools());
      } catch (thrown) {
        // a broken server takes its own tools away and nothing else
        return { tools: [], faults: [{ tool: `${name}.*`, why: toAppError(thrown).message }] };
      }
    },
    close: () => server.close(),
  };
}

function toolsOf(
  server: { name: string; nowMs: () => number },
  running: McpServer,
  listed: readonly ListedTool[],
): { tools: Tool[]; faults: ToolFault[] } {
  const tools = new Map<string, Tool>();
  const faults: ToolFault[] = [];
  for (const tool of listed.slice(0, MCP_LIMITS.tools)) {
    const name = toolName(server.name, tool.name);
    if (tools.has(name)) faults.push({ tool: name, why: `Server "${server.name}" offers two tools of this name; the second is left out.` });
    else if (tool.execution?.taskSupport === 'required') faults.push({ tool: name, why: 'It runs only as an MCP task, which is not supported.' });
    else
      tools.set(name, {
        spec: specOf(name, server.name, tool),
        call: (args, context) => call(running, tool, { args, context, server: server.name, nowMs: server.nowMs }),
      });
  }
  if (listed.length > MCP_LIMITS.tools) {
    faults.push({ tool: `${server.name}.*`, why: `It offers ${listed.length} tools; the first ${MCP_LIMITS.tools} are used.` });
  }
  return { tools: [...tools.values()], faults };
}

function specOf(name: string, server: string, tool: ListedTool): ToolSpec {
  const spec: ToolSpec = {
    ...UNKNOWN_TOOL,
    taints: [...UNKNOWN_TOOL.taints],
    name,
    description: (tool.description ?? tool.title ?? '').slice(0, MCP_LIMITS.descriptionChars),
    inputSchema: tool.inputSchema as ToolSpec['inputSchema'],
    realm: server,
    source: `mcp:${server}`,
  };
  if (tool.outputSchema !== undefined) spec.outputSchema = tool.outputSchema as JsonObject;
  if (tool.annotations !== undefined) spec.hints = { ...tool.annotations };
  return spec;
}

async function call(
  running: McpServer,
  tool: ListedTool,
  { args, context, server, nowMs }: { args: JsonObject; context: ToolContext; server: string; nowMs: () => number },
): Promise<ToolOutcome> {
  try {
    // its own timer must only never fire before ours: the call's signal is what ends it
    const timeoutMs = Math.max(1, context.deadlineMs - nowMs()) + LATE_MS;
    return await running.call(tool, args, { signal: context.signal, timeoutMs });
  } catch (thrown) {
    // it never got as far as the call: the handshake failed, or the run was stopped before
    const error = toAppError(thrown);
    if (context.signal.aborted) return { ok: false, class: 'timeout', message: `Server "${server}" was not ready before the call was stopped.` };
    return { ok: false, class: error.message.includes('stage "credentials"') ? 'missing_credential' : 'tool_error', message: error.message };
  }
}
