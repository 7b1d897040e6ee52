/** Duties and planned events as an iCalendar file (RFC 5545). Pure. */
import type { DutyView } from '../../work/cadence/contract.ts';

const LINE_BYTES = 73;
const HOUR_MS = 3_600_000;

export function calendarOf(duties: readonly DutyView[], nowMs: number): string {
  const events = duties.flatMap((duty) => [
    'BEGIN:VEVENT',
    `UID:${duty.id}@windlass`,
    `DTSTAMP:${stamp(nowMs)}`,
    `DTSTART:${stamp(duty.dueAtMs)}`,
    `DTEND:${stamp(duty.dueAtMs + HOUR_MS)}`,
    ...(duty.intervalDays === null ? [] : [`RRULE:FREQ=DAILY;INTERVAL=${duty.intervalDays}`]),
    `SUMMARY:${escaped(duty.project === null ? duty.title : `${duty.project}: ${duty.title}`)}`,
    ...(duty.link === null ? [] : [`URL:${duty.link}`]),
    'END:VEVENT',
  ]);
  return [...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Windlass//Duties//EN'], ...events, 'END:VCALENDAR', ''].map(folded).join('\r\n');
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, (char) => `\\${char}`).replaceAll(/\r?\n|\r/g, '\\n');
}

/** A line has at most 75 bytes; what is longer goes on in the next one, behind a space. No character is cut. */
function folded(line: string): string {
  const lines: string[] = [''];
  for (const char of line) {
    const last = lines.at(-1) ?? '';
    if (Buffer.byteLength(last + char) > LINE_BYTES) lines.push(char);
    else lines[lines.length - 1] = last + char;
  }
  return lines.join('\r\n ');
}
