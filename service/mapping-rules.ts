import {
  type CrmField,
  type FieldMapping,
  type FieldOwner,
  type FieldValue,
  ruleOf,
  type SourceRule,
  type Spelling,
} from '@sangam/core/crm';
import type { WrongField } from '@sangam/core/errors';
import type { MappingLine } from './mapping-line.ts';

/**
 * A mapping checked against the CRM's fields as they are now: the mapping to be kept, or every problem in words that say
 * what to do. A field that is mapped already may stay though the CRM lacks it: it is parked, or not provisioned yet.
 */
export function checkMapping(
  lines: readonly MappingLine[],
  before: readonly FieldMapping[],
  crm: { readonly fields: readonly CrmField[]; readonly contactIdField: string; readonly spelling: Spelling },
): { readonly mapping: readonly FieldMapping[] } | { readonly problems: readonly WrongField[] } {
  const mapped = before.map(({ field }) => field);
  const byName = new Map([...mapped, ...crm.fields].map((field) => [field.name, field]));
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
          ? noField(line.field, crm.fields)
          : problemOf(line, field, crm.spelling);
    taken.add(line.field);
    if (problem !== undefined) problems.push({ path: `mapping[${String(index)}]`, message: problem });
    else if (field !== undefined) {
      mapping.push({ ...line, field });
    }
  }
  return problems.length === 0 ? { mapping } : { problems };
}

/** People write what they see. */
function noField(written: string, fields: readonly CrmField[]): string {
  const meant = fields.find(({ label }) => label.toLowerCase() === written.toLowerCase());
  return meant === undefined
    ? `There is no field '${written}' in the CRM: create it there first, or choose another from GET …/fields.`
    : `There is no field '${written}' in the CRM: the one shown so is named '${meant.name}'.`;
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
