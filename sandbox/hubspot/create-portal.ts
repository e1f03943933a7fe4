import type { SandboxClock } from '../clock.ts';
import { createAssociations } from './associations.ts';
import { createCatalogue } from './catalogue.ts';
import { communicationType } from './communication-type.ts';
import { contactType } from './contact-type.ts';
import type { HubspotEntry } from './hubspot-journal.ts';
import type { ObjectType } from './object-type.ts';
import type { ChangeSource, PortalChange } from './changes.ts';
import type { Portal, RecordContext } from './record-context.ts';
import { createRecords } from './records.ts';
import type { HubspotRules } from './rules.ts';

/** An empty portal. `source` is whom changes through the API are put down to; `changed` hears of those of contacts. */
export function createPortal({
  clock,
  rules,
  append,
  source,
  changed,
}: {
  clock: SandboxClock;
  rules: () => HubspotRules;
  append: (entry: HubspotEntry) => void;
  source: ChangeSource;
  changed: (change: PortalChange) => void;
}): Portal {
  const associations = createAssociations();

  const contextOf = (objectType: ObjectType, told: (change: PortalChange) => void): RecordContext => {
    const catalogue = createCatalogue(objectType, rules);
    const records = createRecords({
      objectType,
      clock,
      catalogue,
      rules,
      associations,
      append: (change) => append({ type: objectType.name, ...change }),
      changed: told,
    });
    return { objectType, catalogue, records, clock, rules, source };
  };

  return {
    contacts: contextOf(contactType, changed),
    communications: contextOf(communicationType, () => undefined),
    associations,
    associate(pairs) {
      associations.add(pairs);
      append({ kind: 'associated', pairs });
    },
  };
}
