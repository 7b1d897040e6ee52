/** Agent files: YAML text to definitions, every fault of every file at once, with file, line and path. Pure; reads no disk. */
import type { Node, Pair } from 'yaml';
import { LineCounter, isMap, isScalar, parseDocument } from 'yaml';
import type { Fault } from '../../kernel/errors.ts';
import type { Check } from '../../runtime/tools/validate.ts';
import type { PathPart, PlacedFault } from './check-definition.ts';
import { checkDefinition } from './check-definition.ts';
import type { FileDefinition } from './difference.ts';

export const FILE_LIMITS = {
  /** Characters of one file. */
  chars: 256 * 1024,
  /** In one plan or apply. */
  files: 500,
} as const;

/** `path` as in `agents/foo.yaml`, for showing and for the name it must hold. */
export type AgentFile = { path: string; text: string };

export function parseFiles(files: readonly AgentFile[], check: Check): { definitions: FileDefinition[]; faults: Fault[] } {
  const definitions: FileDefinition[] = [];
  const faults: Fault[] = [];
  const firstOf = new Map<string, string>();
  for (const file of files) {
    const parsed = parseFile(file, check);
    faults.push(...parsed.faults);
    if (parsed.name !== null) {
      const first = firstOf.get(parsed.name);
      if (first === undefined) firstOf.set(parsed.name, file.path);
      else faults.push({ path: `${file.path} name`, message: `${parsed.name} is described in ${first} already` });
    }
    if (parsed.definition !== null) definitions.push(parsed.definition);
  }
  return { definitions, faults };
}

type Parsed = { definition: FileDefinition | null; name: string | null; faults: Fault[] };

function parseFile(file: AgentFile, check: Check): Parsed {
  const lines = new LineCounter();
  const fault = (line: number | null, path: string, message: string): Fault => ({
    path: path === '' ? file.path : `${file.path} ${path}`,
    message,
    ...(line === null ? {} : { line }),
  });
  const failed = (...faults: Fault[]): Parsed => ({ definition: null, name: null, faults });
  if (file.text.length > FILE_LIMITS.chars) return failed(fault(null, '', `is over ${FILE_LIMITS.chars / 1024} KB`));
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  if (document.errors.length > 0) return failed(...document.errors.map((error) => fault(lines.linePos(error.pos[0]).line, '', error.message)));
  let raw: unknown;
  try {
    raw = document.toJS();
  } catch (thrown) {
    // aliases that do not resolve, or that would swell beyond the parser's bound
    return failed(fault(null, '', thrown instanceof Error ? thrown.message : String(thrown)));
  }
  if (!isMap(document.contents)) return failed(fault(1, '', 'holds no agent: it must be a mapping that begins with `name:`'));
  const name = (raw as Record<string, unknown>)['name'];
  const checked = checkDefinition(raw, check);
  const placedFaults: PlacedFault[] = checked.ok ? [] : [...checked.faults];
  const wanted = file.path.replace(/^.*[/\\]/, '').replace(/\.ya?ml$/, '');
  if (typeof name === 'string' && name !== wanted) placedFaults.push({ path: ['name'], message: `${name} must be in a file named ${name}.yaml` });
  const faults = placedFaults
    .map((each) => fault(lines.linePos(offsetOf(document.contents, each)).line, pathText(each.path), each.message))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const definition = checked.ok && faults.length === 0 ? { path: file.path, definition: checked.definition } : null;
  return { definition, name: typeof name === 'string' ? name : null, faults };
}

/** Where the fault stands: its key or value, or the nearest thing around it that is there. */
function offsetOf(root: Node | null, fault: PlacedFault): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of fault.path) {
    const pair: Pair | undefined = isMap(node) ? node.items.find((item) => isScalar(item.key) && item.key.value === part) : undefined;
    const inside: unknown = pair === undefined ? itemOf(node, part) : pair.value;
    if (inside === undefined || inside === null) {
      if (pair !== undefined) offset = startOf(pair.key, offset);
      break;
    }
    // a key's own line is the better place for a value that goes over many lines
    offset = pair === undefined ? startOf(inside, offset) : startOf(pair.key, offset);
    node = inside;
  }
  return offset;
}

function itemOf(node: unknown, part: PathPart): unknown {
  if (typeof part !== 'number' || typeof node !== 'object' || node === null || !('items' in node) || !Array.isArray(node.items)) return undefined;
  return (node.items as unknown[])[part];
}

function startOf(node: unknown, otherwise: number): number {
  const range = typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) ? (node.range as unknown[]) : [];
  return typeof range[0] === 'number' ? range[0] : otherwise;
}

/** `limits.turns`, `schedules[0].cron`. */
export function pathText(path: readonly PathPart[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}
