import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** The tests run on the newest PostgreSQL, and 15 is promised: what came later stands in no statement. */

const root = path.resolve(import.meta.dirname, '..');

/** By the version it came with, of what a statement of ours might well take. */
const later: readonly RegExp[] = [
  // 18: the row of before and after a change.
  /\breturning\b[^;`]*\b(old|new)\.[a-z_]/i,
  /\b(uuidv[47]|array_sort|array_reverse|casefold|crc32c?)\s*\(/,
  // 17 and 16
  /\bmerge into\b[^;`]*\breturning\b/i,
  /\b(json_table|json_query|json_value|json_exists|any_value|array_shuffle|array_sample|pg_input_is_valid)\s*\(/i,
];

/** The statements of a file: its templates that are SQL, without what is put into them. */
function statementsOf(text: string): string[] {
  return (
    text.match(/sql(?:<[^`]*>)?`[^`]*`|`\s*(?:select|insert|update|delete|with|merge)\b[^`]*`/gi) ?? []
  ).map((statement) => statement.replaceAll(/\$\{[^}]*\}/g, '?').replaceAll(/\s+/g, ' '));
}

const laterIn = (text: string): string[] =>
  statementsOf(text).filter((statement) => later.some((one) => one.test(statement)));

test('no statement takes what PostgreSQL 15 does not know', () => {
  const files = globSync('{core,service,connectors}/**/*.ts', { cwd: root }).filter(
    (file) => !file.includes('node_modules'),
  );
  const texts = files.map((file) => readFileSync(path.join(root, file), 'utf8'));
  expect(texts.flatMap(statementsOf).length).toBeGreaterThan(300);
  expect(texts.flatMap(laterIn)).toEqual([]);
});

test.each([
  'sql<Row>`update limits set used = 1 where a = ${b}\n returning old.used, limits.used`.execute(trx)',
  'client.query(`update limits set used = 1 returning coalesce(new.used, 0) as used`)',
  'sql`insert into a select uuidv7()`',
  'sql`select any_value(id) from a group by b`',
])('%s would be found', (text) => {
  expect(laterIn(text)).toHaveLength(1);
});
