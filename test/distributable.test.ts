import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { workspaceTables } from '@sangam/core/store';
import { describe, expect, test } from 'vitest';
import { sqlIn } from './harness/sql-in-source.ts';

/**
 * What keeps the database one that a Citus can spread over several nodes (docs/scaling.md), although most tests run on one:
 * the rules a statement or a migration is held to. The plan itself is read from the schema: core/store/distribution.test.ts.
 */

const root = path.resolve(import.meta.dirname, '..');

const sourcesOf = (pattern: string): string[] =>
  globSync(pattern, { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .toSorted()
    .map((file) => readFileSync(path.join(root, file), 'utf8'));

const workspaceTable = new RegExp(`\\b(${workspaceTables.join('|')})\\b`);

/** From `on conflict` to the end of its statement, and what stands before. */
function upsertsOf(statement: string): { readonly insert: string; readonly tail: string }[] {
  return [...statement.matchAll(/\bon conflict\b/g)].map(({ index }) => {
    let depth = 0;
    let end = index;
    while (end < statement.length && depth >= 0) {
      if (statement[end] === '(') depth += 1;
      if (statement[end] === ')') depth -= 1;
      end += 1;
    }
    const before = statement.slice(0, index);
    return { insert: before.slice(before.lastIndexOf('insert into')), tail: statement.slice(index, end) };
  });
}

/** What stands in each pair of brackets that opens with a select. */
function subselectsOf(statement: string): string[] {
  return [...statement.matchAll(/\(\s*select\b/g)].map(({ index }) => {
    let depth = 0;
    let end = index;
    do {
      if (statement[end] === '(') depth += 1;
      if (statement[end] === ')') depth -= 1;
      end += 1;
    } while (depth > 0 && end < statement.length);
    return statement.slice(index, end);
  });
}

type Rule = readonly [says: string, isBroken: (statement: string) => boolean];

const statementRules: readonly Rule[] = [
  [
    'no subselect in returning of an upsert',
    (statement) => upsertsOf(statement).some(({ tail }) => /\breturning\b.*\bselect\b/.test(tail)),
  ],
  [
    'no parameter in on conflict, or after it, of an insert from a select',
    (statement) =>
      upsertsOf(statement).some(
        ({ insert, tail }) => !/^insert into [^(]+\([^)]*\) values\b/.test(insert) && tail.includes('$'),
      ),
  ],
  [
    'ids are cast to text before they are joined in do update set',
    (statement) =>
      upsertsOf(statement).some(({ tail }) => /_id \|\||\|\| (?:\w+\.)?\w*_id\b(?!::text)/.test(tail)),
  ],
  [
    'no slice of an array in an upsert, which ends the server',
    (statement) => upsertsOf(statement).some(({ tail }) => /[\w)] ?\[ ?[\w$]/.test(tail)),
  ],
  [
    'a subselect names its workspace itself, and not by way of what is around it',
    (statement) =>
      /\bworkspace_id = \$/.test(statement) &&
      subselectsOf(statement).some((text) => workspaceTable.test(text) && !/\bworkspace_id = \$/.test(text)),
  ],
  [
    'nothing recursive across workspaces',
    (statement) => /\bwith recursive\b/.test(statement) && !/\bworkspace_id = \$/.test(statement),
  ],
  [
    'no catalogue view beside a change',
    (statement) =>
      /\b(update \w+|delete from|insert into)\b/.test(statement) &&
      /\b(pg_stat_\w+|pg_locks|pg_class|information_schema)\b/.test(statement),
  ],
  [
    'the due list, which stands on the coordinator alone, is read and written apart from workspaces',
    (statement) =>
      /\bdirectory_due\b/.test(statement) &&
      workspaceTable.test(statement) &&
      !/^insert into directory_due\b[^()]*\([^()]*\) select\b/.test(statement),
  ],
  [
    'the directory is not changed from what workspaces hold',
    (statement) => /\bupdate directory_\w+/.test(statement) && workspaceTable.test(statement),
  ],
];

const broken = (rules: readonly Rule[], statements: readonly string[]): string[] =>
  statements.flatMap((statement) =>
    rules.filter(([, isBroken]) => isBroken(statement)).map(([says]) => `${says}: ${statement}`),
  );

const isStatement = (text: string): boolean => /^(\(*select|insert|update|delete|with|lock)\b/.test(text);

describe('a statement of core/store', () => {
  test('keeps the rules of a distributed database', () => {
    const statements = sqlIn(
      sourcesOf('core/store/!(migrations)/**/*.ts').concat(sourcesOf('core/store/*.ts')),
    ).filter(isStatement);
    expect(statements.length).toBeGreaterThan(300);
    expect(broken(statementRules, statements)).toEqual([]);
  });

  test.each([
    'sql`insert into a (x) values (${x}) on conflict (x) do update set n = 1 returning (select n from b) as n`',
    'sql`insert into a (x) select x from b on conflict (x) do update set n = ${n}`',
    'sql`with b as (insert into a (x) select x from c on conflict (x) do update set n = 1 returning ${n}) select 1`',
    'const again = sql`do update set n = a.n + ${n}`;\nsql`insert into a (x) select 1 on conflict (x) ${again}`',
    "sql`insert into a (x) select 1 on conflict (x) do update set n = case when a.contact_id || ' ' = 'x' then 1 end`",
    'sql`insert into a (x) select 1 on conflict (x) do update set y = (a.y || excluded.y)[1:16]`',
    'sql`select 1 from messages m where m.workspace_id = ${id} and (m.at = 0 or not exists (select 1 from contacts c where c.workspace_id = m.workspace_id))`',
    'sql`with recursive r as (select workspace_id from inbox union all select 1 from r) select 1 from r`',
    'pool.query(`update ${leased} set lease = null where not exists (select 1 from pg_stat_activity)`)',
    'sql`select 1 from directory_due d join contacts c on c.workspace_id = d.workspace_id`',
    'sql`update directory_channels d set app = c.app from channels c where c.workspace_id = d.workspace_id`',
  ])('%s would be found', (source) => {
    expect(broken(statementRules, sqlIn([source]).filter(isStatement))).toHaveLength(1);
  });
});

/** Migrations run on databases that are distributed already; those up to this one made them so that they can be. */
const lastBefore = '0052';

/** Parts of a list between the commas that stand in no bracket. */
function partsOf(list: string): string[] {
  let depth = 0;
  const parts = [''];
  for (const character of list) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${character}`);
  }
  return parts;
}

const migrationRules: readonly Rule[] = [
  ...statementRules,
  [
    'one subcommand an alter table',
    (statement) => /^alter table\b/.test(statement) && partsOf(statement).length > 1,
  ],
  [
    'a constraint of a table that is there is added by itself, under a name',
    (statement) =>
      /^alter table \S+ add (?!constraint\b)/.test(statement) &&
      /\b(check|unique|primary key|references)\b/.test(statement),
  ],
  [
    'no foreign key: a table that a migration makes stands on the coordinator until it is spread',
    (statement) => /^(create|alter) table\b.*\breferences\b/.test(statement),
  ],
  ['no function, no trigger', (statement) => /^create (or replace )?(function|trigger)\b/.test(statement)],
];

const isOfMigration = (text: string): boolean =>
  /^(insert|update|delete|with|create (table|index|unique|function|trigger|or)|alter|drop)\b/.test(text);

describe('a migration', () => {
  test('keeps the rules of a database that is distributed already', () => {
    const later = globSync('core/store/migrations/[0-9]*.ts', { cwd: root }).filter(
      (file) => path.basename(file) > `${lastBefore}~`,
    );
    expect(broken(migrationRules, sqlIn(later.flatMap(sourcesOf)).filter(isOfMigration))).toEqual([]);
  });

  test.each([
    '`alter table a add column b int, add column c int`',
    '`alter table a drop constraint b, add constraint b check (c in (1, 2))`',
    '`alter table a add column b int check (b > 0)`',
    '`alter table a add check (b > 0)`',
    'sql`alter table a add primary key (workspace_id, b)`',
    '`create table a (workspace_id uuid not null references workspaces, primary key (workspace_id))`',
    "'update directory_channels d set created_at = c.created_at from channels c where c.workspace_id = d.workspace_id'",
    '`create trigger a before update on b execute function c()`',
  ])('%s would be found', (source) => {
    expect(broken(migrationRules, sqlIn([source]).filter(isOfMigration))).toHaveLength(1);
  });

  test.each([
    '`alter table a add constraint b check (c in (1, 2))`',
    '`alter table a drop constraint b`',
    '`create table a (workspace_id uuid not null, b int check (b > 0), primary key (workspace_id, b))`',
    '`update a set b = c.b from c where c.workspace_id = a.workspace_id and c.d = a.d`',
  ])('%s is as it is to be', (source) => {
    const statements = sqlIn([source]).filter(isOfMigration);
    expect(statements).toHaveLength(1);
    expect(broken(migrationRules, statements)).toEqual([]);
  });
});
