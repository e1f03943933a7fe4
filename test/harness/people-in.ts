import { crms } from '@sangam/connectors/registry';
import type { ContactSource, ConnectorTraits, CrmField } from '@sangam/core/crm';
import { simulators } from '@sangam/sandbox';
import type { SeenRecord } from './counting.ts';
import type { SandboxRecord, ServiceFixture } from './service-fixture.ts';

/** A CRM of the sandbox by its name, as its user sees people's records there: by what a field is to us, whatever its name is. */
export interface PeopleIn {
  /** Below the sandbox. */
  readonly path: string;
  readonly records: () => Promise<readonly SandboxRecord[]>;
  /** What it holds of ours in every field that takes this by the default mapping; '' where nothing. */
  readonly read: (record: SandboxRecord, source: ContactSource) => readonly string[];
  readonly timeOf: (record: SandboxRecord, source: ContactSource) => number;
  readonly isOptedOut: (record: SandboxRecord) => boolean;
  readonly seen: () => Promise<readonly SeenRecord[]>;
}

export function peopleIn({ control }: Pick<ServiceFixture, 'control'>, crm: string): PeopleIn {
  const traits = traitsOf(crm);
  const { spelling } = traits;
  const path = `/${crm}/records/${simulatorOf(crm).peopleType}`;
  const read: PeopleIn['read'] = ({ properties }, source) =>
    fieldsOf(traits, source).map(({ name }) => properties[name] ?? '');
  /** Of the first of its fields. */
  const as = <Value>(
    record: SandboxRecord,
    source: ContactSource,
    reads: (written: string, field: CrmField) => Value,
  ): Value => {
    const [field] = fieldsOf(traits, source);
    return reads(record.properties[field.name] ?? '', field);
  };
  const people: PeopleIn = {
    path,
    read,
    records: async () => (await control<{ results: SandboxRecord[] }>('GET', path)).results,
    timeOf: (record, source) =>
      as(record, source, (written, field) => spelling.readTime(written, field)) ?? NaN,
    isOptedOut: (record) =>
      as(record, 'opt-out', (written, field) => spelling.readFlag(written, field)) === true,
    async seen() {
      return (await people.records()).map((record) => ({
        phone: read(record, 'phone')[0] ?? '',
        optedOut: people.isOptedOut(record),
        timeline: record.timeline ?? [],
      }));
    },
  };
  return people;
}

function fieldsOf(traits: ConnectorTraits, source: ContactSource): [CrmField, ...CrmField[]] {
  const lines = traits.usualFacts.defaultMapping.filter((line) => line.source === source);
  const [first, ...others] = lines.map(({ field }) => field);
  if (first === undefined) throw new Error(`${traits.label} maps no '${source}'.`);
  return [first, ...others];
}

function traitsOf(crm: string): ConnectorTraits {
  const found = crms.find(({ traits }) => traits.crm === crm);
  if (found === undefined) throw new Error(`There is no connector for ${crm}.`);
  return found.traits;
}

function simulatorOf(crm: string): { readonly peopleType: string } {
  const found = Object.entries(simulators).find(([name]) => name === crm)?.[1];
  if (found === undefined) throw new Error(`The sandbox has no ${crm}.`);
  return found;
}
