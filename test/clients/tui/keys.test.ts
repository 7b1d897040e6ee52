/** Keys out of bytes, the line they edit, and what is written when the picture changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { drawText } from '../../../src/clients/tui/draw.ts';
import type { Key } from '../../../src/clients/tui/keys.ts';
import { parseKeys } from '../../../src/clients/tui/keys.ts';
import { edited, EMPTY_PROMPT, entered, newer, older, promptText, typed } from '../../../src/clients/tui/prompt.ts';

const ESC = '\u001b';
const key = (name: string): Key => ({ kind: 'key', name }) as Key;
const text = (words: string): Key => ({ kind: 'text', text: words });

test('keys of xterm, of application mode, with modifiers, controls, and text of any script [TUI-1]', () => {
  const cases: [string, Key[]][] = [
    ['a', [text('a')]],
    ['héllo 你好 👩‍💻', [text('héllo 你好 👩‍💻')]],
    [`${ESC}[A${ESC}OB${ESC}[1;5C${ESC}[5~${ESC}[6~${ESC}[3;2~`, ['up', 'down', 'right', 'pageup', 'pagedown', 'delete'].map(key)],
    [`x\r${ESC}[H\t\u007f\u0003`, [text('x'), key('enter'), key('home'), key('tab'), key('backspace'), key('ctrl-c')]],
    [`${ESC}[200~rm -rf\r\n${ESC}[31m /${ESC}[201~\r`, [text('rm -rf [31m /'), key('enter')]],
    [`${ESC}[?1;2c${ESC}[<0;1;1M`, []],
  ];
  for (const [input, keys] of cases) assert.deepEqual(parseKeys(input, true), { keys, rest: '' });
});

test('a sequence cut anywhere is the same keys; Escape alone is known once nothing follows [TUI-1]', () => {
  const input = `ab${ESC}[1;5A${ESC}[200~pasted\ntext${ESC}[201~\u001a${ESC}[6~z`;
  const whole = parseKeys(input, true).keys;
  for (let at = 0; at <= input.length; at += 1) {
    const first = parseKeys(input.slice(0, at), false);
    const second = parseKeys(first.rest + input.slice(at), true);
    const joined = [...first.keys, ...second.keys].flatMap((each) => (each.kind === 'text' ? Array.from(each.text).map(text) : [each]));
    assert.deepEqual(
      joined,
      whole.flatMap((each) => (each.kind === 'text' ? Array.from(each.text).map(text) : [each])),
      `cut at ${at}`,
    );
  }
  assert.deepEqual(parseKeys(ESC, false), { keys: [], rest: ESC });
  assert.deepEqual(parseKeys(ESC, true), { keys: [key('escape')], rest: '' });
  assert.deepEqual(parseKeys(`${ESC}x`, false), { keys: [key('escape'), text('x')], rest: '' });
});

test('whatever comes in, parsing ends, and text never holds a control [TUI-1]', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (input, whole) => {
      const { keys, rest } = parseKeys(input, whole);
      if (whole) assert.equal(rest, '');
      for (const each of keys) if (each.kind === 'text') assert.doesNotMatch(each.text, /\p{Cc}/u);
    }),
  );
});

test('the line: graphemes move and go as one, words and halves are deleted, history comes back with the draft [TUI-1]', () => {
  const line = typed(EMPTY_PROMPT, 'ab👩‍💻');
  assert.equal(promptText(edited(line, 'backspace') ?? EMPTY_PROMPT), 'ab');
  const left = edited(line, 'left') ?? EMPTY_PROMPT;
  assert.deepEqual([left.before, left.after], ['ab', '👩‍💻']);
  assert.equal(promptText(edited(left, 'delete') ?? EMPTY_PROMPT), 'ab');
  assert.equal(edited(edited(EMPTY_PROMPT, 'left') ?? line, 'backspace')?.before, '');
  assert.equal(promptText(edited(typed(EMPTY_PROMPT, '/deny no way'), 'ctrl-w') ?? EMPTY_PROMPT), '/deny no ');
  let prompt = EMPTY_PROMPT;
  for (const words of ['/runs', '/help', '/help']) prompt = entered(typed(prompt, words));
  assert.deepEqual(prompt.history, ['/runs', '/help']);
  prompt = typed(prompt, 'dra');
  prompt = older(older(older(prompt)));
  assert.equal(promptText(prompt), '/runs');
  assert.equal(promptText(newer(newer(prompt))), 'dra');
});

test('only lines that changed are written, within one synchronized update, and nothing when nothing changed [TUI-1]', () => {
  const before = { lines: ['a', 'b', 'c'], row: 2, column: 0 };
  assert.equal(drawText(before, { ...before }), '');
  const changed = drawText(before, { ...before, lines: ['a', 'B', 'c'] });
  assert.equal(changed, `${ESC}[?2026h${ESC}[?25l${ESC}[2;1HB${ESC}[3;1H${ESC}[?25h${ESC}[?2026l`);
  assert.match(drawText(null, before), /\[2J.*a.*b.*c/);
});
