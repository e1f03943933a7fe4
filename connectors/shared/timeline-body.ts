import type { TimelineEntry, TimelineLine } from '@sangam/core/crm';
import { dateFormat } from '@sangam/core/timeline';

/** A timeline entry as the body of whatever a CRM shows on a record, ending in the line by which it is found again. */

export interface BodyShape {
  readonly form: 'html' | 'text';
  /** Most characters it may have, in UTF-16 units. */
  readonly maxChars: number;
}

interface Form {
  title(text: string): string;
  line(parts: { time: string; sender: string; said: string; became: string }): string;
  note(text: string): string;
  marker(text: string): string;
  /** Its text again, where the CRM may have changed how it is written. */
  textOf(body: string): string;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\n': '<br>',
};
const escaped = (text: string): string => text.replace(/[&<>"'\n]/g, (sign) => entities[sign] ?? sign);

const forms: Readonly<Record<BodyShape['form'], Form>> = {
  html: {
    title: (text) => `<p><strong>${escaped(text)}</strong></p>`,
    line: ({ time, sender, said, became }) =>
      `<p>${time} <strong>${escaped(sender)}</strong>${said === '' ? '' : `: ${escaped(said)}`}` +
      `${became === '' ? '' : ` <em>(${escaped(became)})</em>`}</p>`,
    note: (text) => `<p><em>${text}</em></p>`,
    marker: (text) => `<p>${text}</p>`,
    textOf: (body) => body.replace(/<[^>]*>/g, ' ').replace(/&nbsp;|&#160;/g, ' '),
  },
  text: {
    title: (text) => `${text}\n`,
    line: ({ time, sender, said, became }) =>
      `${time} ${sender}${said === '' ? '' : `: ${said}`}${became === '' ? '' : ` (${became})`}\n`,
    note: (text) => `${text}\n`,
    marker: (text) => text,
    textOf: (body) => body,
  },
};

const markerWords = 'Sangam ref';

/** How far a message got, as WhatsApp's own ticks say it. */
const ticks: Readonly<Record<NonNullable<TimelineLine['status']>, string>> = {
  accepted: '… accepted',
  sent: '✓ sent',
  delivered: '✓✓ delivered',
  read: '✓✓ read',
  played: '✓✓ played',
  failed: '✗ failed',
};

/** What is too much is left out from the oldest on, and said to be. */
export function entryBody(entry: TimelineEntry, { form: name, maxChars }: BodyShape): string {
  const { title, lines, timeZone = 'UTC', entryKey } = entry;
  const form = forms[name];
  const times = timesIn(timeZone, entry.at);
  const head = form.title(storable(title));
  const tail = form.marker(`${markerWords} ${entryKey}`);
  const room = maxChars - head.length - tail.length - form.note(leftOut(lines.length)).length;
  const shown: string[] = [];
  let used = 0;
  for (const line of lines.toReversed()) {
    const written = writtenLine(line, times, form);
    if (used + written.length > room) break;
    shown.unshift(written);
    used += written.length;
  }
  const newest = lines.at(-1);
  if (shown.length === 0 && newest !== undefined) shown.push(cutLine(newest, times, form, room));
  const hidden = lines.length - shown.length;
  return `${head}${hidden === 0 ? '' : form.note(leftOut(hidden))}${shown.join('')}${tail}`;
}

/** The key in a body of ours; undefined: the body is not ours. */
export function entryKeyIn(body: string, form: BodyShape['form']): string | undefined {
  const text = forms[form].textOf(body).replace(/\s+/g, ' ').trimEnd();
  return new RegExp(`${markerWords} ([\\w-]+)$`).exec(text)?.[1];
}

interface Times {
  of(at: number): string;
}

/** Times as `10:02`, with their day where it is not the entry's. */
function timesIn(timeZone: string, day: number): Times {
  const time = dateFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' });
  const date = dateFormat('en-GB', { timeZone, day: 'numeric', month: 'short' });
  const today = date.format(day);
  return {
    of(at) {
      const on = date.format(at);
      return on === today ? time.format(at) : `${on} ${time.format(at)}`;
    },
  };
}

function writtenLine(line: TimelineLine, times: Times, form: Form): string {
  const { at, sender, text, status, statusAt, failure, replied } = line;
  const became = [
    ...(status === undefined
      ? []
      : [`${ticks[status]}${statusAt === undefined ? '' : ` ${times.of(statusAt)}`}`]),
    ...(failure === undefined ? [] : [failure]),
    ...(replied ? ['replied'] : []),
  ].join(', ');
  return form.line({
    time: times.of(at),
    sender: storable(sender),
    said: storable(text),
    became: storable(became),
  });
}

/** A message too long to stand alone, shortened by halves until it fits. */
function cutLine(line: TimelineLine, times: Times, form: Form, room: number): string {
  let { text } = line;
  for (;;) {
    const written = writtenLine({ ...line, text: `${text}…` }, times, form);
    if (written.length <= room || text === '') return written;
    text = text.slice(0, text.length >>> 1);
  }
}

function leftOut(count: number): string {
  return `${String(count)} earlier ${count === 1 ? 'message is' : 'messages are'} not shown here.`;
}

/** Text as CRMs can store it: no NUL, no half of a surrogate pair, one kind of line end. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed().replace(/\r\n?/g, '\n');
}
