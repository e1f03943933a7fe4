import { createHash } from 'node:crypto';
import type { ConnectionSettings, ContactFields, TimelineEntry } from '../../crm/index.ts';
import {
  type DueEntry,
  messagesOfParts,
  timesOfMessages,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { boundsOf, dateFormat, timelineLines, type TimelineMessage } from '../../timeline/index.ts';
import { contactFields } from '../reconcile/contact-fields.ts';

/** What a due entry shows now; undefined lines: nothing of it is left. */
export interface Rendered {
  readonly due: DueEntry;
  readonly homeId: string | null;
  readonly entry: Omit<TimelineEntry, 'recordId'> | undefined;
  /** Tells one rendering from another. */
  readonly hash: Buffer;
}

/** Renders entries from what the store holds, in a fixed number of statements. */
export async function renderEntries(
  trx: WorkspaceTransaction,
  entries: readonly DueEntry[],
  settings: ConnectionSettings,
  now: number,
): Promise<Rendered[]> {
  const { timeZone } = settings;
  const isDay = (part: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(part);
  const single = entries.filter(({ part }) => !isDay(part));
  const times = await timesOfMessages(
    trx,
    single.map(({ channelId, part }) => ({ channelId, wamid: part })),
  );
  const parts = entries.map(({ contactId, channelId, part }) => {
    const at = times.get(`${channelId} ${part}`) ?? 0;
    const bounds = isDay(part) ? boundsOf(part, timeZone) : { from: at, until: at + 1 };
    return { contactId, channelId, ...bounds };
  });
  const byPlace = Map.groupBy(await messagesOfParts(trx, parts), ({ place }) => place);
  const people = new Map(
    (
      await contactFields(
        trx,
        entries.map(({ contactId }) => contactId),
        now,
      )
    ).map((contact) => [contact.contactId, contact]),
  );
  return entries.map((due, place): Rendered => {
    const around = (byPlace.get(place) ?? []).map((row): TimelineMessage => ({
      wamid: row.wamid,
      origin: row.origin,
      direction: row.direction,
      at: row.at,
      content: row.content ?? undefined,
      times: knownTimes(row),
      errorCode: row.errorCode ?? undefined,
    }));
    const bounds = parts[place];
    const shown = around.filter(({ at, wamid }) =>
      isDay(due.part) ? bounds !== undefined && at < bounds.until : wamid === due.part,
    );
    const customer = nameOf(people.get(due.contactId));
    const lines = timelineLines(shown, around, { customer, text: settings.timeline.text });
    const [first] = lines;
    const entry =
      first === undefined
        ? undefined
        : {
            entryKey: due.entryKey,
            at: first.at,
            title: `WhatsApp with ${customer}, ${dateOf(first.at, timeZone)}`,
            timeZone,
            lines,
          };
    const hash = createHash('sha256')
      .update(JSON.stringify(entry ?? null))
      .digest()
      .subarray(0, 16);
    return { due, homeId: due.homeId, entry, hash };
  });
}

const steps = ['accepted', 'sent', 'failed', 'delivered', 'read', 'played'] as const;

function knownTimes(row: Readonly<Record<(typeof steps)[number], number | null>>): TimelineMessage['times'] {
  return Object.fromEntries(steps.flatMap((step) => (row[step] === null ? [] : [[step, row[step]]])));
}

function nameOf(contact: ContactFields | undefined): string {
  if (contact === undefined) return 'somebody';
  const name = `${contact.firstName} ${contact.lastName}`.trim();
  if (name !== '') return name;
  return contact.phone ?? (contact.username === undefined ? 'a WhatsApp contact' : `@${contact.username}`);
}

function dateOf(at: number, timeZone: string): string {
  return dateFormat('en-GB', { timeZone, day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}
