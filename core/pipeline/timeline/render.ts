import { createHash } from 'node:crypto';
import type { ConnectionSettings, TimelineEntry } from '../../crm/index.ts';
import { readName } from '../../identity/index.ts';
import {
  type Appellation,
  type DueEntry,
  messagesOfParts,
  readAppellations,
  timesOfMessages,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { boundsOf, dateFormat, timelineLines, type TimelineMessage } from '../../timeline/index.ts';

/** What a due entry shows now; undefined lines: nothing of it is left. */
export interface Rendered {
  readonly due: DueEntry;
  readonly primaryId: string | null;
  readonly entry: Omit<TimelineEntry, 'recordId'> | undefined;
  /** Tells one rendering from another. */
  readonly hash: Buffer;
}

/** Renders entries from what the store holds, in a fixed number of statements. */
export async function renderEntries(
  trx: WorkspaceTransaction,
  entries: readonly DueEntry[],
  settings: ConnectionSettings,
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
  const people = await readAppellations(trx, [...new Set(entries.map(({ contactId }) => contactId))]);
  const names = new Map(people.map((person) => [person.contactId, nameOf(person)]));
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
    const customer = names.get(due.contactId) ?? 'somebody';
    const lines = timelineLines(shown, around, { customer, text: settings.timeline.text, timeZone });
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
    return { due, primaryId: due.primaryId, entry, hash };
  });
}

const steps = ['accepted', 'sent', 'failed', 'delivered', 'read', 'played'] as const;

function knownTimes(row: Readonly<Record<(typeof steps)[number], number | null>>): TimelineMessage['times'] {
  return Object.fromEntries(steps.flatMap((step) => (row[step] === null ? [] : [[step, row[step]]])));
}

function nameOf({ profileName, firstMessage, username, phones: [phone] }: Appellation): string {
  const { firstName, lastName } = readName({
    ...(profileName === null ? {} : { profileName }),
    ...(firstMessage === null ? {} : { firstMessage }),
  });
  const name = `${firstName} ${lastName}`.trim();
  if (name !== '') return name;
  return phone ?? (username === null ? 'a WhatsApp contact' : `@${username}`);
}

function dateOf(at: number, timeZone: string): string {
  return dateFormat('en-GB', { timeZone, day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}
