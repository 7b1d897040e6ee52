/** What keys do. The line at the bottom always takes text; arrows, Enter and Escape are for what is above while the line is empty. Pure. */
import type { Key, KeyName } from './keys.ts';
import { EMPTY_PROMPT, edited, entered, newer, older, promptText, typed, withText } from './prompt.ts';
import { bodyRows, listRows } from './layout.ts';
import { overlayLength } from './overlays.ts';
import { carryOut, complete, openApproval, openRun } from './slash.ts';
import type { Overlay, State, Step } from './state.ts';
import { approvalsOf, runsOf } from './state.ts';

export function press(state: State, key: Key): Step {
  if (key.kind === 'text') return still({ ...state, prompt: typed(state.prompt, key.text) });
  switch (key.name) {
    case 'ctrl-c':
      return { state, effects: [{ kind: 'quit' }] };
    case 'ctrl-z':
      return { state, effects: [{ kind: 'suspend' }] };
    case 'ctrl-l':
      return { state, effects: [{ kind: 'redraw' }, { kind: 'refresh' }] };
    case 'ctrl-d':
      return promptText(state.prompt) === '' ? { state, effects: [{ kind: 'quit' }] } : still(state);
    case 'tab':
      return still(tab(state));
    case 'escape':
      return still(escape(state));
    case 'enter':
      return enter(state);
    default:
      return still(move(state, key.name));
  }
}

function still(state: State): Step {
  return { state, effects: [] };
}

function tab(state: State): State {
  const line = promptText(state.prompt);
  if (line === '') return state.overlay === null ? { ...state, side: !state.side } : state;
  const { line: completed, choices } = complete(state, line);
  return {
    ...state,
    prompt: withText(state.prompt, completed),
    said: choices.length === 0 ? state.said : { ok: true, text: choices.join('  ') },
  };
}

/** One thing at a time: the line, what lies over the runs, the side, the search. */
function escape(state: State): State {
  if (promptText(state.prompt) !== '') return { ...state, prompt: { ...EMPTY_PROMPT, history: state.prompt.history }, said: null };
  if (state.overlay !== null) return { ...state, overlay: null, said: null };
  return { ...state, side: false, said: null };
}

function enter(state: State): Step {
  const line = promptText(state.prompt).trim();
  if (line !== '') return carryOut({ ...state, prompt: entered(state.prompt) }, line);
  const { overlay } = state;
  if (overlay === null) return state.selected === null ? still(state) : openRun(state, state.selected);
  if (overlay.kind === 'approvals' && overlay.selected !== null) return openApproval(state, overlay.selected);
  if (overlay.kind === 'run') {
    const [asked] = overlay.detail?.waitingOn ?? [];
    if (asked !== undefined) return openApproval(state, asked.approvalId);
  }
  return still(state);
}

function move(state: State, name: KeyName): State {
  const empty = promptText(state.prompt) === '' && state.prompt.looking === null;
  if (!empty && name === 'up') return { ...state, prompt: older(state.prompt) };
  if (!empty && name === 'down') return { ...state, prompt: newer(state.prompt) };
  const scrolls = name === 'pageup' || name === 'pagedown' || (empty && ['up', 'down', 'home', 'end'].includes(name));
  if (!scrolls) {
    const prompt = edited(state.prompt, name);
    return prompt === null ? state : { ...state, prompt };
  }
  if (state.overlay === null) return { ...state, selected: along(runsOf(state), state.selected, { name, page: listRows(state) }) };
  return { ...state, overlay: scrolled(state, state.overlay, name) };
}

function steps(name: KeyName, page: number): number {
  if (name === 'up') return -1;
  if (name === 'down') return 1;
  if (name === 'pageup') return -Math.max(1, page - 1);
  if (name === 'pagedown') return Math.max(1, page - 1);
  return name === 'home' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function along(items: readonly { id: string }[], selected: string | null, { name, page }: { name: KeyName; page: number }): string | null {
  const now = Math.max(
    0,
    items.findIndex((each) => each.id === selected),
  );
  const next = Math.min(items.length - 1, Math.max(0, now + steps(name, page)));
  return items[next]?.id ?? null;
}

function scrolled(state: State, overlay: Overlay, name: KeyName): Overlay {
  const page = bodyRows(state.size) - 1;
  if (overlay.kind === 'approvals') return { ...overlay, selected: along(approvalsOf(state), overlay.selected, { name, page: page - 1 }) };
  const last = Math.max(0, overlayLength(state, overlay) - page);
  const now = overlay.kind === 'run' && overlay.follow ? last : Math.min(overlay.scroll, last);
  const scroll = Math.min(last, Math.max(0, now + steps(name, page)));
  return overlay.kind === 'run' ? { ...overlay, scroll, follow: scroll === last } : { ...overlay, scroll };
}
