/**
 * All tools there are, by name: built-ins and what the sources (MCP servers) offer, each under the operator's word and inside its
 * bounds. It decides what a tool is taken for, not who may call it: that is policy.
 *
 * One form of name everywhere: a built-in's own (`git_log`), `server__tool` for the others; both within what every provider takes.
 */
import type { OrgId } from '../../kernel/ids.ts';
import type { ToolManifestEntry } from '../../kernel/plan.ts';
import { sha256Hex } from '../../kernel/canonical-json.ts';
import { boundTool, type CallDeps } from './call.ts';
import { TOOL_LIMITS } from './limits.ts';
import type { Tool, ToolFault, Tools, ToolSpec } from './tool.ts';

/** What a tool is taken for until the operator says otherwise (spec TOL-1): the worst. A server's annotations never change it. */
export const UNKNOWN_TOOL = {
  kind: 'call',
  sideEffect: 'external',
  taints: ['untrusted'],
  recovery: 'none',
  timeoutMs: TOOL_LIMITS.timeoutMs,
  settleMs: 0,
  shownChars: TOOL_LIMITS.shownChars,
} as const satisfies Omit<ToolManifestEntry, 'name' | 'description' | 'inputSchema'>;

/** The operator's word on one tool; what is left out stays as it was. */
export type ToolChoice = Partial<Pick<ToolManifestEntry, 'sideEffect' | 'recovery' | 'taints' | 'timeoutMs' | 'settleMs' | 'shownChars'>>;

/** By canonical name, from what the configuration says of each server's tools under their own names. */
export function choicesOf(servers: Readonly<Record<string, { tools: Readonly<Record<string, ToolChoice>> }>>): Map<string, ToolChoice> {
  return new Map(
    Object.entries(servers).flatMap(([server, { tools }]) =>
      Object.entries(tools).map(([tool, choice]) => [toolName(server, tool), choice] as const),
    ),
  );
}

/** Where tools come from beside the built-ins. A broken one answers faults, it never throws. */
export type ToolSource = {
  /** Name of the server: the part before `__`. */
  name: string;
  tools(org: OrgId): Promise<{ tools: Tool[]; faults: ToolFault[] }>;
  close(): Promise<void>;
};

export type ToolsDeps = CallDeps & {
  builtins: readonly Tool[];
  sources: readonly ToolSource[];
  /** By canonical tool name. */
  choices: ReadonlyMap<string, ToolChoice>;
};

const SERVER_NAME = /^[a-z][a-z0-9-]{0,23}$/;

export function isServerName(name: string): boolean {
  return SERVER_NAME.test(name);
}

/** `server__tool`; a name no provider would take is made fit, with a digest of the true one so that two never meet. */
export function toolName(server: string, tool: string): string {
  const plain = `${server}__${tool}`;
  if (/^[a-zA-Z0-9_-]+$/.test(tool) && plain.length <= TOOL_LIMITS.nameChars) return plain;
  const digest = sha256Hex(tool).slice(0, 8);
  const head = `${server}__${tool.replaceAll(/[^a-zA-Z0-9_-]/g, '_')}`;
  return `${head.slice(0, TOOL_LIMITS.nameChars - digest.length - 1)}_${digest}`;
}

export function createTools(deps: ToolsDeps): Tools {
  const builtins = new Map(deps.builtins.map((tool) => [tool.spec.name, finished(tool, deps)]));
  const sources = new Map(deps.sources.map((source) => [source.name, source]));

  const ofSource = async (org: OrgId, source: ToolSource): Promise<{ tools: Tool[]; faults: ToolFault[] }> => {
    const { tools, faults } = await source.tools(org);
    return { tools: tools.map((tool) => finished(tool, deps)), faults };
  };

  return {
    async resolve(org, names) {
      const wanted = [...new Set(names)];
      const servers = [...new Set(wanted.map(serverOf))].flatMap((name) => sources.get(name ?? '') ?? []);
      const offered = new Map(await Promise.all(servers.map(async (source) => [source.name, await ofSource(org, source)] as const)));
      const found = new Map<string, Tool>();
      const missing: ToolFault[] = [];
      for (const name of wanted) {
        const server = serverOf(name);
        const offer = server === null ? undefined : offered.get(server);
        const hits =
          server === null ? [builtins.get(name)] : name.endsWith('.*') ? offer?.tools : [offer?.tools.find((tool) => tool.spec.name === name)];
        const tools = (hits ?? []).filter((tool) => tool !== undefined);
        for (const tool of tools) found.set(tool.spec.name, tool);
        if (tools.length === 0) missing.push({ tool: name, why: whyMissing(name, { builtins, sources, faults: offer?.faults ?? [] }) });
      }
      return { tools: [...found.values()], missing };
    },

    async list(org) {
      const offers = await Promise.all([...sources.values()].map((source) => ofSource(org, source)));
      const specs = [...builtins.values(), ...offers.flatMap((offer) => offer.tools)].map((tool) => tool.spec);
      return { specs, faults: offers.flatMap((offer) => offer.faults) };
    },

    async close() {
      await Promise.all([...sources.values()].map((source) => source.close()));
    },
  };
}

/** Null: a built-in's name. */
function serverOf(name: string): string | null {
  const match = /^(.+?)(?:__|\.\*$)/.exec(name);
  return match?.[1] ?? null;
}

function finished(tool: Tool, deps: ToolsDeps): Tool {
  const choice = deps.choices.get(tool.spec.name);
  const spec: ToolSpec = choice ? { ...tool.spec, ...choice } : tool.spec;
  return boundTool({ ...tool, spec }, deps);
}

function whyMissing(name: string, known: { builtins: Map<string, Tool>; sources: Map<string, ToolSource>; faults: readonly ToolFault[] }): string {
  const server = serverOf(name);
  if (server === null) {
    const dotted = /^([^.]+)\.(.+)$/.exec(name);
    if (dotted?.[1] && dotted[2] && known.sources.has(dotted[1])) return `A server's tool is named ${toolName(dotted[1], dotted[2])}.`;
    const near = [...known.builtins.keys()].filter((other) => other.split('_')[0] === name.split('_')[0]);
    return `There is no tool of this name.${near.length > 0 ? ` Near it: ${near.join(', ')}.` : ' `windlass tool list` shows all there are.'}`;
  }
  if (!known.sources.has(server)) {
    const servers = [...known.sources.keys()];
    return `No tool server "${server}" is configured${servers.length > 0 ? `; there ${servers.length === 1 ? 'is' : 'are'} ${servers.join(', ')}` : ''}.`;
  }
  const fault = known.faults.find((one) => one.tool === name || one.tool === `${server}.*`) ?? known.faults[0];
  return fault?.why ?? `Server "${server}" answers, but offers no such tool.`;
}
