import type { TimelineEntry, TimelineLine } from '@sangam/core/crm';
import { dateFormat } from '@sangam/core/timeline';
import { longestText } from './vendor.ts';
import { writtenText } from './values.ts';

/** A timeline entry as the body of a communication: simple HTML, ending in the line by which it is found again. */

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

/**
 * At most 65,536 characters: what is too much is left out from the oldest on, and said to be.
 * docs/vendors/hubspot.md §4.5.
 */
export function entryBody(entry: TimelineEntry): string {
  const { title, lines, timeZone = 'UTC', entryKey } = entry;
  const times = timesIn(timeZone, entry.at);
  const head = `<p><strong>${escapeHtml(title)}</strong></p>`;
  const tail = `<p>${markerWords} ${entryKey}</p>`;
  const room = longestText - head.length - tail.length - leftOut(lines.length).length;
  const shown: string[] = [];
  let used = 0;
  for (const line of lines.toReversed()) {
    const html = lineHtml(line, times);
    if (used + html.length > room) break;
    shown.unshift(html);
    used += html.length;
  }
  const newest = lines.at(-1);
  if (shown.length === 0 && newest !== undefined) shown.push(cutLine(newest, times, room));
  const hidden = lines.length - shown.length;
  return `${head}${hidden === 0 ? '' : leftOut(hidden)}${shown.join('')}${tail}`;
}

/** The key in a body of ours, even where HubSpot has changed its HTML; undefined: the body is not ours. */
export function entryKeyIn(body: string): string | undefined {
  const text = body
    .replace(/<[^>]*>/g, ' ')
    .replace(/&nbsp;|&#160;/g, ' ')
    .replace(/\s+/g, ' ')
    .trimEnd();
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

function lineHtml(line: TimelineLine, times: Times): string {
  const { at, sender, text, status, statusAt, failure, replied } = line;
  const fate = [
    ...(status === undefined
      ? []
      : [`${ticks[status]}${statusAt === undefined ? '' : ` ${times.of(statusAt)}`}`]),
    ...(failure === undefined ? [] : [failure]),
    ...(replied ? ['replied'] : []),
  ].join(', ');
  const said = text === '' ? '' : `: ${escapeHtml(text)}`;
  const became = fate === '' ? '' : ` <em>(${escapeHtml(fate)})</em>`;
  return `<p>${times.of(at)} <strong>${escapeHtml(sender)}</strong>${said}${became}</p>`;
}

/** A message too long to stand alone, shortened by halves until it fits. */
function cutLine(line: TimelineLine, times: Times, room: number): string {
  let { text } = line;
  for (;;) {
    const html = lineHtml({ ...line, text: `${text}…` }, times);
    if (html.length <= room || text === '') return html;
    text = text.slice(0, text.length >>> 1);
  }
}

function leftOut(count: number): string {
  return `<p><em>${count} earlier ${count === 1 ? 'message is' : 'messages are'} not shown here.</em></p>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\n': '<br>',
};

function escapeHtml(text: string): string {
  return writtenText(text)
    .replace(/\r\n?/g, '\n')
    .replace(/[&<>"'\n]/g, (sign) => entities[sign] ?? sign);
}
