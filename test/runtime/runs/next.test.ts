/** The loop as a whole: model turn, tool calls, end, and what comes between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calls, drive, modelPlan, queued, says, toolEntry } from '../../support/drive-pure.ts';

const types = (driven: ReturnType<typeof drive>): string[] => driven.entries.map((entry) => entry.event?.type ?? 'deleted');

test('a run asks the model, calls a tool, gives the result back and ends with the answer [HAR-1]', () => {
  const driven = drive({
    queued: queued(modelPlan({ tools: ['look'] })),
    tools: [toolEntry('look')],
    model: (n, action) => {
      if (n === 1) return calls(['look', { at: 'log' }]);
      assert.deepEqual(action.request.messages.at(-1), {
        role: 'tool',
        content: [{ type: 'tool_result', callId: 'c0', tool: 'look', text: 'three lines', failed: false }],
      });
      return says('There are three lines.');
    },
    tool: () => 'three lines',
  });
  assert.deepEqual(types(driven), [
    'run.queued',
    'run.started',
    'phase.entered',
    'progress',
    'context.assembled',
    'model.intended',
    'model.replied',
    'tool.intended',
    'tool.done',
    'context.assembled',
    'model.intended',
    'model.replied',
    'phase.entered',
    'progress',
    'run.ended',
  ]);
  const ended = driven.state.ended?.event;
  assert.equal(ended?.status, 'succeeded');
  assert.equal(ended.answer, 'There are three lines.');
  assert.equal(ended.rehearsed, true);
  assert.equal(ended.usage.outputTokens, 100);
});
