/** The readable form of a journal: Markdown for people (spec RUN-9). Not the record: that is the journal. */
import type { Entry, EventOf, RunEvent } from '../../kernel/events.ts';
import { isoTime } from '../../kernel/clock.ts';

const RESULT_CHARS = 4_000;

/** `ended` when the journal's own last entry is still to be written. */
export function renderTranscript(entries: readonly Entry[], ended: EventOf<'run.ended'> | null = null): string {
  const sections = entries.flatMap((entry) => {
    if (entry.event === null) return [`*Entry ${entry.seq}: its payload was deleted.*`];
    const text = sectionOf(entry.event);
    return text === null ? [] : [`${text}\n\n<sub>${entry.seq} · ${isoTime(entry.atMs)}</sub>`];
  });
  if (ended !== null) sections.push(sectionOf(ended) ?? '');
  return `${sections.join('\n\n')}\n`;
}

/** Null for what only the machinery cares about. */
function sectionOf(event: RunEvent): string | null {
  switch (event.type) {
    case 'run.queued':
      return `# ${event.plan.agent.name}, version ${event.plan.agent.version}\n\nStarted by ${event.by.name} (${event.trigger}).\n\n${fenced(typeof event.input === 'string' ? event.input : JSON.stringify(event.input, null, 2))}`;
    case 'run.waiting':
      return `*Waits for ${event.for}: ${event.reason}*`;
    case 'run.resumed':
      return `*Goes on after a ${event.after}.*`;
    case 'run.signalled':
      return `**${event.by.name}: ${event.signal}** ${event.reason}`;
    case 'run.ended':
      return `## ${event.status}${event.rehearsed ? ' (rehearsed)' : ''}\n\n${event.reason}${event.answer === null ? '' : `\n\n${event.answer}`}`;
    case 'model.replied':
      return event.content
        .flatMap((part) =>
          part.type === 'text' ? [part.text] : part.type === 'tool_call' ? [`→ \`${part.tool}\` ${code(JSON.stringify(part.args))}`] : [],
        )
        .join('\n\n');
    case 'model.failed':
      return `*The model ${event.model} failed (${event.kind}): ${event.message}*`;
    case 'model.fellback':
      return `*Goes on with ${event.to} instead of ${event.from}: ${event.why}*`;
    case 'output.rejected':
      return `*The answer was not accepted: ${event.message}*`;
    case 'tool.done':
      return `\`${event.tool}\` answered${event.known === 'effect' ? '' : ` (known by ${event.known})`}:\n\n${fenced(event.text)}`;
    case 'tool.failed':
      return `\`${event.tool}\` failed (${event.class}): ${event.message}`;
    case 'tool.denied':
      return `\`${event.tool}\` was denied: ${event.reason}`;
    case 'tool.outcome_unknown':
      return `**Whether \`${event.tool}\` happened is unknown:** ${event.why}`;
    case 'approval.asked':
      return `**Asked:** ${event.question}\n\n\`${event.tool}\` ${code(JSON.stringify(event.args))}`;
    case 'approval.answered':
      return `**${event.by.name}: ${event.answer}** ${event.text}`;
    case 'approval.expired':
      return '*Nobody answered in time.*';
    case 'child.started':
      return `*Starts ${event.agent} as ${event.run}.*`;
    case 'child.ended':
      return `*${event.run} ended as ${event.status}:*\n\n${event.text}`;
    case 'stop_rule.tripped':
      return `**Stopped by the rule ${event.rule}:** ${event.detail}`;
    case 'budget.exhausted':
      return `*${event.message}*`;
    case 'guardrail.fired':
      return `**Guardrail ${event.rule} (${event.where}):** ${event.excerpt}`;
    case 'note':
      return `**${event.by.name} says:** ${event.text}`;
    case 'artefact.failed':
      return `*Not stored: ${event.what}. ${event.message}*`;
    default:
      return null;
  }
}

function fenced(text: string): string {
  const shown = text.length > RESULT_CHARS ? `${text.slice(0, RESULT_CHARS)}\n[${text.length - RESULT_CHARS} more characters]` : text;
  // a fence longer than any in the text cannot be closed by it
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${shown}\n${fence}`;
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}
