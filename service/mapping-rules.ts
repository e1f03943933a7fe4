import {
  type CrmField,
  type FieldMapping,
  type FieldOwner,
  type FieldValue,
  type MappingSource,
  ruleOf,
  type SourceRule,
  type Spelling,
  type Transform,
} from '@sangam/core/crm';
import type { WrongField } from '@sangam/core/errors';

/** A line of a mapping as an admin writes it: the CRM's field by its name. */
export interface MappingLine {
  readonly source: MappingSource;
  readonly field: string;
  readonly owner: FieldOwner;
  readonly transform: Transform;
  readonly standIns?: FieldMapping['standIns'];
}

/**
 * A mapping checked against the CRM's fields as they are now: the mapping to be kept, or every problem in words that say
 * what to do.
 */
export function checkMapping(
  lines: readonly MappingLine[],
  crm: { readonly fields: readonly CrmField[]; readonly contactIdField: string; readonly spelling: Spelling },
): { readonly mapping: readonly FieldMapping[] } | { readonly problems: readonly WrongField[] } {
  const byName = new Map(crm.fields.map((field) => [field.name, field]));
  const taken = new Set<string>();
  const problems: WrongField[] = [];
  const mapping: FieldMapping[] = [];
  for (const [index, line] of lines.entries()) {
    const field = byName.get(line.field);
    const problem = taken.has(line.field)
      ? `'${line.field}' is mapped twice: give each field of the CRM one source.`
      : line.field === crm.contactIdField
        ? `'${line.field}' holds Sangam's own id and cannot be mapped: choose another field.`
        : field === undefined
          ? `There is no field '${line.field}' in the CRM: create it there first, or choose another.`
          : problemOf(line, field, crm.spelling);
    taken.add(line.field);
    if (problem !== undefined) problems.push({ path: `mapping[${String(index)}]`, message: problem });
    else if (field !== undefined) {
      const { standIns } = line;
      mapping.push({
        source: line.source,
        field,
        owner: line.owner,
        transform: line.transform,
        ...(standIns === undefined ? {} : { standIns }),
      });
    }
  }
  return problems.length === 0 ? { mapping } : { problems };
}

function problemOf(line: MappingLine, field: CrmField, spelling: Spelling): string | undefined {
  const rule = ruleOf(line.source);
  const source = typeof line.source === 'string' ? line.source : `Flow answer '${line.source.flowAnswer}'`;
  const target = `'${field.label}' (${field.name})`;
  if (!field.writable && line.owner !== 'theirs') {
    return `${target} is read-only in the CRM: choose a field that can be edited, or let the CRM own it ('theirs').`;
  }
  if (!rule.kinds.includes(field.kind)) {
    return `'${source}' needs ${rule.holds}, and ${target} is of kind '${field.kind}': choose or create another field.`;
  }
  if (!rule.owners.includes(line.owner)) {
    return `'${source}' cannot be owned '${line.owner}': choose ${oneOf(rule.owners)}.`;
  }
  if (line.transform !== 'as is' && rule.value !== 'text') {
    return `'${source}' is no text and goes as it is: take the transform '${line.transform}' away.`;
  }
  const missing = missingOptions(rule, field, spelling);
  if (missing.length > 0) {
    return `${target} does not offer ${missing.map((value) => `'${value}'`).join(', ')}: add ${
      missing.length === 1 ? 'this option' : 'these options'
    } in the CRM, or choose a text field.`;
  }
  const sample = samples[rule.value];
  if (field.kind !== 'choice' && field.kind !== 'number' && spelling.write(sample, field) === undefined) {
    return `${target} cannot hold '${source}' in this CRM: choose another field.`;
  }
  return undefined;
}

/** Any value of its sort: whether the CRM's spelling knows how to put one into such a field at all. */
const samples: Readonly<Record<SourceRule['value'], FieldValue>> = {
  text: { kind: 'text', text: '2026' },
  time: { kind: 'time', at: Date.UTC(2026, 0, 1) },
  flag: { kind: 'flag', set: true },
  tags: { kind: 'tags', tags: [] },
};

function missingOptions(rule: SourceRule, field: CrmField, spelling: Spelling): string[] {
  if (field.kind !== 'choice') return [];
  return (rule.values ?? []).filter(
    (value) => spelling.write({ kind: 'text', text: value }, field) === undefined,
  );
}

function oneOf(owners: readonly FieldOwner[]): string {
  return owners.map((owner) => `'${owner}'`).join(' or ');
}
