import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  connectionSettings,
  contactSources,
  type FieldMapping,
  type MappingSource,
  ruleOf,
  fieldPolicies,
  policyMeanings,
  transformMeanings,
  transforms,
} from '@sangam/core/crm';
import { crms } from '@sangam/connectors/registry';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { mappingLine } from './mapping-line.ts';

/** The tables of each CRM's guide that tell what can be set, made from what the service takes. */

type Schema = z.core.JSONSchema.BaseSchema;
type Row = readonly string[];

const guideOf = (crm: string): string => path.join(import.meta.dirname, `../../docs/${crm}-setup.md`);
const table = (head: Row, rows: readonly Row[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .join('\n');
const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
const asSchema = (schema: z.core.JSONSchema._JSONSchema | undefined): Schema =>
  typeof schema === 'object' ? schema : {};
const schemaOf = (schema: z.ZodType): Schema => z.toJSONSchema(schema, { io: 'input' });
const propertiesOf = ({ properties = {} }: Schema): [string, Schema][] =>
  Object.entries(properties).map(([name, inner]) => [name, asSchema(inner)]);

/** What a value may be. */
function typeOf(schema: Schema): string {
  const { type, items } = schema;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.map((one) => typeOf(asSchema(one))).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.pattern !== undefined) return "a text in single quotes, as `'WhatsApp contact'`";
  if (Array.isArray(type)) return type.map((one) => wordOf(one)).join(' or ');
  if (type === 'array') return `a list of: ${typeOf(asSchema(Array.isArray(items) ? items[0] : items))}`;
  if (type === 'object' && schema.properties !== undefined) {
    return `{${propertiesOf(schema)
      .map(([name, inner]) => `${name}: ${typeOf(inner)}`)
      .join(', ')}}`;
  }
  const { minimum } = schema;
  return `${wordOf(type)}${typeof minimum === 'number' ? ` from ${String(minimum)}` : ''}`;
}

function wordOf(type: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'whole number',
    number: 'number',
    boolean: '`true` or `false`',
    null: '`null`',
    object: 'names and values',
  };
  return words[type ?? ''] ?? 'anything';
}

/** Every key to its end, each with its default and meaning. */
function settingRows(schema: Schema, above: string): Row[] {
  return propertiesOf(schema).flatMap(([name, inner]) => {
    const key = `${above}${name}`;
    if (inner.properties !== undefined) return settingRows(inner, `${key}.`);
    const row = [
      code(key),
      inner.oneOf === undefined ? typeOf(inner) : 'see below',
      code(inner.default),
      inner.description ?? '',
    ];
    return [row];
  });
}

function settings(): string {
  const schema = schemaOf(connectionSettings);
  const owner = asSchema(schema.properties?.['owner']);
  const rules = (owner.oneOf ?? []).map((one): Row => {
    const rule = asSchema(one);
    const wanted = rule.required ?? [];
    const others = propertiesOf(rule).filter(([name]) => name !== 'kind');
    return [
      typeOf(asSchema(rule.properties?.['kind'])),
      others.map(([name]) => `${code(name)}${wanted.includes(name) ? '' : ' (may be left out)'}`).join(', '),
      rule.description ?? '',
    ];
  });
  return [
    table(['key', 'takes', 'default', 'what it decides'], settingRows(schema, '')),
    table(['`owner.kind`', 'with', 'whose a new record is'], rules),
  ].join('\n\n');
}

function mapping(defaultMapping: readonly FieldMapping[]): string {
  const line = schemaOf(mappingLine);
  const wanted = line.required ?? [];
  const standIns = asSchema(line.properties?.['standIns']);
  const standIn = asSchema(Array.isArray(standIns.items) ? undefined : standIns.items);
  const defaults = (source: string): string =>
    defaultMapping
      .filter((one) => one.source === source)
      .map(({ field, policy }) => `${code(field.name)} (${policy})`)
      .join(', ');
  const row = (source: MappingSource, told: MappingSource, goesTo: string): Row => {
    const { means, holds, policies } = ruleOf(source);
    return [code(told), means, holds, policies.map(code).join(', '), goesTo];
  };
  const constants = defaultMapping
    .flatMap(({ source, field }) =>
      typeof source === 'object' && 'constant' in source
        ? [`${code(field.name)} (${code(source.constant)})`]
        : [],
    )
    .join(', ');
  const parts = propertiesOf(line).map(([name, part]): Row => {
    const fallback = part.default === undefined ? 'nothing' : code(part.default);
    return [code(name), part.description ?? '', wanted.includes(name) ? 'must be given' : fallback];
  });
  return [
    table(['of a line', 'says', 'when left out'], parts),
    table(
      ['`source`', 'what it is', 'fits', '`policy` may be', 'by default goes to'],
      [
        ...contactSources.map((source) => row(source, source, defaults(source))),
        row({ flowAnswer: 'any' }, { flowAnswer: '…' }, ''),
        row({ constant: 'any' }, { constant: '…' }, constants),
      ],
    ),
    table(
      ['`policy`', 'means'],
      fieldPolicies.map((policy) => [code(policy), policyMeanings[policy]]),
    ),
    table(
      ['`transform`', 'the text goes'],
      transforms.map((transform) => [code(transform), transformMeanings[transform]]),
    ),
    table(
      ['in `standIns`', 'stands for'],
      (standIn.anyOf ?? []).map((one) => [typeOf(asSchema(one)), asSchema(one).description ?? '']),
    ),
  ].join('\n\n');
}

/** The guide with what stands between its marks of that name made anew. */
function renewed(text: string, name: string, tables: string): string {
  const between = new RegExp(`(<!-- ${name}: .* -->\n)[^]*?(<!-- end of ${name} -->)`);
  expect(text).toMatch(between);
  return text.replace(between, (_, start: string, end: string) => `${start}\n${tables}\n\n${end}`);
}

test.each(crms.map(({ traits }) => [traits.crm, traits.usualFacts.defaultMapping] as const))(
  'the guide to %s tells what the service takes; `npm run docs` writes it',
  async (crm, defaultMapping) => {
    const guide = guideOf(crm);
    const text = readFileSync(guide, 'utf8');
    const current = renewed(renewed(text, 'mapping', mapping(defaultMapping)), 'settings', settings());
    await expect(current).toMatchFileSnapshot(guide);
  },
);

test.each(crms.map(({ traits }) => [traits.crm, traits.usualFacts.defaultMapping] as const))(
  'every setting and every part of a mapping is explained for %s',
  (_crm, defaultMapping) => {
    const unexplained = `${settings()}\n${mapping(defaultMapping)}`
      .split('\n')
      .filter((row) => /\|\s*\|$/.test(row));
    expect(unexplained.filter((row) => !/flowAnswer|constant|full name/.test(row))).toEqual([]);
  },
);
