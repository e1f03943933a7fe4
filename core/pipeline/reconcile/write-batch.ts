import type { Connector, ContactFields, CrmUpsert, CrmValues, UpsertOutcome } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import { baseAfter, valuesToWrite } from '../../mapping/index.ts';
import type { LinkRow } from '../../store/index.ts';

/** What became of one record. */
export interface Written {
  readonly contactId: string;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'refused';
  /** To be kept: the record, and what we last wrote there. */
  readonly link?: LinkRow;
  readonly refused?: { readonly code: string; readonly explanation: string };
}

/** A record to be brought to what its contact says. */
interface Target {
  readonly contact: ContactFields;
  readonly writtenAs: string;
  readonly link: LinkRow | undefined;
  /** It has never been written, so there is nothing to read. */
  readonly isNew: boolean;
}

/**
 * Writes what differs from what the CRM holds: one read of the records that may be there and one upsert, for as many
 * as a call takes. `uncertain` are contacts whose last write may have come through.
 */
export async function writeBatch(
  connector: Connector,
  contacts: readonly ContactFields[],
  links: readonly LinkRow[],
  uncertain: ReadonlySet<string>,
): Promise<Written[]> {
  const targets = contacts.flatMap((contact) => targetsOf(contact, links, uncertain));
  const written: Written[] = [];
  for (let start = 0; start < targets.length; start += connector.batchSize) {
    written.push(...(await writeTargets(connector, targets.slice(start, start + connector.batchSize))));
  }
  return written;
}

/** A contact joined from two goes on under the older id; the record of the younger is kept in step too. */
function targetsOf(
  contact: ContactFields,
  links: readonly LinkRow[],
  uncertain: ReadonlySet<string>,
): Target[] {
  const { contactId } = contact;
  const own = links.filter((link) => link.contactId === contactId);
  if (own.length === 0) {
    return [{ contact, writtenAs: contactId, link: undefined, isNew: !uncertain.has(contactId) }];
  }
  return own.map((link) => ({ contact, writtenAs: link.writtenAs, link, isNew: false }));
}

async function writeTargets(connector: Connector, targets: readonly Target[]): Promise<Written[]> {
  const written = targets.filter(({ isNew }) => !isNew).map(({ writtenAs }) => writtenAs);
  const records = written.length === 0 ? [] : await connector.read(written);
  const current = new Map(records.map((record) => [record.contactId, record]));
  const outcomes: Written[] = [];
  const pending = new Map<string, { target: Target; values: CrmValues; base: CrmValues }>();
  for (const target of targets) {
    const { contact, writtenAs, link } = target;
    const record = current.get(writtenAs);
    const base = record === undefined ? {} : (link?.base ?? {});
    const values = valuesToWrite(contact, connector.mapping, record?.values, base);
    if (record === undefined || Object.keys(values).length > 0)
      pending.set(writtenAs, { target, values, base });
    else {
      outcomes.push({
        contactId: contact.contactId,
        outcome: 'unchanged',
        // Its link was lost with the process that made it.
        ...(link === undefined ? { link: linkTo(target, record.recordId, {}) } : {}),
      });
    }
  }
  const upserts = [...pending].map(([contactId, { values }]) => ({ contactId, values }));
  for (const outcome of await upsertOrHalve(connector, upserts)) {
    const upsert = pending.get(outcome.contactId);
    if (upsert === undefined) continue;
    const { target, values, base } = upsert;
    outcomes.push(
      outcome.outcome === 'refused'
        ? { contactId: target.contact.contactId, outcome: 'refused', refused: outcome }
        : {
            contactId: target.contact.contactId,
            outcome: outcome.created ? 'created' : 'updated',
            link: linkTo(target, outcome.recordId, baseAfter(connector.mapping, base, values)),
          },
    );
  }
  return outcomes;
}

function linkTo({ contact, writtenAs }: Target, recordId: string, base: CrmValues): LinkRow {
  return { contactId: contact.contactId, recordId, writtenAs, base };
}

/** A batch the CRM refuses is halved until the culprit stands alone and its neighbours are through. */
async function upsertOrHalve(connector: Connector, upserts: readonly CrmUpsert[]): Promise<UpsertOutcome[]> {
  if (upserts.length === 0) return [];
  try {
    return await connector.upsert(upserts);
  } catch (error) {
    const halvable = error instanceof SangamError && error.code === 'batch_refused' && upserts.length > 1;
    if (!halvable) throw error;
    const middle = Math.ceil(upserts.length / 2);
    return [
      ...(await upsertOrHalve(connector, upserts.slice(0, middle))),
      ...(await upsertOrHalve(connector, upserts.slice(middle))),
    ];
  }
}
