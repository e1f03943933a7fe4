import {
  type CrmField,
  type FieldMapping,
  type FieldPolicy,
  type FieldValue,
  ruleOf,
  type SourceRule,
  type Spelling,
} from '@sangam/core/crm';
import type { WrongField } from '@sangam/core/errors';
import { carried } from '@sangam/core/mapping';
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
  const source = nameOf(line.source);
  const target = `'${field.label}' (${field.name})`;
  if (!field.writable && line.policy !== 'theirs') {
    return `${target} is read-only in the CRM: choose a field that can be edited, or let the CRM own it ('theirs').`;
  }
  if (rule.kinds?.includes(field.kind) === false || !canHold(rule, field, spelling)) {
    return `'${source}' needs ${rule.holds}, and ${target} is of kind '${field.kind}': choose or create another field.`;
  }
  if (!rule.policies.includes(line.policy)) {
    return `'${source}' cannot have the policy '${line.policy}': choose ${oneOf(rule.policies)}.`;
  }
  if (line.transform !== 'as is' && rule.value !== 'text') {
    return `'${source}' is no text and goes as it is: take the transform '${line.transform}' away.`;
  }
  const untold = untranslatable(line, rule);
  if (untold !== undefined) return `'${source}' ${untold}`;
  const missing = missingOptions(line, rule, field, spelling);
  if (missing.length > 0 && field.kind !== 'choice') {
    return `${target} cannot hold ${missing.map((value) => `'${value}'`).join(', ')}: choose another field.`;
  }
  if (missing.length > 0) {
    return `${target} does not offer ${missing.map((value) => `'${value}'`).join(', ')}: add ${
      missing.length === 1 ? 'this option' : 'these options'
    } in the CRM, translate by 'values', or choose a text field.`;
  }
  return undefined;
}

/** Whether the CRM's spelling knows how to put such a value into the field at all; which texts a choice takes is looked at apart. */
function canHold(rule: SourceRule, field: CrmField, spelling: Spelling): boolean {
  if (field.kind === 'choice' && rule.value === 'text') return true;
  return field.kind === 'number' || spelling.write(samples[rule.value], field) !== undefined;
}

/** Any value of its sort. */
const samples: Readonly<Record<SourceRule['value'], FieldValue>> = {
  text: { kind: 'text', text: '2026' },
  time: { kind: 'time', at: Date.UTC(2026, 0, 1) },
  flag: { kind: 'flag', set: true },
  tags: { kind: 'tags', tags: [] },
};

/** Why a translation is of no use: it would never be asked for. */
function untranslatable({ values = {} }: MappingLine, rule: SourceRule): string | undefined {
  const asked = Object.keys(values);
  if (asked.length > 0 && rule.value !== 'text') return "is no text and goes as it is: take 'values' away.";
  const unknown = asked.find((value) => rule.values?.includes(value) === false);
  return unknown === undefined
    ? undefined
    : `is never '${unknown}': translate ${(rule.values ?? []).map((value) => `'${value}'`).join(', ')}.`;
}

/** Of few values, or of a constant, those the field does not take; of others, what a translation says. */
function missingOptions(line: MappingLine, rule: SourceRule, field: CrmField, spelling: Spelling): string[] {
  const translated = Object.values(line.values ?? {});
  const written =
    rule.values === undefined
      ? translated
      : rule.values.flatMap((text) => {
          const value = carried({ kind: 'text', text }, line);
          return value.kind === 'text' ? (value.text ?? []) : [];
        });
  return written.filter((text) => spelling.write({ kind: 'text', text }, field) === undefined);
}

function nameOf(source: MappingLine['source']): string {
  if (typeof source === 'string') return source;
  return 'constant' in source ? `constant '${source.constant}'` : `Flow answer '${source.flowAnswer}'`;
}

function oneOf(policies: readonly FieldPolicy[]): string {
  return policies.map((policy) => `'${policy}'`).join(' or ');
}
