/**
 * What is to be thought of one tool call before anything is done about it, pure: whether there is such a tool for this run, whether the
 * arguments fit it, what the policy decides. The harness goes by it, and so does who only asks what would be decided.
 */
import type { Decision } from '../../kernel/events.ts';
import type { ToolManifestEntry } from '../../kernel/plan.ts';
import { allowlistOf, manifestOf } from './manifest.ts';
import { planOf, type Rules } from './rules.ts';
import type { Call, RunState } from './state.ts';

/** `entry` is null for a tool that the run does not have. */
export type Verdict =
  | { kind: 'invalid'; entry: ToolManifestEntry; message: string; faults: readonly string[] }
  | { kind: 'decided'; entry: ToolManifestEntry; decision: Decision }
  | { kind: 'decided'; entry: null; decision: Decision & { answer: 'deny' } };

type Judged = { state: RunState; rules: Pick<Rules, 'decide' | 'validate'> };

export function judgeCall(context: Judged, call: Pick<Call, 'tool' | 'args' | 'invalid'>): Verdict {
  const manifest = manifestOf(context.state);
  const entry = manifest.find((tool) => tool.name === call.tool);
  if (entry === undefined) {
    return { kind: 'decided', entry: null, decision: { answer: 'deny', rules: ['allowlist'], reason: unknownTool(call.tool, manifest) } };
  }
  const fault = faultOf(context, call, entry);
  return fault === null ? { kind: 'decided', entry, decision: decideCall(context, entry) } : { kind: 'invalid', entry, ...fault };
}

/** Asks the policy; one that throws is a deny (spec POL-1). */
function decideCall({ state, rules }: Judged, entry: ToolManifestEntry): Decision {
  const { tier, confirm } = planOf(state);
  try {
    return rules.decide({
      action: 'tool',
      name: entry.name,
      sideEffect: entry.sideEffect,
      tier,
      allowlist: allowlistOf(state),
      confirm,
      labels: state.labels,
      taints: entry.taints,
    });
  } catch (thrown) {
    // What cannot be decided is not done; the reason goes into the journal and to the model.
    return { answer: 'deny', rules: ['error'], reason: `the policy failed: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

function unknownTool(name: string, manifest: readonly ToolManifestEntry[]): string {
  const known = manifest.map((tool) => tool.name).join(', ');
  return `${name} is not among what this agent may use; ${known === '' ? 'it has no tools' : `it has ${known}`}`;
}

function faultOf(
  { rules }: Judged,
  call: Pick<Call, 'args' | 'invalid'>,
  entry: ToolManifestEntry,
): { message: string; faults: readonly string[] } | null {
  if (call.invalid !== null)
    return { message: "The arguments are not a JSON object. Write them as one JSON object that matches the tool's schema.", faults: [] };
  const faults = rules.validate(entry.inputSchema, call.args);
  return faults.length === 0 ? null : { message: `The arguments do not match the tool's schema: ${faults.join('; ')}.`, faults };
}
